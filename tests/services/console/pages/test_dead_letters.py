"""Dead letters in the console: the list, replay with a result for each, discard with a reason."""

import asyncio
import re

import pytest

from shared.ids import new_id
from shared.store.session import Store
from tests.services.console.api.past import Past
from tests.services.console.pages.conftest import HERE, OTHER, SignedIn


@pytest.fixture
async def letter(past: Past) -> str:
    """Work of the first company that was given up."""
    row = new_id("dl")
    async with past.store.connection() as connection:
        await connection.execute("update part set state = 'failed', failure = 'window_closed' where id = 2")
    facts = {"stage": "egress", "reason": "window_closed", "attempts": 1, "payload": "part/2"}
    await past.insert("dead_letter", id=row, thread="thone", **facts)
    return row


async def test_the_list_says_what_happened_and_what_to_do(signed_in: SignedIn, letter: str) -> None:
    """
    In words, not codes; the sidebar counts.
    """
    visitor = await signed_in()
    page = (await visitor.get("/dead-letters")).text
    assert "Outside the 24-hour window" in page
    assert "window_closed" not in page
    assert "1" in (await visitor.get("/dead-letters/count")).text


async def test_a_replay_gives_a_result_for_each(signed_in: SignedIn, letter: str) -> None:
    """
    One that fails stops no other.
    """
    visitor = await signed_in()
    await visitor.get("/dead-letters")
    answer = await visitor.client.post(
        "/dead-letters/replays",
        data={"token": visitor.token, "letter": ["dl_none", letter]},
        headers={"Origin": "http://console.invalid"},
    )
    assert "1 of 2 were handed on." in answer.text
    assert "There is no such dead letter." in answer.text
    assert "Outside the 24-hour window" in (await visitor.get("/dead-letters?state=replayed")).text


async def test_all_that_need_attention_are_replayed_at_once(signed_in: SignedIn, letter: str) -> None:
    """
    Without ticking each.
    """
    visitor = await signed_in()
    await visitor.get("/dead-letters")
    assert "1 of 1 were handed on." in (await visitor.post("/dead-letters/replays", every="yes")).text
    assert "Nothing needs attention" in (await visitor.get("/dead-letters")).text


async def test_many_are_replayed_a_few_at_a_time_with_the_form_that_goes_on(signed_in: SignedIn, past: Past) -> None:
    """
    Without scripts a button sends it; the counts of what was done before are carried along.
    """
    for n in range(27):
        facts = {"stage": "agent", "reason": "turn_timed_out", "attempts": 1, "payload": f"turn/tu_gone{n}"}
        await past.insert("dead_letter", id=f"dl_many{n:02}", thread="thone", **facts)
    visitor = await signed_in()
    await visitor.get("/dead-letters")
    first = (await visitor.post("/dead-letters/replays", every="yes")).text
    assert "25 of 27 tried" in first
    assert first.count("Its messages are gone.") == 25
    rest = re.findall(r'name="letter" value="(dl_many\d+)"', first)
    assert len(rest) == 2
    form = {"token": visitor.token, "done": "25", "good": "3", "letter": rest}
    last = await visitor.client.post("/dead-letters/replays", data=form, headers={"Origin": HERE})
    assert "3 of 27 were handed on." in last.text


async def test_a_filter_narrows_the_list_and_what_is_replayed(signed_in: SignedIn, past: Past, letter: str) -> None:
    """
    By what happened; the filter stands in the address.
    """
    facts = {"stage": "agent", "reason": "turn_timed_out", "attempts": 1, "payload": "turn/tu_gone"}
    await past.insert("dead_letter", id="dl_slow", thread="thone", **facts)
    visitor = await signed_in()
    page = (await visitor.get("/dead-letters?reason=window_closed")).text
    assert f"row-{letter}" in page
    assert "row-dl_slow" not in page
    answer = await visitor.post("/dead-letters/replays", every="yes", reason="window_closed")
    assert "1 of 1 were handed on." in answer.text
    assert "row-dl_slow" in (await visitor.get("/dead-letters")).text
    page = (await visitor.get("/dead-letters?reason=window_closed")).text
    assert "Nothing matches" in page
    assert '<option value="window_closed" selected>' in page


