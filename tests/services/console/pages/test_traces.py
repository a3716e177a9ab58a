"""Traces of a local stack: taken in from its services, found by MessageSid, drawn as a waterfall."""

import gzip

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from services.console.pages.traces import RECEIVER
from services.console.traces import TRACES, TraceLog
from tests.services.console.pages.conftest import SignedIn, Visitor

TRACE, CALLBACK = "ab" * 16, "cd" * 16
SID = "SM" + "1" * 32
SECOND = 1_000_000_000
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def export(
    trace: str, *spans: tuple[str, str, str, int, int], link: str = "", sid: str = "", service: str = "ingress"
) -> bytes:
    """Return what a service sends: spans by id, parent, name, start and end in ms."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.append(
        KeyValue(key="service.name", value=AnyValue(string_value=f"trunkline-{service}"))
    )
    scope = resource.scope_spans.add()
    for name_id, parent, name, start, end in spans:
        span = scope.spans.add(trace_id=bytes.fromhex(trace), name=name)
        span.span_id, span.parent_span_id = name_id.encode(), parent.encode()
        span.start_time_unix_nano = 1_800_000_000 * SECOND + start * 1_000_000
        span.end_time_unix_nano = 1_800_000_000 * SECOND + end * 1_000_000
        if sid:
            span.attributes.append(KeyValue(key="trunkline.message_sid", value=AnyValue(string_value=sid)))
        if link:
            span.links.add(trace_id=bytes.fromhex(link))
    exported: bytes = request.SerializeToString()
    return exported


async def bring(visitor: Visitor) -> None:
    whole = export(
        TRACE, ("a", "", "POST /webhooks/twilio", 0, 10), ("b", "a", "send part", 40, 100), link=CALLBACK, sid=SID
    )
    callback = export(CALLBACK, ("c", "", "POST /webhooks/twilio/status", 120, 125))
    for body in (whole, callback):
        answer = await visitor.client.post(
            RECEIVER, content=gzip.compress(body), headers={**PROTOBUF, "Content-Encoding": "gzip"}
        )
        assert answer.status_code == 200


async def test_a_message_is_found_by_its_sid_and_drawn(signed_in: SignedIn) -> None:
    """
    The list leads to the waterfall, whose bars begin and end where the spans do; linked traces are there.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    await bring(visitor)
    listed = (await visitor.get("/traces", params={"provider_sid": SID})).text
    assert f"/traces/{TRACE}" in listed
    assert CALLBACK not in listed
    assert TRACE not in (await visitor.get("/traces", params={"provider_sid": "SMnone"})).text
    page = (await visitor.get(f"/traces/{TRACE}")).text
    assert "· send part" in page
    assert 'x="400.0" y="1" width="600.0"' in page
    assert f'href="/traces/{CALLBACK}"' in page


async def test_traces_are_the_platforms(signed_in: SignedIn) -> None:
    """
    A company's admin sees none, not even that there are any.
    """
    visitor = await signed_in()
    await bring(visitor)
    for path in ("/traces", f"/traces/{TRACE}"):
        assert (await visitor.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [({"Content-Type": "text/plain"}, b"", 415), (PROTOBUF, b"no export", 400), (PROTOBUF, b"0" * 9_000_000, 413)],
    ids=["other site", "unreadable", "too large"],
)
async def test_what_is_no_export_is_refused(
    visitor: Visitor, headers: dict[str, str], body: bytes, status: int
) -> None:
    """
    Whatever a browser can send from another site, nonsense, and too much.
    """
    assert (await visitor.client.post(RECEIVER, content=body, headers=headers)).status_code == status


def test_the_oldest_trace_makes_room() -> None:
    """
    A thousand are kept, by when they were added to last.
    """
    log = TraceLog()
    for number in range(TRACES):
        log.take(export(f"{number:032x}", ("a", "", "first", 0, 1)))
    log.take(export(f"{0:032x}", ("b", "a", "more", 1, 2)))
    log.take(export("f" * 32, ("a", "", "new", 0, 1)))
    assert log.get(f"{0:032x}")
    assert log.get(f"{1:032x}") is None
    assert [trace.name for trace in log.newest(2)] == ["new", "first"]


def test_looking_pushes_nothing_away() -> None:
    """
    The console's own traces are not kept.
    """
    log = TraceLog()
    log.take(export(TRACE, ("a", "", "POST /webhooks/twilio", 0, 10)))
    log.take(export(CALLBACK, ("b", "", "GET /traces", 0, 10), service="console"))
    assert [trace.id for trace in log.newest(10)] == [TRACE]
