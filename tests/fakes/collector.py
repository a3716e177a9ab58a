"""An OTLP/HTTP trace collector in a thread of its own, which keeps what it is sent."""

import gzip
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ACCEPTED = "POST /webhooks/twilio"


@dataclass(frozen=True)
class SeenSpan:
    """A span as it was exported."""

    service: str
    name: str
    trace: str
    attributes: dict[str, str]
    start: int = 0
    end: int = 0
    """Nanoseconds of Unix time."""
    links: tuple[str, ...] = ()
    """Traces that it leads to."""


@dataclass
class Collector:
    """What was exported so far."""

    url: str = ""
    spans: list[SeenSpan] = field(default_factory=list)
    raw: bytes = b""

    def take(self, body: bytes) -> None:
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = {pair.key: pair.value.string_value for pair in span.attributes}
                    self.spans.append(
                        SeenSpan(
                            named.get("service.name", ""),
                            span.name,
                            span.trace_id.hex(),
                            attributes,
                            span.start_time_unix_nano,
                            span.end_time_unix_nano,
                            tuple(link.trace_id.hex() for link in span.links),
                        )
                    )

    def trace_of(self, message_sid: str) -> list[SeenSpan]:
        """Return the whole trace in which a message was accepted."""
        found = {span.trace for span in self.spans if span.attributes.get("trunkline.message_sid") == message_sid}
        return [span for span in self.spans if span.trace in found]

    def traces_of(self, message_sids: Sequence[str]) -> dict[str, list[SeenSpan]]:
        """Return the whole trace in which each message was accepted, by its MessageSid."""
        spans = tuple(self.spans)
        by_trace: dict[str, list[SeenSpan]] = {}
        for span in spans:
            by_trace.setdefault(span.trace, []).append(span)
        found = {span.attributes.get("trunkline.message_sid"): span.trace for span in spans if span.name == ACCEPTED}
        return {sid: by_trace[found[sid]] if sid in found else [] for sid in message_sids}


@contextmanager
def collecting() -> Iterator[Collector]:
    """Collect for the length of the block."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
