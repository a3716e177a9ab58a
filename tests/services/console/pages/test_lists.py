"""What every list of the console does while it is open: new rows are counted and move none; and every link leads somewhere."""

import re
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.services.console.api.past import NOON, Past
from tests.services.console.pages.conftest import SignedIn, Visitor

Plant = Callable[[Past, int], Awaitable[None]]

LATER = NOON + timedelta(hours=3)
"""Behind all that the past has."""


_APART = ("/assets/", "/traces/")
"""Files; and traces, of which a local stack keeps the newest alone."""


async def message(past: Past, n: int) -> None:
    await past.message(f"msg_new{n:02}", "hi", 100 + n, received_at=LATER + timedelta(minutes=n))


async def conversation(past: Past, n: int) -> None:
    await past.person(f"ct_new{n:02}", f"+3933311{n:05}", f"New {n}")
    await past.conversation(f"cv_new{n:02}", f"ct_new{n:02}", opened_at=LATER + timedelta(minutes=n))


async def lead(past: Past, n: int) -> None:
    await past.person(f"ct_new{n:02}", f"+3933311{n:05}", f"New {n}")
    seen = LATER + timedelta(minutes=n)
    facts = {"platform": "whatsapp", "messages": 1, "first_seen": seen, "last_seen": seen}
    await past.insert("lead", agent_id="ag_one", contact_id=f"ct_new{n:02}", **facts)


async def letter(past: Past, n: int) -> None:
    facts = {"stage": "agent", "reason": "turn_timed_out", "attempts": 1, "payload": f"turn/tu_new{n}"}
    at = LATER + timedelta(minutes=n)
    await past.insert("dead_letter", id=f"dl_new{n:02}", thread="thone", created_at=at, **facts)


LISTS = {"/messages": message, "/history": conversation, "/leads": lead, "/dead-letters": letter}


def asks(page: str) -> str:
    """Return what the list that is shown asks for when something changed."""
    return unescape(re.findall(r'id="list"[^>]*hx-get="([^"]+)"', page)[0])


async def again(visitor: Visitor, address: str) -> tuple[str, str | None]:
    """Return what an open page is given, and which part of it that is to be."""
    answer = await visitor.get(address, headers={"HX-Request": "true"})
    return answer.text, answer.headers.get("HX-Retarget")


@pytest.mark.parametrize(("path", "plant"), LISTS.items(), ids=LISTS)
async def test_what_is_new_is_counted_and_moves_no_row(
    signed_in: SignedIn, past: Past, path: str, plant: Plant
) -> None:
    """
    The rows that were shown go on being shown; a press shows the new ones.
    """
    await past.insert("dead_letter", id="dl_a", thread="thone", stage="agent", reason="turn_crashed", attempts=1,
                      payload="turn/tu_one", created_at=NOON)  # fmt: skip
    await plant(past, 1)
    visitor = await signed_in()
    opened = (await visitor.get(path)).text
    before = re.findall(r'<tr id="(row-[^"]+)"', opened)
    for n in (2, 3):
        await plant(past, n)
    shown, target = await again(visitor, asks(opened))
    assert re.findall(r'<tr id="(row-[^"]+)"', shown) == before
    assert "2 new" in shown
    assert target is None
    assert asks(shown) == asks(opened)
    assert len(re.findall(r'<tr id="row-', (await visitor.get(path)).text)) == len(before) + 2


@pytest.mark.parametrize(("path", "plant"), LISTS.items(), ids=LISTS)
async def test_where_more_is_new_than_fits_the_rows_stand_and_the_button_says_so(
    signed_in: SignedIn, past: Past, path: str, plant: Plant
) -> None:
    """
    Only the button is put into the page.
    """
    await plant(past, 0)
    visitor = await signed_in()
    opened = (await visitor.get(path)).text
    for n in range(1, 31):
        await plant(past, n)
    shown, target = await again(visitor, asks(opened))
    assert "more than 25 new" in shown
    assert target == "#news"


async def test_no_link_leads_nowhere(signed_in: SignedIn, past: Past) -> None:
    """
    Each page is opened, and each that it leads to, down to those that only differ in what they ask for.
    """
    await letter(past, 1)
    await past.pair()
    visitor = await signed_in("SYSTEM_ADMIN")
    await visitor.get("/messages")
    tried: set[tuple[str, frozenset[str]]] = set()
    todo = deque(["/monitoring", "/monitoring?tenant=tn_other", "/monitoring?tenant=tn_one", "/messages?tenant=tn_one"])
    while todo:
        address = todo.popleft().partition("#")[0]
        parts = urlsplit(address)
        key = (parts.path, frozenset(parse_qs(parts.query)))
        if key in tried or parts.path.startswith(_APART):
            continue
        tried.add(key)
        answer = await visitor.get(address)
        assert answer.status_code in {200, 303}, address
        todo.extend(unescape(it) for it in re.findall(r'(?:href|hx-get)="(/[^"]*)"', answer.text))
    assert len(tried) > 60
