"""Signing in to the console: first run, password, second factor, sessions, and what a stranger learns of it: nothing."""

import time

import pytest

from services.console import passwords, second_factor
from services.console.access import Principal
from services.console.setup import Setup
from shared.store.session import Store
from tests.services.console.api.conftest import Asker
from tests.services.console.conftest import KEY
from tests.services.console.pages.conftest import HERE, PASSWORD, Account, SignedIn, Visitor

SEEDED = "admin@localhost"
NOBODY = Principal("test", None, frozenset())


async def test_the_first_run_takes_the_token_and_signs_the_admin_in(visitor: Visitor, setup: Setup) -> None:
    """
    With the address that they give; the token is spent, and nobody is told that it ever was one.
    """
    token = (await setup.token(NOBODY, None, first_run=True)).token
    fields = {"setup_token": token, "email": "ada@example.org", "name": "Ada", "password": PASSWORD}
    answer = await visitor.post("/first-run", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Ada" in (await visitor.get("/messages")).text
    again = await visitor.post("/first-run", **fields)
    assert again.status_code == 422
    assert "wrong, too old, used already" in again.text


async def test_a_token_is_made_once_until_an_admin_can_sign_in(visitor: Visitor, account: Account) -> None:
    """
    By the API alone, with a key of the platform: `trunkline up` prints it.
    """
    platform = Asker(visitor.client, KEY)
    made = await platform.ask("POST", "setup-tokens", json={"first_run": True})
    assert (made.status_code, made.json()["user"]) == (201, SEEDED)
    await account("SYSTEM_ADMIN")
    assert (await platform.ask("POST", "setup-tokens", json={"first_run": True})).status_code == 409


async def test_a_token_for_somebody_fits_their_address_alone(visitor: Visitor, setup: Setup, account: Account) -> None:
    """
    Whoever finds it cannot make the account theirs.
    """
    token = await setup.token(NOBODY, await account())
    fields = {"setup_token": token.token, "name": "", "password": PASSWORD}
    assert (await visitor.post("/first-run", email="mallory@example.org", **fields)).status_code == 422


@pytest.mark.parametrize(
    ("password", "said"),
    [("eleven sign", "At least 12 signs"), ("Password123!", "tried first"), ("aaaabbbbaaaa", "tried first")],
)
async def test_a_weak_password_is_refused_beside_its_field(
    visitor: Visitor, setup: Setup, password: str, said: str
) -> None:
    """
    The token is not spent.
    """
    token = (await setup.token(NOBODY, None)).token
    fields = {"setup_token": token, "email": "ada@example.org", "name": "Ada"}
    answer = await visitor.post("/first-run", password=password, **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert (await visitor.post("/first-run", password=PASSWORD, **fields)).status_code == 303


@pytest.mark.usefixtures("hashed_in_earnest")
async def test_passwords_are_kept_as_argon2id(store: Store, account: Account) -> None:
    """
    With 19 MiB, two passes and one lane (safety.md, section 2).
    """
    await account()
    async with store.connection() as connection:
        row = await (await connection.execute("select password_hash from user_sign_in")).fetchone()
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_whoever_does_not_exist_gets_the_answer_of_a_wrong_password(visitor: Visitor, account: Account) -> None:
    """
    Word for word, but for the address that was typed.
    """
    email = await account()
    wrong = await visitor.post("/sign-in", email=email, password="not the password")
    nobody = await visitor.post("/sign-in", email="nobody@example.org", password="not the password")
    assert wrong.status_code == nobody.status_code == 401
    assert "E-mail address or password is wrong." in wrong.text

    def rest(page: str, address: str) -> str:
        return page.replace(address, "").partition("<body")[2].partition('nonce="')[0]

    assert rest(wrong.text, email) == rest(nobody.text, "nobody@example.org")


@pytest.mark.usefixtures("hashed_in_earnest")
async def test_as_much_is_computed_for_whoever_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A password is compared with one that nobody has.
    """
    began = time.process_time()
    assert not await passwords.fits("whatever it is", await passwords.hashed(PASSWORD))
    with_one = time.process_time() - began
    passwords._nobodys()
    began = time.process_time()
    assert not await passwords.fits("the password of nobody", None)
    assert time.process_time() - began > with_one / 10


async def test_after_five_failures_one_has_to_wait_even_with_the_right_password(
    visitor: Visitor, account: Account, store: Store
) -> None:
    """
    Longer each time, and never for ever; another account from the same place does not wait.
    """
    email = await account()
    for _ in range(5):
        assert (await visitor.post("/sign-in", email=email, password="wrong")).status_code == 401
    answer = await visitor.post("/sign-in", email=email, password=PASSWORD)
    assert answer.status_code == 429
    assert "Try again in 12 s." in answer.text
    assert (await visitor.post("/sign-in", email="other@example.org", password="wrong")).status_code == 401
    async with store.connection() as connection:
        await connection.execute("update refused_sign_in set last_at = now() - interval '13 seconds'")
    assert (await visitor.post("/sign-in", email=email, password=PASSWORD)).status_code == 303


async def test_sign_ins_are_audited_and_strangers_are_not_named(
    visitor: Visitor, account: Account, store: Store
) -> None:
    """
    People type passwords into the wrong field.
    """
    email = await account()
    await visitor.post("/sign-in", email="my password by mistake", password="x")
    await visitor.post("/sign-in", email=email, password="x")
    await visitor.sign_in(email)
    async with store.connection() as connection:
        cursor = await connection.execute("select action, object from audit where action ~ '^s' order by id")
        told = [(row["action"], row["object"]) for row in await cursor.fetchall()]
    assert told == [
        ("setup_token.created", "us_companyadminone"),
        ("sign_in.refused", "nobody"),
        ("sign_in.refused", "us_companyadminone"),
        ("session.begun", "us_companyadminone"),
    ]


async def test_a_session_is_a_cookie_that_scripts_cannot_read(visitor: Visitor, account: Account, store: Store) -> None:
    """
    Only its digest is kept; each sign-in gets a new one.
    """
    email = await account()
    first = (await visitor.sign_in(email)).headers["set-cookie"]
    assert first.startswith("session=")
    assert "HttpOnly" in first
    assert "SameSite=lax" in first
    second = (await visitor.sign_in(email)).headers["set-cookie"]
    assert first.partition(";")[0] != second.partition(";")[0]
    async with store.connection() as connection:
        cursor = await connection.execute("select digest from user_session")
        assert all(row["digest"] not in first + second for row in await cursor.fetchall())


@pytest.mark.parametrize(
    "aged", ["seen_at = now() - interval '31 minutes'", "created_at = now() - interval '13 hours'"]
)
async def test_a_session_ends_by_itself(signed_in: SignedIn, store: Store, aged: str) -> None:
    """
    Thirty minutes after it was used last, twelve hours after it began.
    """
    visitor = await signed_in()
    async with store.connection() as connection:
        await connection.execute(f"update user_session set {aged}".encode())
    answer = await visitor.get("/messages")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fmessages")


async def test_a_page_that_only_stays_open_does_not_keep_its_session(signed_in: SignedIn, store: Store) -> None:
    """
    What it asks for by itself is no use of it; what somebody opens or sends is.
    """
    visitor = await signed_in()
    look = "select bool_or(seen_at > now() - interval '1 minute') as is_fresh from user_session"
    for headers, is_fresh in (({"HX-Request": "true"}, False), ({}, True)):
        async with store.connection() as connection:
            await connection.execute("update user_session set seen_at = now() - interval '20 minutes'")
        assert (await visitor.get("/messages", headers=headers)).status_code == 200
        async with store.connection() as connection:
            row = await (await connection.execute(look)).fetchone()
        assert row == {"is_fresh": is_fresh}


async def test_an_open_page_is_told_that_its_session_ended_and_the_way_back_to_it(
    signed_in: SignedIn, store: Store
) -> None:
    """
    Where it is, so that what was typed there stays. Not to the piece of it that htmx asked for; and never to another site.
    """
    visitor = await signed_in()
    async with store.connection() as connection:
        await connection.execute("delete from user_session")
    for open_page, wanted in {
        "http://console.invalid/messages?status=failed": "/sign-in?next=%2Fmessages%3Fstatus%3Dfailed",
        "https://evil.example//evil.example/x": "/sign-in",
        "": "/sign-in",
    }.items():
        asked = {"HX-Request": "true", "HX-Current-URL": open_page}
        answer = await visitor.get("/dead-letters/count", headers=asked)
        assert (answer.status_code, answer.headers["HX-Retarget"]) == (401, "#session-over")
        assert f'href="{wanted}"' in answer.text


async def test_who_is_disabled_is_out_at_once_and_stays_out(signed_in: SignedIn) -> None:
    """
    Also when they are let in again: they sign in anew.
    """
    visitor = await signed_in()
    platform = Asker(visitor.client, KEY)
    user = await platform.ask("GET", "users/us_companyadminone")
    for disabled in (True, False):
        headers = {"If-Match": user.headers["etag"]}
        user = await platform.ask("PATCH", "users/us_companyadminone", json={"disabled": disabled}, headers=headers)
        assert (await visitor.get("/messages")).status_code == 303


async def test_signing_out_ends_the_session(signed_in: SignedIn) -> None:
    """
    On the server too: the cookie is worth nothing afterwards.
    """
    visitor = await signed_in()
    kept = visitor.client.cookies["session"]
    assert (await visitor.post("/sign-out")).headers["location"] == "/sign-in?done=signed-out"
    visitor.client.cookies.set("session", kept)
    assert (await visitor.get("/messages")).status_code == 303


async def test_one_goes_on_to_where_one_wanted_but_never_elsewhere(visitor: Visitor, account: Account) -> None:
    """
    An address of another site is none of ours.
    """
    email = await account()
    for wanted, came in (("/dead-letters", "/dead-letters"), ("//evil.example", "/"), ("https://evil.example", "/")):
        form = {"email": email, "password": PASSWORD}
        answer = await visitor.client.post(f"/sign-in?next={wanted}", data=form, headers={"Origin": HERE})
        assert answer.headers["location"] == came


async def test_the_second_factor_is_set_up_asked_for_and_counts_once(
    visitor: Visitor, account: Account, setup: Setup
) -> None:
    """
    Its code lets in, the same code a second time does not; a recovery code does, once.
    """
    email = await account()
    await visitor.sign_in(email)
    session = await setup.sign_in.sessions.find(visitor.client.cookies["session"])
    assert session is not None
    secret = await setup.offer_second_factor(session)
    step = int(time.time()) // 30
    assert (await visitor.post("/account/second-factor", code="000000x")).status_code == 422
    shown = await visitor.post("/account/second-factor", code=second_factor.code_at(secret, step - 1))
    recovery = shown.text.partition("<li><code>")[2].partition("</code>")[0]
    code = second_factor.code_at(secret, step)
    for typed, status in ((code, 303), (code, 401), (recovery, 303), (recovery, 401)):
        assert (await visitor.sign_in(email)).headers["location"] == "/sign-in/code"
        assert (await visitor.get("/messages")).headers["location"] == "/sign-in/code"
        await visitor.get("/sign-in/code")
        assert (await visitor.post("/sign-in/code", code=typed)).status_code == status


def test_codes_are_those_of_the_standard() -> None:
    """
    RFC 6238, appendix B, with six digits.
    """
    secret = b"12345678901234567890"
    assert [second_factor.code_at(secret, at // 30) for at in (59, 1111111109, 2000000000)] == [
        "287082",
        "081804",
        "279037",
    ]


async def test_a_session_opens_no_route_of_the_api_and_a_key_no_page(signed_in: SignedIn) -> None:
    """
    Each way in is for its own side.
    """
    visitor = await signed_in()
    assert (await visitor.get("/v1/messages")).status_code == 401
    visitor.client.cookies.clear()
    answer = await visitor.get("/messages", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 303
