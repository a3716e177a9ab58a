"""Chat history in the console: the list with its filters, one conversation, words, export and erasure."""

import re
from datetime import timedelta

import orjson
import pytest

from services.console import history
from services.console.pages import history as pages
from shared.store.session import Store
from tests.services.console.api.past import NOON, NUMBER, Past
from tests.services.console.pages.conftest import OTHER, SignedIn, Visitor


@pytest.fixture
async def kept(past: Past) -> Past:
    """A company that keeps its history; Ada's answer has a tool, and she began anew once."""
    await past.settings(history=True, privacy="encrypted")
    await past.message("msg_onereset", "/reset", 3, outcome="command/reset", conversation_id="cv_one")
    await past.person("ct_bob", "+393330000002", "Bob")
    await past.conversation("cv_bob", "ct_bob", opened_at=NOON - timedelta(days=3), closed_at=NOON)
    await past.message(
        "msg_bob", "Where is my PARCEL?", 9, conversation_id="cv_bob", received_at=NOON - timedelta(days=3)
    )
    await past.reply(
        "rp_bob", "no idea", 9, conversation_id="cv_bob", state="failed", created_at=NOON - timedelta(days=3)
    )
    return past


async def test_the_list_tells_channel_person_last_line_and_state(signed_in: SignedIn, kept: Past) -> None:
    """
    The newest first, numbers masked.
    """
    page = (await (await signed_in()).get("/history")).text
    assert page.index("/history/cv_one") < page.index("/history/cv_bob")
    assert page.count('<span class="badge whatsapp">') == 2
    assert "Hi **Ada**" in page
    assert "no idea" in page
    assert NUMBER not in page


async def test_while_history_is_off_it_says_so_and_shows_no_text(signed_in: SignedIn, kept: Past) -> None:
    """
    Neither in the list nor in a thread; words cannot be searched.
    """
    await kept.settings(history=False)
    visitor = await signed_in()
    for path in ("/history", "/history/cv_one"):
        page = (await visitor.get(path)).text
        assert "History is off" in page
        assert "Hi **Ada**" not in page
        assert "hello" not in page
    page = (await visitor.post("/history", words="hello")).text
    assert "looked through" not in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("state=closed", {"cv_bob"}),
        ("state=open", {"cv_one"}),
        ("errors=yes", {"cv_bob"}),
        ("channel=web", set()),
        ("user=us_nobody", set()),
        (f"since={NOON:%Y-%m-%d}", {"cv_one"}),
        (f"until={NOON - timedelta(days=2):%Y-%m-%d}", {"cv_bob"}),
    ],
)
async def test_filters_stand_in_the_address(signed_in: SignedIn, kept: Past, query: str, shown: set[str]) -> None:
    """
    Channel, state, user, errors and dates; what matches nothing offers to clear them.
    """
    page = (await (await signed_in()).get(f"/history?{query}")).text
    assert {it for it in ("cv_one", "cv_bob") if f"/history/{it}" in page} == shown
    assert ("Nothing matches" in page) is (not shown)


async def test_words_are_found_in_what_either_side_said(signed_in: SignedIn, kept: Past) -> None:
    """
    Whatever their case, all of them in one text; they stand in no address.
    """
    visitor = await signed_in()
    await visitor.get("/history")
    for words, shown in {"parcel where": "cv_bob", "*ada*": "cv_one", "parcel hello": None}.items():
        page = (await visitor.post("/history", words=words)).text
        assert {it for it in ("cv_one", "cv_bob") if f"/history/{it}" in page} == ({shown} if shown else set())
        assert "texts were looked through" in page


