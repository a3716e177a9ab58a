"""A conversation is taken over in the console, answered, and given back."""

import re

import pytest

from services.console.takeover import LONGEST
from shared.ids import new_id
from shared.store.session import Store
from tests.services.console.api.past import Past
from tests.services.console.pages.conftest import OTHER, SignedIn, Visitor


async def taken(visitor: Visitor) -> Visitor:
    await visitor.get("/history/cv_one")
    answer = await visitor.post("/history/cv_one/takeovers")
    assert answer.headers["location"] == "/history/cv_one?done=taken"
    return visitor


async def rows(store: Store, query: str) -> list[dict[str, object]]:
    async with store.connection() as connection:
        return [*await (await connection.execute(query)).fetchall()]


async def test_a_thread_offers_to_take_over_and_then_to_write(signed_in: SignedIn, past: Past) -> None:
    """
    And to give it back.
    """
    visitor = await signed_in()
    page = (await visitor.get("/history/cv_one")).text
    assert "Take over" in page
    assert "Your answer" not in page
    page = (await (await taken(visitor)).get("/history/cv_one")).text
    assert "with a person" in page
    assert "Your answer" in page
    await visitor.post("/history/cv_one/returns")
    assert "Take over" in (await visitor.get("/history/cv_one")).text


async def test_what_is_written_is_queued_once_as_a_persons_reply(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    Shown as such; what was queued of the agent's is cancelled.
    """
    await past.settings(history=True)
    visitor = await taken(await signed_in())
    (reply,) = re.findall(r'name="reply" value="([^"]+)"', (await visitor.get("/history/cv_one")).text)
    for _time in range(2):
        answer = await visitor.post("/history/cv_one/replies", reply=reply, text="I am Bo.")
        assert answer.headers["location"] == "/history/cv_one?done=queued"
    found = await rows(store, "select kind, state from reply order by id")
    assert found == [{"kind": "agent", "state": "cancelled"}, {"kind": "human", "state": "open"}]
    page = (await visitor.get("/history/cv_one")).text
    assert "I am Bo." in page
    assert "by a person" in page


async def test_each_step_is_audited_without_its_text(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    Who took over, who wrote, who gave back.
    """
    visitor = await taken(await signed_in())
    await visitor.post("/history/cv_one/replies", reply=new_id("rp"), text="secret words")
    await visitor.post("/history/cv_one/returns")
    found = await rows(
        store, "select action, after::text as after from audit where action like 'conversation.%' order by id"
    )
    assert [row["action"] for row in found] == [
        "conversation.taken_over",
        "conversation.answered",
        "conversation.given_back",
    ]
    assert "secret" not in str(found)


@pytest.mark.parametrize("why", ["not taken", "closed", "stopped", "line off"])
async def test_where_nobody_can_be_told_nothing_is_queued(
    signed_in: SignedIn, past: Past, store: Store, why: str
) -> None:
    """
    The page says why, and keeps what was typed.
    """
    visitor = await signed_in()
    await visitor.get("/history/cv_one")
    if why != "not taken":
        await taken(visitor)
    statement = {
        "not taken": "select 1",
        "closed": "update conversation set closed_at = now()",
        "stopped": "update thread set opted_out_at = now()",
        "line off": "update line set enabled = false",
    }[why]
    async with store.connection() as connection:
        await connection.execute(statement)
    answer = await visitor.post("/history/cv_one/replies", reply=new_id("rp"), text="hello?")
    assert answer.status_code == 409
    assert "Not sent" in answer.text
    assert re.search(r"<textarea[^>]*>\s*hello\?</textarea>", answer.text)
    assert await rows(store, "select 1 from reply where kind = 'human'") == []


async def test_what_came_too_late_is_sent_once_the_conversation_is_taken_over_again(
    signed_in: SignedIn, past: Past, store: Store
) -> None:
    """
    A colleague gave it back while somebody typed.
    """
    visitor = await taken(await signed_in())
    await visitor.post("/history/cv_one/returns")
    reply = new_id("rp")
    page = (await visitor.post("/history/cv_one/replies", reply=reply, text="One moment.")).text
    assert f'name="reply" value="{reply}"' in page
    assert '<button class="primary" name="take" value="yes">' in page
    answer = await visitor.post("/history/cv_one/replies", reply=reply, text="One moment.", take="yes")
    assert answer.headers["location"] == "/history/cv_one?done=queued"
    assert await rows(store, "select public_id from reply where kind = 'human'") == [{"public_id": reply}]


async def test_the_longest_answer_may_have_many_lines(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    A browser sends each end of a line as two signs, and counts it as one.
    """
    visitor = await taken(await signed_in())
    lines = "\r\n".join(["x" * 99] * (LONGEST // 100))
    answer = await visitor.post("/history/cv_one/replies", reply=new_id("rp"), text=lines)
    assert answer.headers["location"] == "/history/cv_one?done=queued"


async def test_a_closed_conversation_cannot_be_taken_over(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    The next message opens another.
    """
    visitor = await signed_in()
    await visitor.get("/history/cv_one")
    async with store.connection() as connection:
        await connection.execute("update conversation set closed_at = now()")
    assert (await visitor.post("/history/cv_one/takeovers")).status_code == 409
    assert await rows(store, "select 1 from reply where state = 'cancelled'") == []


@pytest.mark.parametrize("path", ["takeovers", "replies", "returns"])
async def test_another_companys_conversation_cannot_be_taken(
    signed_in: SignedIn, past: Past, store: Store, path: str
) -> None:
    """
    404, and nothing changes.
    """
    visitor = await signed_in(tenant=OTHER)
    await visitor.get("/messages")
    assert (await visitor.post(f"/history/cv_one/{path}", reply=new_id("rp"), text="x")).status_code == 404
    assert await rows(store, "select 1 from conversation where handed_off_at is not null") == []
