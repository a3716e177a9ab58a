"""
Logs and traces: set-up, and every name of a log event as a constant. Metrics are in `shared.metrics`.

No address, message text or secret goes into any of them. As a last net, the log chain masks what looks like a
phone number.
"""

import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Protocol

import structlog
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode

# Log events
SETTINGS_LOADED: Final = "settings.loaded"
SERVICE_READY: Final = "service.ready"
SERVICE_STOPPING: Final = "service.stopping"
WEBHOOK_ANSWERED: Final = "webhook.answered"
WEBHOOK_CRASHED: Final = "webhook.crashed"
CONFIG_LOADED: Final = "config.loaded"
CONFIG_UNREADABLE: Final = "config.unreadable"
INBOUND_ROUTED: Final = "inbound.routed"
PAIRING_SUSPENDED: Final = "pairing.suspended"
TURN_FINISHED: Final = "turn.finished"
TURN_LOST: Final = "turn.lost"
TURN_RESTARTED: Final = "turn.restarted"
MEDIA_READ: Final = "media.read"
TURN_REFUSED: Final = "turn.refused"
BUDGET_UNSETTLED: Final = "budget.unsettled"
MODEL_FELL_BACK: Final = "model.fell_back"
SUMMARY_MADE: Final = "memory.summarised"
SUMMARY_FAILED: Final = "memory.summary_failed"
CONVERSATION_HANDED_OFF: Final = "conversation.handed_off"
GAP_FILLED: Final = "gap_fill.finished"
REWRAPPED: Final = "rewrap.progress"
REPEPPERED: Final = "repepper.progress"
PRIVACY_APPLIED: Final = "privacy.finished"
RETENTION_APPLIED: Final = "retention.finished"
PAGE_REGION_FAILED: Final = "page.region_failed"
PERSON_ERASED: Final = "person.erased"
ERASURE_DELAYED: Final = "erasure.delayed"
DEAD_LETTERED: Final = "dead_letter.listed"
LINE_PROVISIONED: Final = "line.provisioned"
LINE_DRIFTED: Final = "line.drifted"
CANARY_STUCK: Final = "canary.stuck"
DEAD_LETTER_SETTLED: Final = "dead_letter.settled"
KNOWLEDGE_REDUCED: Final = "knowledge.reduced"
DOCUMENT_INDEXED: Final = "knowledge.document_indexed"
SOURCE_IMPORTED: Final = "catalogue.imported"
SOURCE_FAILED: Final = "catalogue.fetch_failed"
MCP_UNAVAILABLE: Final = "mcp.unavailable"
MCP_TOOL_LEFT_OUT: Final = "mcp.tool_left_out"
TOOL_CALLED: Final = "tool.called"
ACTION_UNUSABLE: Final = "action.unusable"
SIDE_EFFECT_LOST: Final = "action.outcome_unknown"
FORM_SENT: Final = "form.sent"
FORM_FAILED: Final = "form.failed"
PART_SENT: Final = "reply.part_sent"
PART_REPORTED: Final = "reply.part_reported"
PART_IN_DOUBT: Final = "reply.part_in_doubt"
PARTS_PARKED: Final = "reply.parts_parked"
TYPING_FAILED: Final = "typing.failed"
DELIVERY_FAILED: Final = "delivery.failed"
DELIVERY_REFUSED: Final = "delivery.refused"
RETRIED: Final = "retry.scheduled"
SWEEP_FAILED: Final = "sweep.failed"
BUS_LOST: Final = "bus.lost"
ANSWER_FAILED: Final = "bus.answer_failed"
BUS_BACK: Final = "bus.back"
DURABLE_RESTORED: Final = "durable.restored"
PRESENCE_LOST: Final = "presence.lost"

PHONE_LIKE = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){8,14}(?!\d)")
_SAFE_KEYS: Final = frozenset(
    {"event", "timestamp", "level", "service", "trace_id", "span_id", "tenant", "thread", "conversation", "turn", "attempt",
     "provider_sid", "line", "seq", "reply", "part", "error_id", "message_id"}
)  # fmt: skip

tracer = trace.get_tracer("trunkline")
log: structlog.stdlib.BoundLogger = structlog.get_logger()


