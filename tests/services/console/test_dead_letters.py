"""Dead letters through the API: listed, shown, replayed at the stage that failed, discarded."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.console.dead_letters import DeadLetters
from shared.bus import Bus
from shared.events import InboundReceived
from shared.ids import AccountSid, LineId, ProviderSid, Sequence
from shared.store.session import Store
from shared.topology import ADVISORIES, INBOUND, OUT, ROUTER, inbound_subject
from tests.eventually import eventually
from tests.services.console.conftest import KEY, Client
from tests.services.console.dead_work import TENANT, DeadWork, a_thread
from tests.services.desk import sid

HOLDER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
async def work(store: Store, client: Client) -> DeadWork:
    return DeadWork(store, await a_thread(store))


async def _get(client: Client, path: str) -> Any:
    return (await client.get(f"/v1/{path}", headers=HOLDER)).json()


async def _inbound(bus: Bus, work: DeadWork, provider_sid: ProviderSid | None = None) -> Sequence:
    """Store an event of the thread; return where it rests."""
    event = InboundReceived(
        tenant=TENANT,
        event_id=sid(),
        line=LineId("ln_default"),
        channel="whatsapp",
        account_sid=AccountSid("AC" + "1" * 32),
        provider_sid=provider_sid or sid(),
        to="whatsapp:+14155238886",
        num_media=0,
        received_at=datetime.now(UTC),
        sealed="x",
    )
    await bus.publish(INBOUND, inbound_subject(TENANT, work.thread), event, message_id=sid())
    return (await _events(bus, work))[-1][0]


async def _events(bus: Bus, work: DeadWork) -> list[tuple[Sequence, InboundReceived]]:
    subject = inbound_subject(TENANT, work.thread)
    return [
        (stored.seq, InboundReceived.decode(stored.body))
        async for stored in bus.read_forward(INBOUND, subject, Sequence(0), Sequence(1000), 100)
    ]


async def test_letters_are_listed_newest_first_and_by_pages(client: Client, work: DeadWork) -> None:
    """
    The cursor of one page asks for the next; the last page has none.
    """
    letters = [await work.letter(f"INBOUND/{number}", stage="router") for number in range(5)]
    first = await _get(client, "dead-letters?limit=3")
    rest = await _get(client, f"dead-letters?limit=3&cursor={first['next_cursor']}")
    assert [it["id"] for it in (*first["items"], *rest["items"])] == letters[::-1]
    assert rest["next_cursor"] is None


async def test_a_letter_says_what_failed_where_and_why(client: Client, work: DeadWork) -> None:
    """
    Stage, reason, attempts, and the place of the payload; no content.
    """
    letter = await work.letter("INBOUND/7", stage="router", reason="sealed_unreadable")
    shown = await _get(client, f"dead-letters/{letter}")
    wanted = {
        "stage": "router",
        "reason": "sealed_unreadable",
        "attempts": 1,
        "payload": "INBOUND/7",
        "state": "waiting",
    }
    assert {name: shown[name] for name in wanted} == wanted


async def test_a_replayed_part_is_queued_with_what_was_skipped_for_it(client: Client, work: DeadWork, bus: Bus) -> None:
    """
    What was delivered before it stays as it is, and egress is told.
    """
    _, failed, _ = await work.reply("delivered", "failed", "cancelled", failure="provider_refused")
    letter = await work.letter(f"part/{failed}")
    answer = await client.post(f"/v1/dead-letters/{letter}/replays", headers=HOLDER)
    assert (answer.status_code, answer.json()["state"]) == (201, "replayed")
    assert await work.states() == ["delivered", "queued", "queued"]
    [reply] = await work.rows("select state from reply")
    assert reply["state"] == "cut"
    assert (await bus.read_one(OUT.name, Sequence(1))) is not None


async def test_a_part_that_was_delivered_after_all_is_not_sent_again(client: Client, work: DeadWork) -> None:
    """
    A proof came after the failure: there is nothing to replay.
    """
    [part] = await work.reply("delivered")
    letter = await work.letter(f"part/{part}")
    answer = await client.post(f"/v1/dead-letters/{letter}/replays", headers=HOLDER)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_replayable")
    assert await work.states() == ["delivered"]


async def test_a_part_that_twilio_may_have_sent_is_only_looked_for_again(client: Client, work: DeadWork) -> None:
    """
    Its replay is a question to Twilio, not a send.
    """
    [part] = await work.reply("failed", failure="outcome_unknown")
    letter = await work.letter(f"part/{part}", reason="outcome_unknown")
    await client.post(f"/v1/dead-letters/{letter}/replays", headers=HOLDER)
    assert await work.states() == ["unknown"]


async def test_a_replayed_turns_messages_enter_the_thread_again(client: Client, work: DeadWork, bus: Bus) -> None:
    """
    All of them, in order, under their own SIDs, marked as a replay.
    """
    seqs = [await _inbound(bus, work) for _ in range(2)]
    sids = [event.provider_sid for _, event in await _events(bus, work)]
    for number, seq in enumerate(seqs):
        await work.rows(
            """
            insert into message (id, tenant_id, line_id, thread, account_sid, provider_sid, seq, outcome, sealed_text, received_at)
            values (%s, %s, 'ln_default', %s, 'AC', %s, %s, 'asked', '', now()) returning 1
            """,
            f"msg_{number}",
            TENANT,
            work.thread,
            sids[number],
            seq,
        )
    letter = await work.letter(f"messages/{seqs[0]}-{seqs[1]}", stage="agent")
    answer = await client.post(f"/v1/dead-letters/{letter}/replays", headers=HOLDER)
    assert answer.status_code == 201
    again = [event for _, event in (await _events(bus, work))[2:]]
    assert [event.provider_sid for event in again] == sids
    assert {event.replay_of for event in again} == {letter}


async def test_a_replayed_message_enters_the_thread_again(client: Client, work: DeadWork, bus: Bus) -> None:
    """
    A message that the router set aside is stored anew at the end of its thread, once.
    """
    seq = await _inbound(bus, work)
    letter = await work.letter(f"INBOUND/{seq}", stage="router")
    assert (await client.post(f"/v1/dead-letters/{letter}/replays", headers=HOLDER)).status_code == 201
    assert (await client.post(f"/v1/dead-letters/{letter}/replays", headers=HOLDER)).status_code == 409
    assert len(await _events(bus, work)) == 2


async def test_what_has_left_its_stream_cannot_be_replayed(client: Client, work: DeadWork) -> None:
    """
    The answer says so, and the letter stays.
    """
    letter = await work.letter("INBOUND/4711", stage="router")
    answer = await client.post(f"/v1/dead-letters/{letter}/replays", headers=HOLDER)
    assert answer.json()["detail"] == "It has left the stream INBOUND."
    assert (await _get(client, f"dead-letters/{letter}"))["state"] == "waiting"


async def test_a_discarded_letter_keeps_its_reason_and_cannot_be_replayed(client: Client, work: DeadWork) -> None:
    """
    It leaves the list of what needs attention.
    """
    letter = await work.letter("INBOUND/1", stage="router")
    await client.post(f"/v1/dead-letters/{letter}/discards", headers=HOLDER, json={"reason": "a test"})
    assert (await _get(client, "dead-letters"))["items"] == []
    [discarded] = (await _get(client, "dead-letters?state=discarded"))["items"]
    assert discarded["settled_note"] == "a test"
    assert (await client.post(f"/v1/dead-letters/{letter}/replays", headers=HOLDER)).status_code == 409


@pytest.mark.parametrize("path", ["dead-letters/dl_" + "0" * 32, "dead-letters/nonsense", "dead-letters?limit=0"])
async def test_nonsense_gets_a_problem_document(client: Client, work: DeadWork, path: str) -> None:
    """
    An unknown letter is 404, anything malformed 422.
    """
    answer = await client.get(f"/v1/{path}", headers=HOLDER)
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_strangers_see_nothing(client: Client, work: DeadWork, method: str) -> None:
    """
    Every route needs the key.
    """
    letter = await work.letter("INBOUND/1")
    path = f"/v1/dead-letters/{letter}" + ("/replays" if method == "POST" else "")
    assert (await client.request(method, path)).status_code == 401


async def test_held_parts_are_shown(client: Client, work: DeadWork) -> None:
    """
    What Twilio may have, and what waits for the person to write.
    """
    await work.reply("unknown", "parked", "delivered")
    assert [it["state"] for it in (await _get(client, "held-parts"))["items"]] == ["unknown", "parked"]
    assert [it["ordinal"] for it in (await _get(client, "held-parts?state=parked"))["items"]] == [2]


@pytest.fixture
async def advised(bus: Bus, console_store: Store, work: DeadWork) -> AsyncIterator[None]:
    """A console that hears JetStream's advisories, beside a router that cannot read anything."""

    async def never(*_: object) -> None:
        raise AssertionError("nothing here can be read")

    bus.on(ADVISORIES, DeadLetters(console_store, bus).on_given_up, workers=1)
    bus.on(ROUTER, never, workers=1)
    await bus.consume()
    yield
    await bus.stop_consuming()


async def test_what_jetstream_gives_up_is_listed(bus: Bus, work: DeadWork, advised: None) -> None:
    """
    An event that cannot be read is a letter with its place, its stage and its tenant.
    """
    await bus._js.publish(inbound_subject(TENANT, work.thread), b"\x00 no event", stream=INBOUND.name)

    async def listed() -> list[dict[str, Any]]:
        return await work.rows("select tenant_id, thread, stage, reason, payload from dead_letter")

    assert await eventually(listed) == [
        {
            "tenant_id": TENANT,
            "thread": work.thread,
            "stage": "router",
            "reason": "malformed_event",
            "payload": "INBOUND/1",
        }
    ]
