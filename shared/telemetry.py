"""
Logs, traces and metrics: set-up, and every name as a constant.

No address, message text or secret goes into any of the three. As a last net, the log chain masks what looks like a
phone number.
"""

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

import structlog
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from prometheus_client import Counter, Gauge, Histogram

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

# Metrics
MESSAGES: Final = Counter(
    "trunkline_channel_messages",
    "Messages by what became of them.",
    ("provider", "channel", "direction", "status"),
)
HOPS: Final = Histogram(
    "trunkline_hop_seconds",
    "Seconds that one hop of a message took.",
    ("hop",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
SIGNATURE_FAILURES: Final = Counter("trunkline_signature_failures", "Webhooks refused for their signature.")
WEBHOOKS: Final = Counter("trunkline_webhooks", "Webhook requests by answer.", ("outcome",))
TURNS_RUNNING: Final = Gauge("trunkline_turns_running", "Agent turns that run in this process.")
MODEL_TOKENS: Final = Counter(
    "trunkline_model_tokens", "Tokens that models were paid for.", ("direction", "model", "tenant")
)
MODEL_COST: Final = Counter(
    "trunkline_model_cost", "What models cost, in the currency of the prices that are set.", ("model", "tenant")
)
TOKEN_USAGE: Final = Histogram(
    "gen_ai_client_token_usage",
    "Tokens of one call of a model.",
    ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type"),
    buckets=tuple(4**power for power in range(14)),
)
CALL_SECONDS: Final = Histogram(
    "gen_ai_client_operation_duration_seconds",
    "Seconds that one call of a model took, by how it failed.",
    ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type"),
    buckets=(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
"""Both as OpenTelemetry's GenAI conventions have them, in Prometheus' spelling."""

TURNS_REFUSED: Final = Counter("trunkline_turns_refused", "Turns that a limit ended, by which.", ("reason",))
AMBIGUOUS_SENDS: Final = Counter(
    "trunkline_ambiguous_sends", "Sends whose outcome had to be found out.", ("resolution",)
)
OUTBOUND_CALLS: Final = Counter(
    "trunkline_outbound_calls", "Calls to addresses that tenants named, by outcome.", ("outcome",)
)
DELIVERIES: Final = Counter("trunkline_deliveries", "Events handled, by durable and verdict.", ("durable", "verdict"))

HOP_ACCEPT: Final = "accept"
HOP_ROUTE: Final = "route"
HOP_TURN: Final = "turn"
HOP_MODEL: Final = "model"
HOP_SEND: Final = "send"
HOP_ANSWER: Final = "answer"

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
    provider = TracerProvider(resource=Resource.create({"service.name": f"trunkline-{service}"}))
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
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
    with tracer.start_as_current_span(
        name,
        context=_context(parent) if parent is not None else None,
        kind=kind,
        links=[Link(found) for link in links if (found := _span_context(link)).is_valid],
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield opened
        except Exception as error:
            opened.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


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