async def test_words_are_looked_for_in_the_newest_texts_alone(
    signed_in: SignedIn, kept: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    So many, counted over both directions; the page says since when.
    """
    for name in ("_INBOUND", "_OUTBOUND"):
        monkeypatch.setattr(history, name, getattr(history, name).replace("limit 5000", "limit 3"))
    monkeypatch.setattr(history, "SEARCHED", 3)
    monkeypatch.setattr("services.console.pages.history.SEARCHED", 3)
    visitor = await signed_in()
    await visitor.get("/history")
    page = (await visitor.post("/history", words="parcel")).text
    assert "The newest 3 texts were looked through" in page
    assert "/history/cv_bob" not in page


async def test_a_thread_shows_both_sides_with_ticks_tools_and_dividers(signed_in: SignedIn, kept: Past) -> None:
    """
    The oldest first.
    """
    page = (await (await signed_in()).get("/history/cv_one")).text
    steps = ("hello", "contact_form", "Hi **Ada**", "delivered", "unknown", "a new conversation began")
    places = [page.index(step) for step in steps]
    assert places == sorted(places)


async def test_replies_stand_where_they_were_sent(signed_in: SignedIn, kept: Past) -> None:
    """
    In the order of their numbers, whatever their outward ids are.
    """
    for n in range(4, 8):
        await kept.message(f"msg_more{n}", f"question {n}", n, conversation_id="cv_one")
        await kept.reply(f"rp_a{n}", f"answer {n}", n, conversation_id="cv_one", kind="agent")
    page = (await (await signed_in()).get("/history/cv_one")).text
    places = [page.index(f"{what} {n}") for n in range(4, 8) for what in ("question", "answer")]
    assert places == sorted(places)


async def test_a_thread_leads_to_the_persons_others(signed_in: SignedIn, kept: Past) -> None:
    """
    The one before and the one after.
    """
    await kept.pair()
    visitor = await signed_in()
    assert 'href="/history/cv_onepaired"' in (await visitor.get("/history/cv_one")).text
    assert 'href="/history/cv_one"' in (await visitor.get("/history/cv_onepaired")).text


async def test_an_export_has_a_line_for_each_thing_that_was_said(signed_in: SignedIn, kept: Past, store: Store) -> None:
    """
    As JSON, with the conversation first; it is audited.
    """
    answer = await (await signed_in()).get("/history/cv_one/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [orjson.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["id"] == "cv_one"
    assert {line["text"] for line in lines[1:]} == {"hello", "/reset", "Hi **Ada**"}
    async with store.connection() as connection:
        cursor = await connection.execute("select object from audit where action = 'conversation.exported'")
        assert await cursor.fetchall() == [{"object": "cv_one"}]


async def test_an_export_of_all_that_the_filters_name_tells_which_conversation_each_line_is_of(
    signed_in: SignedIn, kept: Past, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The page's own address leads to it; the audit log has the filters.
    """
    monkeypatch.setattr(pages, "_BATCH", 1)
    visitor = await signed_in()
    lines = [orjson.loads(line) for line in (await visitor.get("/history/export")).text.splitlines()]
    assert [line["id"] for line in lines if "conversation" not in line] == ["cv_one", "cv_bob"]
    assert {line["text"] for line in lines if line.get("conversation") == "cv_bob"} == {
        "Where is my PARCEL?",
        "no idea",
    }
    (address,) = re.findall(r'href="(/history/export[^"]*)"', (await visitor.get("/history?state=closed")).text)
    closed = [orjson.loads(line) for line in (await visitor.get(address)).text.splitlines()]
    assert [line["id"] for line in closed if "conversation" not in line] == ["cv_bob"]
    async with store.connection() as connection:
        cursor = await connection.execute(
            "select object, after from audit where action = 'conversation.exported' order by id"
        )
        assert [tuple(row.values()) for row in await cursor.fetchall()] == [
            ("tn_one", {}),
            ("tn_one", {"state": "closed"}),
        ]


async def test_an_export_while_history_is_off_has_no_texts(signed_in: SignedIn, kept: Past) -> None:
    """
    As the pages have none.
    """
    await kept.settings(history=False)
    text = (await (await signed_in()).get("/history/export")).text
    assert "cv_one" in text
    assert "PARCEL" not in text
    assert "Ada**" not in text


async def _erase(visitor: Visitor, name: str) -> int:
    await visitor.get("/history/cv_one/erasure")
    return (await visitor.post("/history/cv_one/erasure", name=name)).status_code


async def test_erasing_takes_the_name(signed_in: SignedIn, kept: Past, store: Store) -> None:
    """
    Another one erases nobody.
    """
    visitor = await signed_in()
    assert await _erase(visitor, "Bob") == 422
    assert (await visitor.get("/history/cv_one")).status_code == 200
    assert await _erase(visitor, "Ada") == 303
    assert (await visitor.get("/history/cv_one")).status_code == 404
    async with store.connection() as connection:
        cursor = await connection.execute("select count(*) as people from contact where id = 'ct_one'")
        assert await cursor.fetchone() == {"people": 0}


async def test_before_the_first_conversation_it_says_what_begins_one(signed_in: SignedIn) -> None:
    """
    First use.
    """
    assert "No conversations yet" in (await (await signed_in()).get("/history")).text


@pytest.mark.parametrize("path", ["", "/export", "/erasure"])
async def test_another_companys_conversation_is_not_there(signed_in: SignedIn, kept: Past, path: str) -> None:
    """
    In no way.
    """
    visitor = await signed_in(tenant=OTHER)
    assert (await visitor.get(f"/history/cv_one{path}")).status_code == 404
