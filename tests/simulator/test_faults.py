"""Faults on order: each kind does what it says, as often as was ordered, to whom it was meant for."""

import asyncio
import time
from urllib.parse import parse_qs

import httpx2
import pytest
from twilio.request_validator import RequestValidator

from dev.simulator.faults import CALLBACK, CREATE, INBOUND, KINDS, LATENCY, OUTCOME, SIGNATURE, WEBHOOK
from dev.simulator.testing import AUTH_TOKEN
from tests.eventually import eventually
from tests.simulator.gateway import PERSON, PUBLIC_URL, Gateway
from tests.simulator.twilio import MESSAGES, Twilio, refused

WELL = ("sent", "delivered", "read")


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        pytest.param({"kind": "429"}, (429, 20429), id="429"),
        pytest.param({"kind": "401"}, (401, 20003), id="401"),
        pytest.param({"kind": "500_before"}, (500, 20500), id="500-before"),
        pytest.param({"kind": "error", "code": 21610}, (400, 21610), id="opted-out"),
        pytest.param({"kind": "error", "code": 20503, "status": 503}, (503, 20503), id="unavailable"),
    ],
)
async def test_a_refused_create_creates_nothing(
    order: dict[str, object], answer: tuple[int, int], twilio: Twilio, gateway: Gateway
) -> None:
    """
    It is answered as ordered; the next one is taken.
    """
    await twilio.order(**order)  # type: ignore[arg-type]
    assert refused(await twilio.create("refused")) == answer
    await gateway.until_reported(await twilio.created("taken"), *WELL)
    assert [it["body"] for it in await twilio.list()] == ["taken"]


async def test_a_500_may_hide_a_message_that_was_taken(twilio: Twilio, gateway: Gateway) -> None:
    """
    The answer says no, the list says yes, and its reports come.
    """
    await twilio.order("500_after")
    assert refused(await twilio.create("doubtful")) == (500, 20500)
    [listed] = await twilio.list()
    assert listed["body"] == "doubtful"
    await gateway.until_reported(listed["sid"], *WELL)


@pytest.mark.parametrize(("kind", "bodies"), [("drop_before", []), ("drop_after", ["doubtful"])])
async def test_a_connection_may_break_before_or_after(
    kind: str, bodies: list[str], twilio: Twilio, gateway: Gateway
) -> None:
    """
    No answer in either case, and nothing in it tells which one it was.
    """
    await twilio.order(kind)
    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        await twilio.create("doubtful")
    assert [it["body"] for it in await twilio.list()] == bodies
    await gateway.until_reported(await twilio.created(), *WELL)
    await gateway.until_received(3 * len(await twilio.list()))
    [entry] = [it for it in (await twilio.sim.api.get("/sim/wire")).json() if it["fault"] == kind]
    assert entry["status"] is None


async def test_a_create_may_hang_though_it_is_taken(twilio: Twilio, gateway: Gateway) -> None:
    """
    The message lives while its answer is awaited.
    """
    await twilio.order("hang", seconds=60)
    waiting = asyncio.ensure_future(twilio.create("doubtful"))
    await gateway.until_received(3)
    assert not waiting.done()
    assert [it["body"] for it in await twilio.list()] == ["doubtful"]
    waiting.cancel()


async def test_a_create_may_be_slow(twilio: Twilio) -> None:
    """
    Latency delays the answer, and the message with it.
    """
    await twilio.order("latency", seconds=0.3)
    began = time.monotonic()
    await twilio.created()
    assert time.monotonic() - began >= 0.3


async def test_a_list_may_fail(twilio: Twilio) -> None:
    """
    Once; creating is not touched by it.
    """
    await twilio.order("list_500")
    await twilio.created()
    assert refused(await twilio.get(MESSAGES)) == (500, 20500)
    assert len(await twilio.list()) == 1


async def test_a_list_may_lag(twilio: Twilio) -> None:
    """
    The newest messages are not in it yet.
    """
    await twilio.created()
    await twilio.order("list_lag", seconds=60)
    assert await twilio.list() == []
    assert len(await twilio.list()) == 1


@pytest.mark.parametrize("kind", ["bad_signature", "no_signature", "wrong_url", "wrong_port"])
async def test_a_webhook_may_be_signed_badly(kind: str, twilio: Twilio, gateway: Gateway) -> None:
    """
    With another token, for another address, or not at all; the next one is genuine.
    """
    await twilio.order(kind)
    await twilio.write()
    await twilio.write()
    bad, good = gateway.received
    validator = RequestValidator(AUTH_TOKEN)
    assert (bad.signature is None) is (kind == "no_signature")
    assert not bad.signature or not validator.validate(PUBLIC_URL, bad.form, bad.signature)
    assert validator.validate(PUBLIC_URL, good.form, good.signature)


async def test_a_webhook_may_be_signed_with_its_port_written_out(twilio: Twilio, gateway: Gateway) -> None:
    """
    As Twilio does at times: genuine all the same.
    """
    await twilio.order("port_variant")
    await twilio.write()
    [received] = gateway.received
    plain = RequestValidator(AUTH_TOKEN).compute_signature(PUBLIC_URL, received.form)
    assert received.signature != plain
    assert RequestValidator(AUTH_TOKEN).validate(PUBLIC_URL, received.form, received.signature)


async def test_a_message_may_come_twice(twilio: Twilio, gateway: Gateway) -> None:
    """
    The same request with the same token.
    """
    await twilio.order("duplicate")
    await twilio.write("twice")
    await twilio.write("once")
    first, second, third = gateway.received
    assert first == second != third


