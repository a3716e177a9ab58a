"""The last traces of a local stack, in memory: what its services export, so that a trace can be looked at without a backend."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it ships no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

TRACES = 1000
"""Traces that are kept; the one that was added to least recently goes first."""

_SPANS = 1000
"""Spans that are kept of one trace."""

_OWN = "console"
MESSAGE_SID = "trunkline.message_sid"
_MILLION = 1_000_000


class Unreadable(Exception):
    """What was sent is no export of traces."""


@dataclass(frozen=True)
class Spanned:
    """A span. `start`, `end`: nanoseconds of Unix time. `links`: ids of other traces."""

    id: str
    parent: str
    service: str
    name: str
    start: int
    end: int
    failed: bool
    attributes: dict[str, str]
    links: tuple[str, ...] = ()

    @property
    def ms(self) -> float:
        """How long it took."""
        return (self.end - self.start) / _MILLION


@dataclass(frozen=True)
class Trace:
    """A trace, as far as its spans have come."""

    id: str
    spans: Sequence[Spanned]

    @property
    def start(self) -> int:
        """When its first span began."""
        return min(span.start for span in self.spans)

    @property
    def began_at(self) -> datetime:
        """When its first span began."""
        return datetime.fromtimestamp(self.start / 1e9, UTC)

    @property
    def ms(self) -> float:
        """From its first span's start to its last one's end."""
        return (max(span.end for span in self.spans) - self.start) / _MILLION

    @property
    def name(self) -> str:
        """The name of the span that began it."""
        return min(self.spans, key=lambda span: (bool(span.parent), span.start)).name

    @property
    def failed(self) -> bool:
        """Whether a span of it failed."""
        return any(span.failed for span in self.spans)

    @property
    def sids(self) -> list[str]:
        """The MessageSids that it tells of, each once."""
        return list(
            dict.fromkeys(span.attributes[MESSAGE_SID] for span in self.spans if MESSAGE_SID in span.attributes)
        )

    @property
    def links(self) -> list[str]:
        """The traces that it leads to, each once."""
        return list(dict.fromkeys(link for span in self.spans for link in span.links))

    def tree(self) -> Iterator[tuple[int, Spanned]]:
        """Yield each span behind its parent, with its depth; those whose parent did not come stand at the top."""
        known = {span.id for span in self.spans}
        below: dict[str, list[Spanned]] = {}
        for span in sorted(self.spans, key=lambda it: it.start):
            below.setdefault(span.parent if span.parent in known else "", []).append(span)
        waiting = [(0, span) for span in reversed(below.get("", ()))]
        while waiting:
            depth, span = waiting.pop()
            yield depth, span
            waiting += ((depth + 1, child) for child in reversed(below.pop(span.id, ())))


@dataclass
class TraceLog:
    """The traces; the console's own are left out: whoever looks would push away what they look for."""

    _spans: OrderedDict[str, list[Spanned]] = field(default_factory=OrderedDict)

    def take(self, body: bytes) -> None:
        """Keep what a service exported (OTLP, protobuf). Raises `Unreadable`."""
        try:
            export = ExportTraceServiceRequest.FromString(body)
        except DecodeError as error:
            raise Unreadable from error
        for resource in export.resource_spans:
            service = _named(resource.resource.attributes).get("service.name", "").removeprefix("trunkline-")
            if service == _OWN:
                continue
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self._keep(span.trace_id.hex(), _spanned(span, service))

    def _keep(self, trace: str, span: Spanned) -> None:
        spans = self._spans.setdefault(trace, [])
        self._spans.move_to_end(trace)
        if len(spans) < _SPANS:
            spans.append(span)
        while len(self._spans) > TRACES:
            self._spans.popitem(last=False)

    def get(self, trace: str) -> Trace | None:
        """Return a trace by its id."""
        spans = self._spans.get(trace)
        return Trace(trace, tuple(spans)) if spans else None

    def newest(self, most: int, message_sid: str | None = None) -> list[Trace]:
        """Return the traces that were added to last, or of them those that tell of a message."""
        found = (Trace(trace, tuple(spans)) for trace, spans in reversed(self._spans.items()))
        wanted = (trace for trace in found if message_sid is None or message_sid in trace.sids)
        return [trace for _, trace in zip(range(most), wanted, strict=False)]


def _spanned(span: trace_pb2.Span, service: str) -> Spanned:
    return Spanned(
        span.span_id.hex(),
        span.parent_span_id.hex(),
        service,
        span.name,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        _named(span.attributes),
        tuple(link.trace_id.hex() for link in span.links),
    )


def _named(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """Return attributes as texts."""
    return {pair.key: str(getattr(pair.value, pair.value.WhichOneof("value") or "string_value")) for pair in attributes}
