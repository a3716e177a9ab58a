"""What the page and the terminal offer: switches, presets, people, kinds of messages, Twilio's clock, transcripts."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from dev.simulator.kinds import KINDS
from dev.simulator.switches import GROUPS, PRESETS
from dev.simulator.testing import SENDER, Running
from tests.eventually import DEADLINE, eventually
from tests.simulator.gateway import PERSON, Gateway
from tests.simulator.twilio import Twilio, refused

NAMES = [switch.name for group in GROUPS.values() for switch in group]


async def post(sim: Running, path: str, order: object) -> Any:
    answer = await sim.api.post(path, json=order)
    assert answer.status_code in {200, 202}, answer.text
    return answer.json()


async def view(sim: Running, *phones: str, **more: object) -> dict[str, Any]:
    query: list[tuple[str, Any]] = [*(("phone", it) for it in phones), *more.items()]
    told: dict[str, Any] = (await sim.api.get("/sim/view", params=httpx2.QueryParams(query))).json()
    return told


@pytest.mark.parametrize("name", NAMES)
async def test_each_switch_is_on_until_it_is_off(name: str, sim: Running) -> None:
    """
    Thrown twice it is on once; what it orders strikes every time.
    """
    await post(sim, "/sim/switches", {"name": name})
    [active] = await post(sim, "/sim/switches", {"name": name})
    assert (active["switch"], active["often"]) == (name, "each")
    assert await post(sim, "/sim/switches", {"name": name, "on": False}) == []


async def test_a_switch_may_strike_some_times_only(sim: Running, twilio: Twilio) -> None:
    """
    How often still is told; afterwards it is off.
    """
    [active] = await post(sim, "/sim/switches", {"name": "429", "times": 2})
    assert active["often"] == "2 more"
    await twilio.create()
    assert [it["often"] for it in (await view(sim))["active"]] == ["once more"]
    await twilio.create()
    assert (await view(sim))["active"] == []


async def test_a_switch_takes_the_numbers_of_its_order(sim: Running, twilio: Twilio) -> None:
    """
    Such as Twilio's code.
    """
    [active] = await post(sim, "/sim/switches", {"name": "refuse", "code": 21610})
    assert (active["label"], active["code"]) == ("400 with 21610", 21610)
    assert refused(await twilio.create()) == (400, 21610)


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "slowagent"])
async def test_each_preset_replaces_what_was_wrong(name: str, sim: Running) -> None:
    """
    And Happy is the way back from all of them.
    """
    await post(sim, "/sim/switches", {"name": "badsig"})
    active = await post(sim, "/sim/presets", {"name": name})
    assert {it["switch"] for it in active} == {*PRESETS[name].switches}
    assert await post(sim, "/sim/presets", {"name": "happy"}) == []


async def test_happy_mends_everything(sim: Running) -> None:
    """
    A condition, the clock and the sandbox, too.
    """
    await post(sim, "/sim/conditions", {"name": "network_down"})
    await post(sim, "/sim/clock", {"ahead": 3600})
    await post(sim, "/sim/sandbox", {"on": True})
    assert {it["label"] for it in (await view(sim))["active"]} >= {"Condition network_down", "Sandbox"}
    assert await post(sim, "/sim/presets", {"name": "happy"}) == []
    assert (sim.world.trouble, sim.world.clock_skew) == (None, 0)


async def test_a_storm_comes_from_every_phone(sim: Running, gateway: Gateway) -> None:
    """
    Ten messages from each, each of them twice.
    """
    await post(sim, "/sim/presets", {"name": "storm"})
    count = 10 * len(sim.world.people.names)

    async def is_over() -> bool:
        sids = [it.form["MessageSid"] for it in gateway.messages]
        return len(sim.world.messages) == count and all(sids.count(sid) == 2 for sid in sim.world.messages)

    await eventually(is_over)
    assert {it.sender for it in sim.world.messages.values()} == {*sim.world.people.names}


async def test_without_a_scripted_model_the_agent_cannot_be_slowed(sim: Running) -> None:
    """
    It says so.
    """
    answer = await sim.api.post("/sim/presets", json={"name": "slowagent"})
    assert (answer.status_code, answer.json()["error"]) == (400, "There is no scripted model here that could be slow")


@pytest.mark.parametrize("name", [*KINDS])
async def test_each_kind_of_message_is_delivered(name: str, sim: Running, twilio: Twilio, gateway: Gateway) -> None:
    """
    With a text of its own, unless somebody says what.
    """
    for body in ("", "mine"):
        await twilio.write(body, kind=name)
    usual, mine = (it.form for it in gateway.received)
    assert (usual["Body"], mine["Body"]) == (KINDS[name].body, "mine")
    assert len(usual["Body"].encode("utf-16-le")) <= 2 * 1600


async def test_kinds_have_the_fields_of_twilio(twilio: Twilio, gateway: Gateway) -> None:
    """
    A button its payload, a list its choice, an ad where it was seen, a place its coordinates.
    """
    for kind in ("button", "list", "ad", "location", "forwarded"):
        await twilio.write("", kind=kind)
    button, chosen, ad, place, forwarded = (it.form for it in gateway.received)
    assert (button["ButtonText"], button["MessageType"]) == (button["Body"], "interactive")
    assert button["ButtonPayload"]
    assert (chosen["ListTitle"], bool(chosen["ListId"])) == (chosen["Body"], True)
    assert (ad["ReferralSourceType"], bool(ad["ReferralHeadline"])) == ("ad", True)
    assert (place["Latitude"], place["Label"]) == ("45.4642", "Duomo")
    assert forwarded["Forwarded"] == "true"


async def test_a_reply_quotes(twilio: Twilio, gateway: Gateway) -> None:
    """
    It names our message and our sender, and the phone shows which one it was.
    """
    sid = await twilio.created()
    await twilio.write("Yes", reply_to=sid)
    form = gateway.messages[0].form
    assert (form["OriginalRepliedMessageSid"], form["OriginalRepliedMessageSender"]) == (sid, SENDER)
    shown = (await twilio.sim.api.get(f"/sim/phones/{PERSON}/messages")).json()
    assert [it["reply_to"] for it in shown if it["body"] == "Yes"] == [sid]


async def test_people_have_names(sim: Running, twilio: Twilio, gateway: Gateway) -> None:
    """
    Which are what the gateway is told; twenty at most, and one of the first shows no number.
    """
    await post(sim, "/sim/people", {"name": "Giulia", "address": "+393330000077"})
    await twilio.write(**{"from": "+393330000077"})
    assert gateway.received[0].form["ProfileName"] == "Giulia"
    people = (await sim.api.get("/sim/people")).json()
    assert [address for address in people if "+" not in address] == ["whatsapp:US.13491208655302741918"]
    for number in range(20 - len(people)):
        await post(sim, "/sim/people", {"name": "More", "address": f"+1555123{number:04}"})
    full = await sim.api.post("/sim/people", json={"name": "Most", "address": "+15551239999"})
    assert (full.status_code, full.json()["error"]) == (400, "there are 20 people already")


async def test_a_line_can_be_added(sim: Running, twilio: Twilio, gateway: Gateway) -> None:
    """
    Phones write to it, and the gateway may send from it.
    """
    await post(sim, "/sim/lines", {"address": "+14155550100"})
    await twilio.write(to="+14155550100")
    assert gateway.received[0].form["To"] == "whatsapp:+14155550100"
    await twilio.created(From="whatsapp:+14155550100")


async def test_a_burst_is_so_many_messages(sim: Running, gateway: Gateway) -> None:
    """
    Each its own.
    """
    await post(sim, "/sim/bursts", {"from": PERSON, "count": 7, "seconds": 0.1})
    assert len({it.form["MessageSid"] for it in await gateway.until_received(7)}) == 7


async def test_the_window_closes_by_twilios_clock(sim: Running, twilio: Twilio, gateway: Gateway) -> None:
    """
    A day after somebody's last message what is sent is taken and then undelivered, until they write again.
    """
    await twilio.write()
    await gateway.until_reported(await twilio.created(), "sent", "delivered", "read")
    await post(sim, "/sim/clock", {"ahead": 24 * 3600 + 1})
    late = await twilio.created()
    await gateway.until_reported(late, "sent", "undelivered")
    assert gateway.received[-1].form["ErrorCode"] == "63016"
    await twilio.write("Still there?")
    await gateway.until_reported(await twilio.created(), "sent", "delivered", "read")


async def test_the_sandbox_wants_people_to_join(sim: Running, twilio: Twilio, gateway: Gateway) -> None:
    """
    Twilio answers strangers itself and delivers nothing to them; who has joined is a person like any other, for three days.
    """
    await post(sim, "/sim/sandbox", {"on": True})
    await twilio.write("Hi")
    await gateway.until_reported(await twilio.created(), "sent", "undelivered")
    assert gateway.received[-1].form["ErrorCode"] == "63015"
    await twilio.write("join quick-fox")
    assert gateway.messages == []
    await twilio.write("Hi")
    assert [it.form["Body"] for it in gateway.messages] == ["Hi"]
    shown = (await sim.api.get(f"/sim/phones/{PERSON}/messages")).json()
    assert [it["body"].split("!")[0] for it in shown if it["about"] == "Twilio's sandbox"][1:] == ["You are all set"]
    await post(sim, "/sim/clock", {"ahead": 3 * 24 * 3600})
    await twilio.write("Hi again")
    assert len(gateway.messages) == 1


async def test_the_sandbox_sends_one_message_in_three_seconds(sim: Running, twilio: Twilio, gateway: Gateway) -> None:
    """
    Of a second one 63018 is reported; three seconds later by Twilio's clock there is room for the next.
    """
    await post(sim, "/sim/sandbox", {"on": True})
    await twilio.write("join quick-fox")
    await gateway.until_reported(await twilio.created(), "sent", "delivered", "read")
    await gateway.until_reported(await twilio.created(), "sent", "undelivered")
    assert gateway.received[-1].form["ErrorCode"] == "63018"
    await post(sim, "/sim/clock", {"ahead": 3})
    await gateway.until_reported(await twilio.created(), "sent", "delivered", "read")


async def test_nobody_is_written_to_before_they_wrote(sim: Running, twilio: Twilio, gateway: Gateway) -> None:
    """
    To that line: their window is closed, as it is 24 hours after their last message; it opens once they write.
    """
    stranger = "whatsapp:+15550009"
    await gateway.until_reported(await twilio.created(To=stranger), "sent", "undelivered")
    assert gateway.received[-1].form["ErrorCode"] == "63016"
    await post(sim, "/sim/lines", {"address": "+14155550100"})
    await twilio.write("Hi", **{"from": stranger, "to": "+14155550100"})
    await gateway.until_reported(await twilio.created(To=stranger), "sent", "undelivered")
    await twilio.write("Hi", **{"from": stranger})
    await gateway.until_reported(await twilio.created(To=stranger), "sent", "delivered", "read")


async def test_a_seed_decides_what_happens_by_chance(sim: Running, twilio: Twilio) -> None:
    """
    The same seed, the same luck.
    """
    runs = []
    for _ in range(2):
        await post(sim, "/sim/reset", {"seed": 7})
        await twilio.order("429", probability=0.5)
        runs.append([(await twilio.create()).status_code for _ in range(12)])
    assert runs[0] == runs[1]
    assert {*runs[0]} == {201, 429}


async def test_a_view_has_news_of_everything(sim: Running, twilio: Twilio, gateway: Gateway) -> None:
    """
    Of several phones, of the wire since the version that was seen, and of what is wrong; it waits for them.
    """
    await twilio.write("before")
    seen = await view(sim, PERSON, "+15550002")
    assert [it["body"] for it in seen["phones"][PERSON]["messages"]] == ["before"]
    assert seen["phones"]["whatsapp:+15550002"] == {"typing": False, "messages": []}
    waiting = asyncio.ensure_future(view(sim, PERSON, since=seen["version"], wait=60))
    await post(sim, "/sim/switches", {"name": "dup"})
    news = await asyncio.wait_for(waiting, DEADLINE)
    assert ([it["switch"] for it in news["active"]], news["wire"]) == (["dup"], [])
    await twilio.write("after", **{"from": "+15550002"})
    later = await view(sim, since=news["version"])
    assert [it["form"]["Body"] for it in later["wire"]] == ["after", "after"]
    assert (later["began"], later["version"] > news["version"]) == (seen["began"], True)


async def test_the_wire_log_has_headers_but_no_login(sim: Running, twilio: Twilio, gateway: Gateway) -> None:
    """
    A webhook's signature and where it really went; of a call everything but who proved what.
    """
    await twilio.write()
    await twilio.create()
    webhook, create, *_ = (await sim.api.get("/sim/wire")).json()
    assert webhook["headers"]["X-Twilio-Signature"] == gateway.received[0].signature
    assert webhook["reached"].startswith(gateway.url)
    assert "authorization" not in {name.lower() for name in create["headers"]}
    assert twilio.auth[1] not in json.dumps([webhook, create])


async def test_a_transcript_can_be_played_again(sim: Running, twilio: Twilio, gateway: Gateway) -> None:
    """
    What was written, in its order and with its kinds; what came is in it to be read.
    """
    await twilio.write("one")
    await twilio.write("", kind="button")
    await twilio.write("three", **{"from": "US.13491208655302741918"})
    await gateway.until_reported(await twilio.created("answer"), "sent", "delivered", "read")
    saved = await sim.api.get("/sim/transcript")
    lines = [json.loads(line) for line in saved.text.splitlines()]
    assert [(it["direction"], it["body"]) for it in lines if "body" in it][-1] == ("in", "answer")
    before = [it.form["Body"] for it in gateway.messages]
    gateway.reset()
    await sim.world.reset()
    answer = await sim.api.post("/sim/transcript", content=saved.content, params={"speed": 50})
    assert (answer.status_code, answer.json()) == (202, {"count": 3})

    async def is_over() -> bool:
        return len(gateway.messages) == len(before)

    await eventually(is_over)
    assert [it.form["Body"] for it in gateway.messages] == before
    assert gateway.messages[1].form["ButtonText"] == "Book a table"


@pytest.mark.parametrize(
    ("path", "order", "named"),
    [
        ("/sim/switches", {"name": "dupp"}, "name is none of: dup"),
        ("/sim/switches", {"name": "dup", "times": 0}, "times"),
        ("/sim/switches", {"name": "dup", "seconds": -1}, "seconds"),
        ("/sim/switches", {"name": "refuse", "code": 0}, "code"),
        ("/sim/presets", {"name": "sad"}, "name is none of: happy"),
        ("/sim/bursts", {"from": PERSON, "count": 501}, "count"),
        ("/sim/bursts", {"from": "Ann"}, "from"),
        ("/sim/people", {"name": "Ann", "address": "Ann"}, "address"),
        ("/sim/people", {"name": "", "address": "+15550001"}, "name"),
        ("/sim/lines", {"address": "front desk"}, "address"),
        ("/sim/clock", {"ahead": -1}, "ahead"),
        ("/sim/sandbox", {"on": "perhaps"}, "on"),
        ("/sim/messages", {"from": PERSON, "kind": "smoke"}, "kind is none of: emoji"),
        ("/sim/transcript", {"nothing": 1}, "line 1: an object with at and direction is needed"),
        ("/sim/transcript", {"at": 0, "direction": "out", "from": "Ann"}, "from"),
        ("/sim/reset", {"seed": "x"}, "seed"),
    ],
)
async def test_an_order_that_makes_no_sense_is_explained(
    path: str, order: dict[str, Any], named: str, sim: Running, gateway: Gateway
) -> None:
    """
    In words, and nothing happens.
    """
    answer = await sim.api.post(path, json=order)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(named)
    assert (await view(sim))["active"] == []
    assert gateway.received == []