async def test_a_message_that_was_taken_may_come_by_the_fallback_too(twilio: Twilio, gateway: Gateway) -> None:
    """
    With an error's code and address in its signed form, and a token of its own.
    """
    await twilio.order("fallback")
    await twilio.write()
    first, second = await gateway.until_received(2)
    told = {"ErrorCode": "11200", "ErrorUrl": PUBLIC_URL}
    assert second.form == first.form | told
    assert second.token != first.token
    assert RequestValidator(AUTH_TOKEN).validate(PUBLIC_URL, second.form, second.signature)


async def test_a_message_may_be_overtaken(twilio: Twilio, gateway: Gateway) -> None:
    """
    It is held until the next one was delivered, though that one was to be held as well.
    """
    await twilio.order("swapped", seconds=60, probability=1)
    first = asyncio.ensure_future(twilio.write("first"))

    async def is_held() -> bool:
        return twilio.sim.world.webhooks.is_holding

    await eventually(is_held)
    await twilio.write("second")
    await first
    assert [it.form["Body"] for it in gateway.received] == ["second", "first"]


async def test_nothing_is_held_for_ever(twilio: Twilio, gateway: Gateway) -> None:
    """
    Where nothing follows, it comes after the seconds of the order.
    """
    await twilio.order("swapped", seconds=0.1)
    assert (await twilio.write("alone"))["status"] == 200
    assert len(gateway.received) == 1


async def test_a_message_may_have_fields_that_nobody_knows(twilio: Twilio, gateway: Gateway) -> None:
    """
    Signed as all the others.
    """
    await twilio.order("extra_fields")
    await twilio.write()
    [received] = gateway.received
    assert received.form["NewIn2027"] == "1"
    assert RequestValidator(AUTH_TOKEN).validate(PUBLIC_URL, received.form, received.signature)


async def test_a_message_may_be_blank(twilio: Twilio, gateway: Gateway) -> None:
    """
    Body is there, and empty.
    """
    await twilio.order("blank_body")
    await twilio.write("Hello")
    assert gateway.received[0].form["Body"] == ""


async def test_a_message_may_be_a_get(twilio: Twilio, gateway: Gateway) -> None:
    """
    Its form is in the query, which is what is signed.
    """
    await twilio.order("get")
    await twilio.write("Hello & good-bye")
    [received] = gateway.received
    assert (received.method, received.form) == ("GET", {})
    assert parse_qs(received.query)["Body"] == ["Hello & good-bye"]
    assert RequestValidator(AUTH_TOKEN).validate(f"{PUBLIC_URL}?{received.query}", {}, received.signature)


async def test_several_things_may_be_wrong_with_one_webhook(twilio: Twilio, gateway: Gateway) -> None:
    """
    Of each kind one; the wire log names them all.
    """
    for kind in ("duplicate", "extra_fields", "no_signature"):
        await twilio.order(kind)
    await twilio.write()
    assert [(it.signature, it.form["NewIn2027"]) for it in gateway.received] == [(None, "1")] * 2
    wire = (await twilio.sim.api.get("/sim/wire")).json()
    assert {it["fault"] for it in wire} == {"duplicate+extra_fields+no_signature"}


async def test_a_webhook_may_be_late(twilio: Twilio, gateway: Gateway) -> None:
    """
    What was written after it comes before it.
    """
    await twilio.order("webhook_delay", seconds=0.5)
    first = asyncio.ensure_future(twilio.write("first"))

    async def is_on_its_way() -> bool:
        return not twilio.sim.world.faults.orders[0].times

    await eventually(is_on_its_way)
    await twilio.write("second")
    await first
    assert [it.form["Body"] for it in gateway.received] == ["second", "first"]


async def test_an_order_strikes_as_often_as_it_says(twilio: Twilio) -> None:
    """
    Three times, and then no more.
    """
    await twilio.order("429", times=3)
    assert [(await twilio.create()).status_code for _ in range(4)] == [429, 429, 429, 201]


async def test_orders_strike_in_the_order_in_which_they_came(twilio: Twilio) -> None:
    """
    One at a time.
    """
    await twilio.order("429")
    await twilio.order("500_before")
    await twilio.order("401")
    assert [(await twilio.create()).status_code for _ in range(4)] == [429, 500, 401, 201]


@pytest.mark.parametrize(("probability", "status"), [(1, 429), (0, 201)])
async def test_a_probability_strikes_without_end(probability: float, status: int, twilio: Twilio) -> None:
    """
    Each time by chance, from never to always.
    """
    await twilio.order("429", probability=probability, times=0)
    assert {(await twilio.create()).status_code for _ in range(5)} == {status}


async def test_an_order_may_name_its_victim(twilio: Twilio) -> None:
    """
    By address; others pass.
    """
    await twilio.order("429", match={"to": PERSON})
    assert (await twilio.create(To="whatsapp:+15550009999")).status_code == 201
    assert (await twilio.create()).status_code == 429


async def test_orders_can_be_taken_back(twilio: Twilio) -> None:
    """
    All of them at once.
    """
    await twilio.order("429", times=9)
    assert (await twilio.sim.api.delete("/sim/faults")).json() == []
    assert (await twilio.create()).status_code == 201


def test_every_kind_has_its_place() -> None:
    """
    What can be ordered is also done somewhere.
    """
    elsewhere = ("callback_before_201", "list_500", "list_lag")
    assert {*KINDS} == {*LATENCY, *CREATE, *OUTCOME, *CALLBACK, *SIGNATURE, *WEBHOOK, *INBOUND, *elsewhere}