def set_up(service: str, level: str) -> None:
    """Configure JSON logs on stdout and, where `OTEL_EXPORTER_OTLP_ENDPOINT` is set, trace export."""
    _set_up_logs(service, level)
    is_exported = bool(
        os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )
    # What nobody reads is not recorded: trace ids are made, logged and handed on all the same.
    sampler = None if is_exported else ALWAYS_OFF
    provider = TracerProvider(sampler, Resource.create({"service.name": f"trunkline-{service}"}))
    if is_exported:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def shut_down() -> None:
    """Send what spans are left."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Mapping[str, str] | None = None,
    links: tuple[Mapping[str, str], ...] = (),
    **attributes: str | float | bool,
) -> Iterator[Span]:
    """Open a span. `parent` and `links` are trace headers as `trace_headers` gives them."""
    context = _context(parent) if parent is not None else None
    with _opened(name, kind, context, _links(links), attributes) as opened:
        yield opened


@contextmanager
def inner_span(name: str, *, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | float | bool) -> Iterator[Span]:
    """Open a span within the running one; without one that is recorded, open none: a sweep makes no trace of its own."""
    if not trace.get_current_span().is_recording():
        yield trace.INVALID_SPAN
        return
    with _opened(name, kind, None, [], attributes) as opened:
        yield opened


def waited(
    name: str,
    since: datetime,
    *,
    parent: Mapping[str, str],
    links: tuple[Mapping[str, str], ...] = (),
    **attributes: str | float | bool,
) -> None:
    """Tell of a wait that is over now, as a span of its own: what nobody works on takes its time, too."""
    until = time.time_ns()
    tracer.start_span(
        name,
        context=_context(parent),
        links=_links(links),
        attributes=_attributes(attributes),
        start_time=min(until, int(since.timestamp() * 1e9)),
    ).end(until)


def link(headers: Mapping[str, str]) -> None:
    """Lead from the running span to another trace."""
    for other in _links((headers,)):
        trace.get_current_span().add_link(other.context)


class Retry(Protocol):
    """What stamina tells of a retry."""

    @property
    def retry_num(self) -> int:
        """Which retry this is, from 1."""

    @property
    def wait_for(self) -> float:
        """Seconds until it is made."""

    @property
    def caused_by(self) -> Exception:
        """What went wrong."""


def tell_retry(details: Retry) -> None:
    """Log a retry in place of stamina's own hook, which quotes the exception, and so may quote what a stranger sent."""
    log.warning(RETRIED, number=details.retry_num, seconds=round(details.wait_for, 2), exc_info=details.caused_by)


def trace_headers() -> dict[str, str]:
    """Return the current trace position as headers (`traceparent`, `tracestate`)."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


def _context(headers: Mapping[str, str]) -> Context:
    return propagate.extract(dict(headers), context=Context())


@contextmanager
def _opened(
    name: str,
    kind: SpanKind,
    context: Context | None,
    links: list[Link],
    attributes: Mapping[str, str | float | bool],
) -> Iterator[Span]:
    with tracer.start_as_current_span(
        name,
        context=context,
        kind=kind,
        links=links,
        attributes=_attributes(attributes),
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield opened
        except Exception as error:
            opened.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def _links(headers: tuple[Mapping[str, str], ...]) -> list[Link]:
    return [Link(found) for link in headers if (found := _span_context(link)).is_valid]


def _attributes(named: Mapping[str, str | float | bool]) -> dict[str, str | float | bool]:
    return {key.replace("__", "."): value for key, value in named.items()}


def _span_context(headers: Mapping[str, str]) -> trace.SpanContext:
    return trace.get_current_span(_context(headers)).get_span_context()


def _set_up_logs(service: str, level: str) -> None:
    numeric = logging.getLevelNamesMapping()[level.upper()]
    chain: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace,
        _named(service),
        _brief_exception,
        _mask,
    ]
    structlog.configure(
        processors=[*chain, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=chain,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=max(numeric, logging.WARNING), handlers=[handler], force=True)


def _with_trace(_: object, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        entry["trace_id"] = trace.format_trace_id(context.trace_id)
    return entry


def _named(service: str) -> structlog.types.Processor:
    def add(_: object, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        entry["service"] = service
        return entry

    return add


def _brief_exception(_: object, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep an exception's type and place; its text may quote what a stranger sent."""
    info = entry.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        entry["error"] = type(error).__name__
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        if at is not None:
            entry["error_at"] = f"{at.tb_frame.f_code.co_qualname}:{at.tb_lineno}"
    return entry


def _mask(_: object, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in entry.items():
        if isinstance(value, str) and key not in _SAFE_KEYS:
            entry[key] = PHONE_LIKE.sub("[masked]", value)
    return entry
