"""Paired numbers, and how an admin ends a pairing."""

from typing import Any

import pytest

from services.egress.store import SendLedger
from shared.bus import Bus
from shared.events import ReplyReady
from shared.ids import Sequence, ThreadKey
from shared.store.session import Store
from shared.topology import OUT
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker
from tests.services.console.api.past import Past
from tests.services.console.api.test_messages import listed

REASON = {"reason": "phone lost"}


@pytest.fixture
async def paired(past: Past) -> Past:
    await past.pair()
    return past


async def rows(store: Store, query: str) -> list[dict[str, Any]]:
    async with store.connection() as connection:
        return await (await connection.execute(query)).fetchall()


async def test_a_binding_is_shown_masked_with_what_its_user_wrote(paired: Past, admin: Asker) -> None:
    """
    Not what the number wrote before it was paired.
    """
    found = (await admin.ask("GET", "bindings/bd_one")).json()
    assert (found["user"], found["channel"], found["number"]) == ("us_one", "whatsapp", "+39 333 ••• 0001")
    assert (found["messages"], found["last_message_at"] is None) == (1, False)


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 1), ("user=us_one", 1), ("user=us_nobody", 0), ("channel=whatsapp", 1), ("channel=web", 0)],
)
async def test_a_list_is_cut_by_what_is_asked_for(paired: Past, admin: Asker, query: str, count: int) -> None:
    """
    By user and channel.
    """
    assert len(await listed(admin, f"bindings?{query}")) == count


async def test_a_pairing_ends_with_a_reason_on_record(paired: Past, admin: Asker, store: Store) -> None:
    """
    The user's conversation is closed with it: what comes next is a stranger's.
    """
    answer = await admin.ask("DELETE", "bindings/bd_one", json=REASON)
    assert (answer.status_code, answer.json()) == (200, {"goodbye": False})
    assert await rows(store, "select 1 from binding") == []
    assert await rows(store, "select 1 from conversation where closed_at is null") == []
    [line] = await rows(store, "select action, object, before, after from audit")
    assert (line["action"], line["object"], line["after"]) == ("binding.ended", "bd_one", REASON)
    assert line["before"] == {"user": "us_one", "contact": "ct_one", "channel": "whatsapp"}


async def test_what_was_under_way_for_the_user_ends_with_the_pairing(paired: Past, admin: Asker, store: Store) -> None:
    """
    The phone may be somebody else's by now: the turn that runs can write nothing any more, what is queued is not sent.
    """
    await rows(
        store, "update thread set asked_seq = done_seq + 1, last_seq = last_seq + 1, owner = 7, fence = 3 returning 1"
    )
    await rows(
        store,
        "update message set seq = (select asked_seq from thread), outcome = 'asked' where id = 'ms_one' returning 1",
    )
    await rows(store, "update reply set state = 'cut' returning 1")
    await rows(store, "update part set state = 'queued' where ordinal = 2 returning 1")
    await admin.ask("DELETE", "bindings/bd_one", json=REASON)
    [thread] = await rows(store, "select owner, fence, asked_seq = done_seq as is_done from thread")
    assert thread == {"owner": None, "fence": 4, "is_done": True}
    assert await rows(store, "select distinct state from reply") == [{"state": "cancelled"}]
    assert await rows(store, "select state from part where ordinal = 2") == [{"state": "cancelled"}]
    assert await rows(store, "select 1 from message where outcome = 'cancelled'") != []


async def test_on_a_shared_line_the_turn_of_its_tenants_thread_ends_too(
    paired: Past, admin: Asker, store: Store
) -> None:
    """
    The thread is a row of the line's tenant, where the person was another company's user.
    """
    await rows(store, "insert into tenant (id, name) values ('tn_host', 'Host') returning 1")
    await rows(store, "update thread set tenant_id = 'tn_host', guests = '{tn_one}', owner = 7, fence = 3 returning 1")
    await admin.ask("DELETE", "bindings/bd_one", json=REASON)
    assert await rows(store, "select owner, fence from thread") == [{"owner": None, "fence": 4}]


async def test_a_pairing_that_ended_cannot_end_again(paired: Past, admin: Asker) -> None:
    """
    Whoever comes second is told that it is gone.
    """
    await admin.ask("DELETE", "bindings/bd_one", json=REASON)
    assert (await admin.ask("DELETE", "bindings/bd_one", json=REASON)).status_code == 404


async def test_a_reason_is_needed(paired: Past, admin: Asker) -> None:
    """
    Without one nothing is ended.
    """
    assert (await admin.ask("DELETE", "bindings/bd_one", json={})).status_code == 422
    assert len(await listed(admin, "bindings")) == 1


async def test_the_person_is_told_where_they_wrote_of_late(
    paired: Past, admin: Asker, bus: Bus, egress_store: Store
) -> None:
    """
    The goodbye comes in place of what they were still to be told, for egress to send; it is asked to at once.
    """
    answer = await admin.ask("DELETE", "bindings/bd_one", json=REASON | {"goodbye": True})
    assert answer.json() == {"goodbye": True}
    async with SendLedger(egress_store, paired.vault, 1).claimed(paired.tenant, ThreadKey("thone")) as desk:
        assert desk is not None
        uncut = (await desk.view()).uncut
    assert uncut is not None
    hint = await bus.read_one(OUT.name, Sequence(1))
    assert hint is not None
    assert ReplyReady.decode(hint.body).reply_id == uncut.id
    assert uncut.markdown == "This number was disconnected from its account by an admin."


@pytest.mark.parametrize(
    "change",
    [
        "update thread set last_inbound_at = now() - interval '25 hours'",
        "update thread set opted_out_at = now()",
        "update line set enabled = false",
    ],
)
async def test_the_person_is_not_told_where_that_may_not_be(
    paired: Past, admin: Asker, store: Store, change: str
) -> None:
    """
    Later than 24 hours, after they stopped, or where the line is off; the pairing ends all the same.
    """
    async with store.connection() as connection:
        await connection.execute(change)
    answer = await admin.ask("DELETE", "bindings/bd_one", json=REASON | {"goodbye": True})
    assert answer.json() == {"goodbye": False}
    assert await rows(store, "select 1 from reply where kind = 'notice'") == []
    assert await rows(store, "select 1 from binding") == []


async def test_another_companys_binding_is_not_there(paired: Past, asker: MakeAsker) -> None:
    """
    To read or to end.
    """
    stranger = await asker(OTHER)
    assert (await stranger.ask("GET", "bindings/bd_one")).status_code == 404
    assert (await stranger.ask("DELETE", "bindings/bd_one", json=REASON)).status_code == 404
    assert len(await listed(await asker(ONE), "bindings")) == 1
