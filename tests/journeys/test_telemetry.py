"""What operators see, and what they must not see."""

from tests.eventually import eventually
from tests.fakes.collector import Collector, SeenSpan
from tests.journeys.stack import Stack, logs, metrics

NUMBER = "+15557654321"
TEXT = "the canary sings at midnight"
STEPS = ("invoke_agent ", "chat ", "send part", "POST twilio")


async def test_one_trace_leads_from_the_webhook_to_twilio_and_tells_nothing_personal(
    watched: tuple[Stack, Collector],
) -> None:
    """
    Found by the MessageSid, the trace has every service; no log, span or metric holds number, text or secret.
    """
    stack, collector = watched
    async with stack.simulator() as simulator:
        sent = (
            await simulator.post("/sim/messages", json={"from": NUMBER, "body": TEXT, "profile_name": "Canary Bird"})
        ).json()

        async def whole() -> list[SeenSpan] | None:
            trace = collector.trace_of(sent["sid"])
            services = {span.service for span in trace}
            expected = {f"trunkline-{name}" for name in ("ingress", "router", "agent", "egress")}
            steps = [any(span.name.startswith(step) for span in trace) for step in STEPS]
            return trace if expected <= services and all(steps) else None

        await eventually(whole)
    seen = collector.raw + logs(stack) + await metrics(stack)
    secrets = [file.read_bytes().strip() for file in (stack.home / "keys").iterdir()]
    for canary in (NUMBER.removeprefix("+").encode(), TEXT.encode(), b"Canary Bird", *secrets):
        assert canary not in seen


async def test_messages_are_counted_by_what_became_of_them(watched: tuple[Stack, Collector]) -> None:
    """
    The metric that the source documents name is there, with its four labels.
    """
    stack, _ = watched
    scraped = (await metrics(stack)).decode()
    label = (
        'trunkline_channel_messages_total{channel="whatsapp",direction="inbound",provider="twilio",status="received"}'
    )
    assert label in scraped
    assert 'trunkline_hop_seconds_bucket{hop="accept"' in scraped
