"""What becomes of a message at the simulator, and what it reports of it: by itself, and on order."""

import pytest

from dev.simulator.testing import ACCOUNT_SID, SENDER
from tests.simulator.gateway import HANG, PERSON, Gateway
from tests.simulator.twilio import BASE, Twilio

WELL = ("sent", "delivered", "read")


async def bubbles(twilio: Twilio) -> list[tuple[str, str]]:
    shown = (await twilio.sim.api.get(f"/sim/phones/{PERSON}/messages")).json()
    return [(it["body"], it["status"]) for it in shown]


async def test_a_message_is_queued_then_sent_delivered_and_read(twilio: Twilio, gateway: Gateway) -> None:
    """
    Queued is what the create says; each later stage is reported once, in order, with our attempt's id.
    """
    answer = await twilio.create("Hello", attempt="at_42")
    assert answer.json()["status"] == "queued"
    sid = answer.json()["sid"]
    await gateway.until_reported(sid, *WELL)
    assert {it.attempt for it in gateway.received} == {"at_42"}
    assert await bubbles(twilio) == [("Hello", "read")]


async def test_a_report_has_twilios_fields(twilio: Twilio, gateway: Gateway) -> None:
    """
    Those of captured reports; EventType names what WhatsApp said.
    """
    sid = await twilio.created()
    await gateway.until_reported(sid, *WELL)
    common = {"AccountSid", "ApiVersion", "ChannelInstallSid", "ChannelPrefix", "ChannelToAddress", "From", "To"}
    common |= {"MessageSid", "SmsSid", "MessageStatus", "SmsStatus"}
    sent, delivered, read = (it.form for it in gateway.received)
    assert {*sent} == common | {"StructuredMessage"}
    assert {*delivered} == {*read} == common | {"EventType"}
    assert (delivered["EventType"], read["EventType"]) == ("DELIVERED", "READ")
    assert (sent["From"], sent["To"], sent["AccountSid"]) == (SENDER, PERSON, ACCOUNT_SID)
    assert all(form["MessageSid"] == form["SmsSid"] == sid for form in (sent, delivered, read))


async def test_without_a_callback_nothing_is_reported(twilio: Twilio, gateway: Gateway) -> None:
    """
    The message arrives all the same.
    """
    await twilio.created("quiet", StatusCallback="")
    sid = await twilio.created("told")
    await gateway.until_reported(sid, *WELL)
    assert {it.form["MessageSid"] for it in gateway.received} == {sid}
    assert [body for body, _ in await bubbles(twilio)] == ["quiet", "told"]


async def test_a_report_is_not_tried_again_on_its_own(twilio: Twilio, gateway: Gateway) -> None:
    """
    Reports are best effort: what was answered 500 is lost, and the next one comes.
    """
    gateway.script.append(500)
    await gateway.until_reported(await twilio.created(), *WELL)


async def test_a_callback_may_ask_for_more_tries(twilio: Twilio, gateway: Gateway) -> None:
    """
    Its fragment counts like that of any webhook.
    """
    gateway.script.extend([500, HANG])
    sid = await twilio.created(StatusCallback=f"{gateway.status_url}?attempt=at_1#rc=2&rp=5xx,rt&rt=500")
    await gateway.until_reported(sid, "sent", "sent", "sent", "delivered", "read")


async def test_an_undelivered_message_is_sent_and_then_refused_by_the_channel(twilio: Twilio, gateway: Gateway) -> None:
    """
    Outside the window the create is taken, and the truth comes later; the phone shows nothing.
    """
    await twilio.order("undelivered", code=63016)
    sid = await twilio.created()
    await gateway.until_reported(sid, "sent", "undelivered")
    assert [it.form.get("ErrorCode") for it in gateway.received] == [None, "63016"]
    assert gateway.received[1].form["EventType"] == "UNDELIVERED"
    assert (await twilio.get(f"{BASE}/Messages/{sid}.json")).json()["error_code"] == 63016
    assert await bubbles(twilio) == []


async def test_a_failed_message_never_left(twilio: Twilio, gateway: Gateway) -> None:
    """
    It is reported once, with its code, and was not sent before.
    """
    await twilio.order("failed", code=63024)
    sid = await twilio.created()
    following = await twilio.created()
    await gateway.until_reported(following, *WELL)
    assert gateway.reports(sid) == ["failed"]
    assert next(it for it in gateway.received if it.status == "failed").form["ErrorCode"] == "63024"
    assert (await twilio.get(f"{BASE}/Messages/{sid}.json")).json()["date_sent"] is None


async def test_lost_reports_do_not_come(twilio: Twilio, gateway: Gateway) -> None:
    """
    The message arrives, and only the list tells.
    """
    await twilio.order("callback_lost")
    sid = await twilio.created("lost")
    following = await twilio.created("following")
    await gateway.until_reported(following, *WELL)
    assert gateway.reports(sid) == []
    assert await bubbles(twilio) == [("lost", "read"), ("following", "read")]


async def test_late_reports_come_later(twilio: Twilio, gateway: Gateway) -> None:
    """
    All of them, in order, after those of a message that was created after it.
    """
    await twilio.order("callback_late", seconds=1)
    sid = await twilio.created("late")
    following = await twilio.created("following")
    await gateway.until_reported(sid, *WELL)
    assert [it.form["MessageSid"] for it in gateway.received] == [following] * 3 + [sid] * 3


async def test_reordered_reports_come_backwards(twilio: Twilio, gateway: Gateway) -> None:
    """
    Read before sent.
    """
    await twilio.order("callback_reordered")
    await gateway.until_reported(await twilio.created(), "read", "delivered", "sent")


async def test_duplicated_reports_come_twice(twilio: Twilio, gateway: Gateway) -> None:
    """
    Each as the same request.
    """
    await twilio.order("callback_duplicated")
    sid = await twilio.created()
    await gateway.until_reported(sid, "sent", "sent", "delivered", "delivered", "read", "read")
    tokens = [it.token for it in gateway.received]
    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]


async def test_a_report_may_come_before_the_create_is_answered(twilio: Twilio, gateway: Gateway) -> None:
    """
    It carries our attempt's id, and is not repeated afterwards.
    """
    await twilio.order("callback_before_201")
    answer = await twilio.create(attempt="at_9")
    assert (gateway.received[0].status, gateway.received[0].attempt) == ("sent", "at_9")
    await gateway.until_reported(answer.json()["sid"], *WELL)
    create, sent, *_ = (await twilio.sim.api.get("/sim/wire")).json()
    assert (create["kind"], sent["kind"]) == ("message.create", "status")
    assert sent["at"] + sent["ms"] / 1000 <= create["at"] + create["ms"] / 1000 + 0.001


@pytest.mark.parametrize("kind", ["callback_lost", "undelivered"])
async def test_a_fault_strikes_only_whom_it_is_meant_for(kind: str, twilio: Twilio, gateway: Gateway) -> None:
    """
    Somebody else's message passes, and the order stays.
    """
    await twilio.order(kind, match={"to": "whatsapp:+15550009999"})
    await gateway.until_reported(await twilio.created(), *WELL)
    [order] = (await twilio.sim.api.get("/sim/faults")).json()
    assert (order["kind"], order["times"]) == (kind, 1)
