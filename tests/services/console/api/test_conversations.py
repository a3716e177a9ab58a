"""Conversations, and what was said in them."""

from datetime import timedelta
from typing import Any

import pytest

from shared.media.contents import Content, Kind
from shared.media.kept import sealed_contents
from shared.store.session import Store
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker
from tests.services.console.api.past import NOON, NUMBER, Past
from tests.services.console.api.test_messages import listed


async def test_a_conversation_is_shown_with_who_what_and_how_much(past: Past, admin: Asker) -> None:
    """
    Its outward name has the contact's key in place of a number that is not kept (spec.md, section 4).
    """
    found = (await admin.ask("GET", "conversations/cv_one")).json()
    key = past.pepper.address_key(past.tenant, "whatsapp", f"whatsapp:{NUMBER}")
    assert found["session"] == f"twilio_ag_one_{key}"
    assert (found["state"], found["channel"], found["messages"], found["user"]) == ("open", "whatsapp", 1, None)
    assert found["contact"]["handle"] == key[:8]
    assert found["last_message_at"] == (NOON + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")


async def test_where_numbers_are_kept_the_outward_name_has_the_number(past: Past, admin: Asker) -> None:
    """
    As the line's own name for the session is.
    """
    await past.settings(privacy="encrypted")
    assert (await admin.ask("GET", "conversations/cv_one")).json()["session"] == f"twilio_ag_one_{NUMBER}"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["cv_onepaired", "cv_one"]), ("state=open", ["cv_onepaired"]), ("state=closed", ["cv_one"]),
        ("user=us_one", ["cv_onepaired"]), ("contact=ct_one", ["cv_onepaired", "cv_one"]), ("contact=ct_nobody", []),
        ("channel=web", []), (f"opened_at[lt]={NOON.isoformat().replace('+', '%2B')}", []),
        (f"opened_at[gte]={NOON.isoformat().replace('+', '%2B')}", ["cv_onepaired", "cv_one"]),
        ("limit=1", ["cv_onepaired", "cv_one"]),
    ],
)  # fmt: skip
async def test_a_list_is_cut_by_what_is_asked_for(
    past: Past, others_past: Past, admin: Asker, query: str, found: list[str]
) -> None:
    """
    By state, person, user, channel and time; the newest first, and only the company's own.
    """
    await past.pair()
    assert [it["id"] for it in await listed(admin, f"conversations?{query}")] == found


async def test_what_was_said_is_shown_by_both_sides_with_the_parts(past: Past, admin: Asker) -> None:
    """
    The newest first: an answer behind its message, with each part and how far it is.
    """
    await past.settings(history=True)
    answer, message = (await admin.ask("GET", "conversations/cv_one/messages")).json()["items"]
    assert (answer["id"], answer["text"], answer["turn"]) == ("rp_one", "Hi **Ada**", "tu_one")
    assert [(part["ordinal"], part["state"]) for part in answer["parts"]] == [(1, "delivered"), (2, "unknown")]
    assert (message["id"], message["text"], message["direction"], message["parts"]) == (
        "msg_one1", "hello", "inbound", [],
    )  # fmt: skip


async def test_what_was_read_in_what_a_person_sent_is_shown_with_their_words(past: Past, admin: Asker) -> None:
    """
    As the agent was told of it.
    """
    await past.settings(history=True)
    kept = sealed_contents(past.vault, past.tenant, "msg_one30", [Content(Kind.SPOKEN, "Are you open?")])
    await past.message("msg_one30", "", 30, conversation_id="cv_one", sealed_contents=kept)
    newest = (await admin.ask("GET", "conversations/cv_one/messages")).json()["items"][0]
    assert (newest["id"], newest["text"]) == ("msg_one30", "Are you open?")


async def test_without_a_history_texts_are_withheld(past: Past, admin: Asker) -> None:
    """
    And the reason is told.
    """
    said = (await admin.ask("GET", "conversations/cv_one/messages")).json()["items"]
    assert [(it["text"], it["text_withheld"]) for it in said] == [(None, "history_off")] * 2


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_a_long_conversation_is_read_page_by_page(past: Past, admin: Asker, limit: int) -> None:
    """
    Each message and answer once, in one order, whatever the size of a page.
    """
    expected = ["rp_one", "msg_one1"]
    for n in range(10, 14):
        await past.message(f"msg_one{n}", "x", n, conversation_id="cv_one")
        await past.reply(f"rp_one{n}", "y", n, conversation_id="cv_one")
        expected = [f"rp_one{n}", f"msg_one{n}", *expected]
    await past.message("msg_one20", "x", 20, conversation_id="cv_one")
    found: list[dict[str, Any]] = await listed(admin, f"conversations/cv_one/messages?limit={limit}")
    assert [it["id"] for it in found] == ["msg_one20", *expected]


async def test_a_text_that_cannot_be_opened_hides_no_other(past: Past, admin: Asker, store: Store) -> None:
    """
    A row whose key is gone, or that was moved, is told of; the page is there.
    """
    await past.settings(history=True)
    async with store.connection() as connection:
        await connection.execute("update message set sealed_text = '\\x0101aa' where id = 'msg_one1'")
    said = (await admin.ask("GET", "conversations/cv_one/messages")).json()["items"]
    assert [it["text_withheld"] for it in said] == [None, "unreadable"]


async def test_another_companys_conversation_is_not_there(past: Past, asker: MakeAsker) -> None:
    """
    Nor what was said in it.
    """
    stranger = await asker(OTHER)
    for path in ("conversations/cv_one", "conversations/cv_one/messages", f"conversations?tenant={ONE}"):
        assert (await stranger.ask("GET", path)).status_code == 404
