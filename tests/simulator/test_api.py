"""The simulator's own API: phones, the wire log, orders, and what it says to nonsense."""

import asyncio
import json
from typing import Any

import pytest

from dev.simulator.testing import Running
from tests.eventually import eventually
from tests.simulator.gateway import HANG, PERSON, Gateway
from tests.simulator.twilio import Twilio

MESSAGES = f"/sim/phones/{PERSON}/messages"
WELL = ("sent", "delivered", "read")


async def error(sim: Running, path: str, content: bytes) -> str:
    """Post what must be refused; return what was said."""
    answer = await sim.api.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"])


async def test_a_phone_shows_both_directions_in_order(twilio: Twilio, gateway: Gateway) -> None:
    """
    What was written on it and what came, numbered from 1.
    """
    await twilio.write("Hi")
    await gateway.until_reported(await twilio.created("Hello"), *WELL)
    shown = (await twilio.sim.api.get(MESSAGES)).json()
    assert [(it["n"], it["direction"], it["body"]) for it in shown] == [(1, "out", "Hi"), (2, "in", "Hello")]
    phones = (await twilio.sim.api.get("/sim/phones")).json()
    assert phones == [{"address": PERSON, "messages": 2}]


@pytest.mark.parametrize("name", [PERSON, PERSON.removeprefix("whatsapp:")])
async def test_a_phone_is_named_with_or_without_its_channel(name: str, twilio: Twilio) -> None:
    """
    Both are the same phone.
    """
    await twilio.write("Hi", **{"from": name})
    assert len((await twilio.sim.api.get(f"/sim/phones/{name}/messages")).json()) == 1
    assert len((await twilio.sim.api.get(MESSAGES)).json()) == 1


async def test_what_was_seen_is_not_shown_again(twilio: Twilio) -> None:
    """
    `after` names the last one seen.
    """
    for body in ("one", "two", "three"):
        await twilio.write(body)
    for after, bodies in (("1", ["two", "three"]), ("3", []), ("9" * 18, [])):
        shown = (await twilio.sim.api.get(MESSAGES, params={"after": after})).json()
        assert [it["body"] for it in shown] == bodies


async def test_reading_waits_for_news(twilio: Twilio) -> None:
    """
    It returns as soon as there is one, long before the wait is over.
    """
    reading = asyncio.ensure_future(twilio.sim.api.get(MESSAGES, params={"after": 1, "wait": 60}))
    await twilio.write("one")
    assert not reading.done()
    await twilio.write("two")
    shown = (await asyncio.wait_for(reading, 30)).json()
    assert [it["body"] for it in shown] == ["two"]


async def test_waiting_for_nothing_ends(twilio: Twilio) -> None:
    """
    With nothing, when the time is over.
    """
    await twilio.write("to Ben", **{"from": "+15550009999"})
    assert (await twilio.sim.api.get(MESSAGES, params={"wait": 0.05})).json() == []


async def test_a_page_misses_nothing_between_two_looks(twilio: Twilio) -> None:
    """
    What happened since the version that was seen is told at once, though nobody waited when it happened.
    """
    seen = (await twilio.sim.api.get("/sim/state", params={"phone": PERSON})).json()["version"]
    await twilio.write("meanwhile")
    looking = twilio.sim.api.get("/sim/state", params={"phone": PERSON, "wait": 60, "since": seen})
    state = (await asyncio.wait_for(looking, 30)).json()
    assert [it["body"] for it in state["messages"]] == ["meanwhile"]
    assert state["version"] > seen


async def test_a_reset_forgets_everything(twilio: Twilio, gateway: Gateway) -> None:
    """
    Messages, phones, orders, the wire log, and what was still to be reported.
    """
    await twilio.order("callback_late", seconds=0.5)
    sid = await twilio.created()
    await twilio.order("429", times=9)
    await twilio.write()
    assert (await twilio.sim.api.post("/sim/reset")).json() == {}
    assert (await twilio.sim.api.get("/sim/wire")).json() == []
    assert (await twilio.sim.api.get("/sim/faults")).json() == []
    assert (await twilio.sim.api.get("/sim/phones")).json() == []
    assert await twilio.list() == []
    await twilio.write()
    await twilio.order("callback_late", seconds=0.5)
    await gateway.until_reported(await twilio.created(), *WELL)
    assert gateway.reports(sid) == []


async def test_a_reset_wakes_whoever_waits(twilio: Twilio) -> None:
    """
    A page that watches an old world would show it for another twenty seconds.
    """
    await twilio.write("old")
    seen = (await twilio.sim.api.get("/sim/state", params={"phone": PERSON})).json()["version"]
    query = {"phone": PERSON, "wait": "60", "since": str(seen)}
    looking = asyncio.ensure_future(twilio.sim.api.get("/sim/state", params=query))
    reading = asyncio.ensure_future(twilio.sim.api.get(MESSAGES, params={"wait": 60, "after": 1}))
    await twilio.sim.api.get("/sim/wire")
    await twilio.sim.api.post("/sim/reset")
    assert (await asyncio.wait_for(looking, 30)).json()["messages"] == []
    await twilio.write("new")
    await twilio.write("newer")
    assert [it["body"] for it in (await asyncio.wait_for(reading, 30)).json()] == ["newer"]