async def test_a_letter_has_a_page_that_leads_to_its_message(signed_in: SignedIn, past: Past, letter: str) -> None:
    """
    Of work whose message is gone it says so.
    """
    visitor = await signed_in()
    assert f'href="/dead-letters/{letter}"' in (await visitor.get("/dead-letters")).text
    page = (await visitor.get(f"/dead-letters/{letter}")).text
    assert 'href="/messages/pt_2"' in page
    assert "Replay after they write again." in page
    for row, payload, message in (("dl_t", "turn/tu_one", "msg_one1"), ("dl_m", "messages/1-2", "msg_one2"),
                                  ("dl_i", "INBOUND/2", "msg_one2")):  # fmt: skip
        facts = {"stage": "agent", "reason": "turn_crashed", "attempts": 1, "payload": payload}
        await past.insert("dead_letter", id=row, thread="thone", **facts)
        assert f'href="/messages/{message}"' in (await visitor.get(f"/dead-letters/{row}")).text
    facts = {"stage": "agent", "reason": "turn_crashed", "attempts": 1, "payload": "turn/tu_gone"}
    await past.insert("dead_letter", id="dl_gone", thread="thone", **facts)
    assert "None is left." in (await visitor.get("/dead-letters/dl_gone")).text


async def test_of_two_who_replay_one_letter_the_second_is_told(signed_in: SignedIn, letter: str, store: Store) -> None:
    """
    It is handed on once, and who did what is in the audit log.
    """
    visitor = await signed_in()
    await visitor.get("/dead-letters")
    answers = await asyncio.gather(
        *(visitor.post("/dead-letters/replays", letter=letter) for _ in range(2)),
    )
    told = sorted(re.findall(r"(\d) of 1 were handed on", "".join(it.text for it in answers)))
    assert [it.status_code for it in answers] == [200, 200]
    assert told == ["0", "1"]
    async with store.connection() as connection:
        cursor = await connection.execute("select actor, action from audit where object = %s", (letter,))
        assert await cursor.fetchall() == [{"actor": "user/us_companyadminone", "action": "dead_letter.replayed"}]


async def test_why_something_cannot_be_replayed_is_said_in_the_viewers_language(
    signed_in: SignedIn, past: Past
) -> None:
    """
    As everything else is.
    """
    facts = {"stage": "agent", "reason": "turn_timed_out", "attempts": 1, "payload": "turn/tu_gone"}
    await past.insert("dead_letter", id="dl_slow", thread="thone", **facts)
    visitor = await signed_in()
    visitor.client.cookies.set("language", "it")
    await visitor.get("/dead-letters")
    answer = await visitor.post("/dead-letters/replays", letter="dl_slow")
    assert "I suoi messaggi non ci sono più." in answer.text


async def test_to_discard_takes_a_reason(signed_in: SignedIn, letter: str) -> None:
    """
    Which stands on the list afterwards.
    """
    visitor = await signed_in()
    await visitor.get(f"/dead-letters/{letter}/discards")
    refused = await visitor.post(f"/dead-letters/{letter}/discards", reason="  ")
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    done = await visitor.post(f"/dead-letters/{letter}/discards", reason="spam")
    assert done.headers["location"] == "/dead-letters?done=discarded"
    assert "Discarded." in (await visitor.get(done.headers["location"])).text
    assert "spam" in (await visitor.get("/dead-letters?state=discarded")).text


async def test_another_companys_letter_is_not_there(signed_in: SignedIn, letter: str) -> None:
    """
    Neither on the list, nor to replay, nor to discard.
    """
    visitor = await signed_in(tenant=OTHER)
    assert "Nothing needs attention" in (await visitor.get("/dead-letters")).text
    assert (await visitor.get(f"/dead-letters/{letter}/discards")).status_code == 404
    await visitor.get("/dead-letters")
    assert "0 of 1 were handed on." in (await visitor.post("/dead-letters/replays", letter=letter)).text


async def test_a_page_that_was_not_made_by_us_is_not_there(signed_in: SignedIn, letter: str) -> None:
    """
    A cursor is signed.
    """
    assert (await (await signed_in()).get("/dead-letters?cursor=AAAAAAAAAAAiZGwi")).status_code == 404
