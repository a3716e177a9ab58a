"""Messages in the console: the list with its filters, and one message with its timeline."""

from datetime import timedelta

import pytest

from shared.store.session import Store
from tests.services.console.api.past import NOON, NUMBER, Past, sid
from tests.services.console.pages.conftest import OTHER, SignedIn


async def test_the_list_shows_both_directions_and_links_to_each(signed_in: SignedIn, past: Past) -> None:
    """
    The newest first.
    """
    page = (await (await signed_in()).get("/messages")).text
    ids = ("pt_2", "pt_1", "msg_one2", "msg_one1")
    places = [page.index(f'href="/messages/{it}"') for it in ids]
    assert places == sorted(places)


async def test_texts_are_hidden_while_history_is_off(signed_in: SignedIn, past: Past) -> None:
    """
    And shown once the company keeps one.
    """
    visitor = await signed_in()
    assert "hello" not in (await visitor.get("/messages")).text
    await past.settings(history=True)
    assert "hello" in (await visitor.get("/messages")).text


async def test_filters_stand_in_the_address(signed_in: SignedIn, past: Past) -> None:
    """
    What matches nothing offers to clear them.
    """
    visitor = await signed_in()
    page = (await visitor.get("/messages?direction=inbound")).text
    assert "msg_one1" in page
    assert "pt_1" not in page
    page = (await visitor.get("/messages?status=failed")).text
    assert "Nothing matches" in page
    assert "Clear filters" in page


async def test_a_channel_is_a_filter(signed_in: SignedIn, past: Past) -> None:
    """
    Beside direction, status, SID and days.
    """
    visitor = await signed_in()
    page = (await visitor.get("/messages?channel=whatsapp")).text
    assert "msg_one1" in page
    assert '<option value="whatsapp" selected>' in page
    assert "Nothing matches" in (await visitor.get("/messages?channel=web")).text


async def test_what_failed_leads_to_its_cause_and_is_replayed_from_there(
    signed_in: SignedIn, past: Past, store: Store
) -> None:
    """
    The list's code is a link; the page says what to do, and does it.
    """
    async with store.connection() as connection:
        await connection.execute(
            "update part set state = 'undelivered', failure = 'window_closed', error_code = 63016 where id = 2"
        )
    visitor = await signed_in()
    assert 'name="letter"' not in (await visitor.get("/messages/pt_2")).text
    facts = {"stage": "egress", "reason": "window_closed", "attempts": 1, "payload": "part/2"}
    await past.insert("dead_letter", id="dl_late", thread="thone", **facts)
    assert 'href="/messages/pt_2#cause"' in (await visitor.get("/messages")).text
    page = (await visitor.get("/messages/pt_2")).text
    assert 'id="cause"' in page
    assert 'name="letter" value="dl_late"' in page
    assert "1 of 1 were handed on." in (await visitor.post("/dead-letters/replays", letter="dl_late")).text


async def test_a_message_that_the_agent_gave_up_says_so(signed_in: SignedIn, past: Past) -> None:
    """
    Though it was received as it should be.
    """
    facts = {"stage": "agent", "reason": "turn_timed_out", "attempts": 3, "payload": "turn/tu_one"}
    await past.insert("dead_letter", id="dl_slow", thread="thone", **facts)
    page = (await (await signed_in()).get("/messages/msg_one1")).text
    assert "The agent took too long" in page
    assert 'name="letter" value="dl_slow"' in page


async def test_a_number_finds_the_person_without_standing_in_the_address(signed_in: SignedIn, past: Past) -> None:
    """
    It is looked for by its keyed hash; a number that nobody has finds nothing.
    """
    visitor = await signed_in()
    await visitor.get("/messages")
    found = await visitor.post("/messages/searches", number=NUMBER)
    assert found.headers["location"] == "/messages?tenant=tn_one&contact=ct_one"
    assert "msg_one1" in (await visitor.get(found.headers["location"])).text
    nobody = await visitor.post("/messages/searches", number="+15550009999")
    assert "Nothing matches" in (await visitor.get(nobody.headers["location"])).text


