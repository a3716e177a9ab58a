"""Every message can be followed from Twilio's POST to its delivery report, by what is exported."""

import asyncio

from tests.eventually import SELDOM, eventually
from tests.fakes.collector import Collector, SeenSpan
from tests.journeys.stack import Stack, logs, metrics

MESSAGES = 200
STEPS = (
    "POST /webhooks/twilio",
    "publish inbound.received.v1",
    "process inbound.received.v1",
    "transaction",
    "invoke_agent ",
    "chat ",
    "wait turn",
    "wait send",
    "send part",
    "POST twilio",
    "await report",
)
CALLBACK = "POST /webhooks/twilio/status"
WORDS = "the canary sings of"
NAME = "Two Hundred Canaries"


def covered(trace: list[SeenSpan]) -> float:
    """Return the share of a trace's wall time in which at least one span ran."""
    ordered = sorted(trace, key=lambda span: span.start)
    inside, upto = 0, ordered[0].start
    for span in ordered:
        inside += max(0, span.end - max(span.start, upto))
        upto = max(upto, span.end)
    return inside / (upto - ordered[0].start)


def is_whole(trace: list[SeenSpan]) -> bool:
    """Tell whether a trace has every step, up to the report that the part was delivered."""
    statuses = {span.attributes.get("trunkline.status") for span in trace}
    return "delivered" in statuses and all(any(span.name.startswith(step) for span in trace) for step in STEPS)


async def test_two_hundred_messages_have_a_whole_trace_each_and_tell_nothing_personal(
    watched: tuple[Stack, Collector],
) -> None:
    """
    Each is found by its MessageSid, at least 95 % of its time is inside named spans, its report leads to a callback and back, and
    no span, log line or metric holds a number, a name or a text.
    """
    stack, collector = watched
    people = [f"+1555777{number:04d}" for number in range(MESSAGES)]
    async with stack.simulator() as simulator:
        room = asyncio.Semaphore(8)

        async def write(person: str) -> str:
            async with room:
                form = {"from": person, "body": f"{WORDS} {person}", "profile_name": NAME}
                sid: str = (await simulator.post("/sim/messages", json=form)).json()["sid"]
                return sid

        sids = await asyncio.gather(*map(write, people))

        async def all_whole() -> dict[str, list[SeenSpan]] | None:
            found = collector.traces_of(sids)
            return found if all(map(is_whole, found.values())) else None

        traces = await eventually(all_whole, 90, SELDOM)
    assert len({trace[0].trace for trace in traces.values()}) == MESSAGES
    assert min(map(covered, traces.values())) >= 0.95
    reports = {
        link for trace in traces.values() for span in trace if span.name == "await report" for link in span.links
    }
    own = {trace[0].trace for trace in traces.values()}

    async def led_to_callbacks_and_back() -> bool:
        """These spans end after what they lead to: their process may export them in its next batch."""
        spans = tuple(collector.spans)
        callbacks = {span.trace for span in spans if span.name == CALLBACK}
        back = {link for span in spans if span.name == "process part.reported.v1" for link in span.links}
        return reports <= callbacks and own <= back

    await eventually(led_to_callbacks_and_back, 90, SELDOM)
    seen = collector.raw + logs(stack) + await metrics(stack)
    for canary in (b"1555777", WORDS.encode(), NAME.encode()):
        assert canary not in seen
