"""My profile: a code with what is sent to the business number, whom one is paired with, another password."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx2

from services.console.setup import Setup
from shared.store.session import Store
from tests.services.console.api.past import Past
from tests.services.console.pages.conftest import ONE, PASSWORD, SignedIn, Visitor

_CODE = re.compile(r'class="pair-code">([A-Z2-9]{4})-([A-Z2-9]{4})<')
NEXT = "nine purple kettles"


async def generated(visitor: Visitor) -> httpx2.Response:
    await visitor.get("/profile")
    return await visitor.post("/profile/codes")


async def user(signed_in: SignedIn) -> Visitor:
    visitor = await signed_in("USER")
    await visitor.get("/profile")
    return visitor


async def paired(past: Past) -> None:
    """Let the user of this visitor be paired."""
    await past.pair()
    async with past.store.connection() as connection:
        await connection.execute("update binding set user_id = 'us_userone'")


async def test_the_profile_names_the_business_number(signed_in: SignedIn, past: Past) -> None:
    """
    With a link into the chat and a picture of it, drawn within the page; and three steps to take.
    """
    page = (await (await user(signed_in)).get("/profile")).text
    assert 'data-copy="+14155238886"' in page
    assert 'href="https://wa.me/14155238886"' in page
    assert "<svg" in page[page.index('class="qr"') :]
    assert "Not paired" in page
    assert page.count("<li>Generate a code here.") == 1


async def test_a_code_is_shown_with_what_is_sent(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    In two halves, with the time that is left, and as the command, ready to copy.
    """
    answer = await generated(await user(signed_in))
    match = _CODE.search(answer.text)
    assert match is not None
    assert f'data-copy="/pair {match[1]}{match[2]}"' in answer.text
    async with store.connection() as connection:
        row = await (await connection.execute("select user_id, expires_at from pair_code")).fetchone()
    assert row is not None
    assert row["user_id"] == "us_userone"
    assert f'data-until="{row["expires_at"].isoformat()}"' in answer.text


async def test_a_page_whose_code_is_over_says_so(signed_in: SignedIn, past: Past) -> None:
    """
    It asks at the end of the code's time; whoever opens the page is told of no code.
    """
    visitor = await signed_in("USER")
    await visitor.get("/profile")
    asks = re.findall(r'hx-get="([^"]+)" hx-trigger="code-over', (await generated(visitor)).text)
    assert "not valid any more" in (await visitor.get(asks[0])).text
    assert "not valid any more" not in (await visitor.get("/profile")).text


async def test_the_fourth_code_in_an_hour_waits(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    Until the hour of the first is over, in the viewer's zone.
    """
    visitor = await user(signed_in)
    visitor.client.cookies.set("zone", "Europe/Rome")
    for _ in range(3):
        assert (await generated(visitor)).status_code == 200
    answer = await generated(visitor)
    async with store.connection() as connection:
        row = await (
            await connection.execute("select min(created_at) + interval '1 hour' as again from pair_code")
        ).fetchone()
    assert row is not None
    again: datetime = row["again"]
    assert answer.status_code == 429
    assert f"Try again at {again.astimezone(ZoneInfo('Europe/Rome')):%H:%M}." in answer.text


async def test_the_page_hears_once_it_is_paired(signed_in: SignedIn, past: Past) -> None:
    """
    Nothing new until then, and nothing for the pairing that it shows already.
    """
    visitor = await user(signed_in)
    assert (await visitor.get("/profile/pairing")).status_code == 204
    await paired(past)
    assert "Paired with +39 333 ••• 0001" in (await visitor.get("/profile/pairing")).text
    assert (await visitor.get(f"/profile/pairing?was=bd_{past.x}")).status_code == 204


async def test_one_may_unpair_oneself(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    The number is free at once; the audit log tells who did it.
    """
    visitor = await user(signed_in)
    await paired(past)
    assert (await visitor.post("/profile/unpairings")).headers["location"] == "/profile?done=unpaired"
    assert "Not paired" in (await visitor.get("/profile")).text
    async with store.connection() as connection:
        row = await (await connection.execute("select actor from audit where action = 'binding.ended'")).fetchone()
    assert row == {"actor": "user/us_userone"}
    assert (await visitor.post("/profile/unpairings")).status_code == 404


async def test_another_password_takes_the_present_one(signed_in: SignedIn, setup: Setup) -> None:
    """
    Sessions elsewhere end; this browser stays, with a session of its own.
    """
    visitor = await user(signed_in)
    wrong = await visitor.post("/profile/password", old="guessed it", password=NEXT)
    assert "This is not your password." in wrong.text
    elsewhere = await setup.sign_in.with_password("user@tn_one.example", PASSWORD, "elsewhere")
    answer = await visitor.post("/profile/password", old=PASSWORD, password=NEXT)
    assert answer.headers["location"] == "/profile?done=password"
    assert (await visitor.get("/profile")).status_code == 200
    assert await setup.sign_in.sessions.find(elsewhere.secret) is None
    assert await setup.sign_in.with_password("user@tn_one.example", NEXT, "elsewhere")


async def test_a_weak_password_is_refused(signed_in: SignedIn) -> None:
    """
    Beside its field; the present one holds.
    """
    visitor = await user(signed_in)
    assert "At least 12 signs" in (await visitor.post("/profile/password", old=PASSWORD, password="short")).text
    common = await visitor.post("/profile/password", old=PASSWORD, password="password1234")
    assert "tried first" in common.text


async def test_guessing_the_present_password_is_slowed_down(signed_in: SignedIn) -> None:
    """
    As at the door: a browser that was left open is no way around it.
    """
    visitor = await user(signed_in)
    for _ in range(5):
        await visitor.post("/profile/password", old="guessed it", password=NEXT)
    answer = await visitor.post("/profile/password", old=PASSWORD, password=NEXT)
    assert answer.status_code == 429


async def test_a_user_sees_their_profile_and_nothing_else(signed_in: SignedIn, past: Past) -> None:
    """
    No page of admins; it is where they come in.
    """
    visitor = await user(signed_in)
    assert (await visitor.get("/")).headers["location"] == "/profile"
    for path in ("/channels", f"/channels/ln_{past.x}", "/tenants", f"/tenants/{ONE}", "/messages"):
        assert (await visitor.get(path)).status_code == 404