async def test_what_came_since_is_counted_and_moves_no_row(signed_in: SignedIn, past: Past) -> None:
    """
    A page that shows a message first goes on doing so, beside a button that says how many are newer.
    """
    seen = (NOON + timedelta(seconds=2)).isoformat()
    page = (await (await signed_in()).get("/messages", params={"seen": seen})).text
    assert "2 new" in page
    assert 'href="/messages/pt_1"' not in page
    assert 'href="/messages/msg_one2"' in page
    assert "Older" not in page


async def test_a_message_tells_all_that_happened_to_it(signed_in: SignedIn, past: Past) -> None:
    """
    From the webhook to the last delivery report.
    """
    page = (await (await signed_in()).get("/messages/msg_one1")).text
    steps = (
        "Webhook received",
        "Routed",
        "Agent answered",
        "Part 1: send attempt",
        "Part 1: sent",
        "Part 1: delivered",
    )
    places = [page.index(step) for step in steps]
    assert places == sorted(places)
    assert "contact_form" in page
    assert "not a duplicate · 12 ms" in page
    assert "waited 0 ms" in page


async def test_what_was_written_in_a_test_chat_had_no_webhook(signed_in: SignedIn, past: Past) -> None:
    """
    Its timeline begins with the chat.
    """
    async with past.store.connection() as connection:
        await connection.execute("update line set channel = 'web'")
        await connection.execute("update conversation set channel = 'web'")
    page = (await (await signed_in()).get("/messages/msg_one1")).text
    assert "Written in a test chat" in page
    assert "Webhook" not in page


@pytest.mark.parametrize(("known", "message"), [("msg_one1", "msg_one1"), ("outone", "pt_1")])
async def test_twilios_id_leads_to_its_message(signed_in: SignedIn, past: Past, known: str, message: str) -> None:
    """
    Of either direction; another company's, and one that nobody has, are not there.
    """
    visitor = await signed_in()
    answer = await visitor.get(f"/messages/by-sid/{sid(known)}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/messages/{message}")
    for wrong in ("SM" + "0" * 32, "%00", "x" * 65):
        assert (await visitor.get(f"/messages/by-sid/{wrong}")).status_code == 404


async def test_another_companys_message_is_not_there(signed_in: SignedIn, past: Past) -> None:
    """
    404, as for one that does not exist; and a company that is named in the address is not there either.
    """
    visitor = await signed_in(tenant=OTHER)
    assert (await visitor.get("/messages/msg_one1")).status_code == 404
    assert (await visitor.get("/messages/msg_none")).status_code == 404
    assert (await visitor.get(f"/messages/by-sid/{sid('msg_one1')}")).status_code == 404
    assert (await visitor.get("/messages?tenant=tn_one")).status_code == 404


async def test_the_platforms_admin_chooses_the_company(signed_in: SignedIn, past: Past) -> None:
    """
    Everybody else sees no choice.
    """
    visitor = await signed_in("SYSTEM_ADMIN", OTHER)
    assert "msg_one1" not in (await visitor.get("/messages")).text
    page = (await visitor.get("/messages?tenant=tn_one")).text
    assert "msg_one1" in page
    assert "Company" in page


async def test_a_number_is_revealed_once_it_is_asked_for_and_that_is_audited(
    signed_in: SignedIn, past: Past, store: Store
) -> None:
    """
    Masked until then.
    """
    await past.settings(privacy="encrypted")
    visitor = await signed_in()
    page = (await visitor.get("/messages/msg_one1")).text
    assert "+39 333 ••• 0001" in page
    assert NUMBER not in page
    assert (await visitor.post("/contacts/ct_one/reveals")).text.strip() == NUMBER
    async with store.connection() as connection:
        cursor = await connection.execute("select actor, object from audit where action = 'contact.revealed'")
        assert await cursor.fetchall() == [{"actor": "user/us_companyadminone", "object": "ct_one"}]


async def test_a_number_that_is_not_kept_cannot_be_revealed(signed_in: SignedIn, past: Past) -> None:
    """
    In hashed mode there is only a handle.
    """
    visitor = await signed_in()
    await visitor.get("/messages/msg_one1")
    assert (await visitor.post("/contacts/ct_one/reveals")).status_code == 404