async def test_the_wire_log_has_both_directions(twilio: Twilio, gateway: Gateway) -> None:
    """
    Each request with its answer, the message that it is about, and our attempt.
    """
    ended = await twilio.write("Hi")
    sid = await twilio.created("Hello", attempt="at_3")
    await gateway.until_reported(sid, *WELL)

    async def look() -> list[dict[str, Any]] | None:
        wire: list[dict[str, Any]] = (await twilio.sim.api.get("/sim/wire")).json()
        return wire if len(wire) == 5 and wire[-1]["status"] else None

    wire = await eventually(look)
    assert [(it["n"], it["direction"], it["kind"], it["status"]) for it in wire] == [
        (1, "to_gateway", "inbound", 200),
        (2, "from_gateway", "message.create", 201),
        (3, "to_gateway", "status", 204),
        (4, "to_gateway", "status", 204),
        (5, "to_gateway", "status", 204),
    ]
    assert [it["message_sid"] for it in wire] == [ended["sid"], sid, sid, sid, sid]
    assert (wire[0]["form"]["Body"], wire[1]["form"]["Body"], wire[1]["attempt"]) == ("Hi", "Hello", "at_3")
    assert json.loads(wire[1]["response"])["sid"] == sid
    assert all(it["ms"] >= 0 and it["at"] > 0 and it["method"] == "POST" for it in wire)
    assert (await twilio.sim.api.get("/sim/wire", params={"after": 4})).json() == wire[4:]


async def test_the_wire_log_holds_no_credentials(twilio: Twilio) -> None:
    """
    It is there to be pasted.
    """
    await twilio.created()
    text = (await twilio.sim.api.get("/sim/wire")).text
    assert twilio.auth[1] not in text
    assert "Authorization" not in text


async def test_a_refused_call_is_in_the_wire_log(twilio: Twilio) -> None:
    """
    With its status, and the fault that caused it.
    """
    await twilio.order("429")
    await twilio.create()
    [entry] = (await twilio.sim.api.get("/sim/wire")).json()
    assert (entry["status"], entry["fault"]) == (429, "429")


async def test_writing_need_not_wait(twilio: Twilio, gateway: Gateway) -> None:
    """
    It is answered before the gateway has answered.
    """
    gateway.script.append(HANG)
    answer = await twilio.sim.api.post("/sim/messages", json={"from": PERSON, "body": "Hi", "wait": False})
    assert answer.status_code == 202
    await gateway.until_received(1)


async def test_an_unknown_fault_is_refused_with_the_known_ones(sim: Running) -> None:
    """
    Whoever mistypes sees what there is.
    """
    said = await error(sim, "/sim/faults", b'{"kind": "429s"}')
    assert said.startswith("kind 429s is none of: 429, 500_before")


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({}, "kind"),
        ({"kind": None}, "kind"),
        ({"kind": ["429"]}, "kind"),
        ({"kind": {"a": 1}}, "kind"),
        ({"kind": "429", "times": "often"}, "times"),
        ({"kind": "429", "times": -1}, "times"),
        ({"kind": "429", "times": 1.5}, "times"),
        ({"kind": "429", "probability": 2}, "probability"),
        ({"kind": "429", "probability": "NaN"}, "probability"),
        ({"kind": "hang", "seconds": -1}, "seconds"),
        ({"kind": "hang", "seconds": 1e300}, "seconds"),
        ({"kind": "hang", "seconds": "Infinity"}, "seconds"),
        ({"kind": "error", "code": "x"}, "code"),
        ({"kind": "error", "code": 0}, "code"),
        ({"kind": "error", "status": 200}, "status"),
        ({"kind": "error", "status": 10**30}, "status"),
        ({"kind": "429", "match": "everybody"}, "match"),
        ({"kind": "429", "match": [1]}, "match"),
        ({"kind": "429", "match": {"to": 1}}, "to"),
        ({"kind": "429", "match": {"from": "x"}}, "from"),
        ({"kind": "429", "often": 1}, "often"),
    ],
)
async def test_an_order_that_makes_no_sense_names_its_field(order: dict[str, Any], named: str, sim: Running) -> None:
    """
    And is not kept.
    """
    assert (await error(sim, "/sim/faults", json.dumps(order).encode())).startswith(named)
    assert (await sim.api.get("/sim/faults")).json() == []


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"from": ""}, "from"),
        ({"from": "Ann"}, "from"),
        ({"from": 15550001234}, "from"),
        ({"from": None}, "from"),
        ({"from": "+" + "1" * 9999}, "from"),
        ({"body": 5}, "body"),
        ({"body": None}, "body"),
        ({"body": ["Hi"]}, "body"),
        ({"to": 5}, "to"),
        ({"sid": ""}, "sid"),
        ({"sid": ["SM1"]}, "sid"),
        ({"times": "often"}, "times"),
        ({"times": 0}, "times"),
        ({"times": -5}, "times"),
        ({"times": 10**9}, "times"),
        ({"wait": "perhaps"}, "wait"),
        ({"media": "image/png"}, "media"),
        ({"media": True}, "media"),
        ({"media": ["image/png"]}, "media"),
        ({"media": {"content_type": 5}}, "media.content_type"),
        ({"media": {"data": "no base64"}}, "media.data"),
        ({"location": "home"}, "location"),
        ({"location": [45.5, 9.1]}, "location"),
        ({"location": {"latitude": {"degrees": 45}}}, "location"),
        ({"fields": "Forwarded=true"}, "fields"),
        ({"fields": ["Forwarded"]}, "fields"),
        ({"fields": {"Forwarded": None}}, "fields"),
        ({"path": 5}, "path"),
        ({"path": "/a b"}, "path"),
        ({"path": "/\x00"}, "path"),
        ({"path": "/" + "x" * 70_000}, "path"),
        ({"profile_name": {}}, "profile_name"),
        ({"boddy": "Hi"}, "boddy"),
    ],
)
async def test_a_message_that_makes_no_sense_names_its_field(
    message: dict[str, Any], named: str, sim: Running, gateway: Gateway
) -> None:
    """
    And reaches nobody.
    """
    assert (await error(sim, "/sim/messages", json.dumps({"from": PERSON} | message).encode())).startswith(named)
    assert gateway.received == []


@pytest.mark.parametrize("path", ["/sim/messages", "/sim/faults"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half-a-body"),
        pytest.param(b"\xff\xfe", id="no-text"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"Hi"', id="a-word"),
        pytest.param(b"5", id="a-number"),
        pytest.param(b"9" * 5000, id="a-number-too-long-to-read"),
        pytest.param(b'{"a":' * 100_000, id="too-deep"),
        pytest.param(b'{"kind": "429", "seconds": NaN}', id="a-number-that-is-none"),
        pytest.param(b'{"body": "\\ud800"}', id="half-a-sign"),
        pytest.param(b'{"fields": {"\\udfff": "x"}}', id="half-a-sign-in-a-name"),
    ],
)
async def test_what_is_no_json_object_is_refused(path: str, content: bytes, sim: Running) -> None:
    """
    In words.
    """
    assert (await error(sim, path, content)).startswith("the body is not")


@pytest.mark.parametrize("raw", ["x", "-1", "1.5", "", "nan", "9" * 5000, "٣", "0x10", " 1"])
async def test_a_number_must_be_one(raw: str, sim: Running) -> None:
    """
    Whole, and from 0.
    """
    for path in (MESSAGES, "/sim/wire"):
        answer = await sim.api.get(path, params={"after": raw})
        assert (answer.status_code, answer.json()["error"]) == (400, "after: a whole number from 0 is needed")
    assert (await sim.api.get("/sim/state", params={"wait": "0.01", "since": raw})).status_code == 400


@pytest.mark.parametrize("raw", ["x", "-1", "nan", "inf", "-inf", "1e999", ""])
async def test_a_wait_must_be_a_time(raw: str, sim: Running) -> None:
    """
    Finite, and from 0.
    """
    for path in (MESSAGES, "/sim/state"):
        answer = await sim.api.get(path, params={"wait": raw})
        assert (answer.status_code, answer.json()["error"]) == (400, "wait: a number of seconds from 0 is needed")


@pytest.mark.parametrize("name", ["nobody", "%00", "%FF%FE", "+" + "1" * 5000, "%F0%9F%91%8B"])
async def test_a_strange_name_is_an_empty_phone(name: str, sim: Running) -> None:
    """
    Nobody has written on it.
    """
    assert (await sim.api.get(f"/sim/phones/{name}/messages")).json() == []
    answer = await sim.api.get(f"/sim/state?phone={name}")
    assert (answer.status_code, answer.json()["messages"]) == (200, [])


async def test_a_huge_message_is_delivered(twilio: Twilio, gateway: Gateway) -> None:
    """
    It is the gateway's to refuse it.
    """
    body = "x" * 1_000_000
    assert (await twilio.write(body))["status"] == 200
    assert gateway.received[0].form["Body"] == body


async def test_other_methods_are_not_allowed(sim: Running) -> None:
    """
    405, and nothing happens.
    """
    for path in ("/sim/reset", "/sim/messages"):
        assert (await sim.api.get(path)).status_code == 405
    assert (await sim.api.post("/sim/wire")).status_code == 405


async def test_probes_are_answered(sim: Running) -> None:
    """
    As those of every other part of the stack.
    """
    assert (await sim.api.get("/healthz")).text == "ok\n"
    assert (await sim.api.get("/readyz")).json() == {"ready": True, "checks": {}}
    assert "trunkline_sim_requests_total 0\n" in (await sim.api.get("/metrics")).text
