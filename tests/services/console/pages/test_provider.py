"""Signing in at an OpenID Connect provider: who is let in, and that nobody else is, whatever the provider or the browser says."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from services.console import second_factor
from services.console.settings import ConsoleSettings
from services.console.setup import Setup
from shared.store.session import Store
from tests.fakes.provider import CLIENT, SECRET, FakeProvider, provider_server
from tests.services.console.conftest import Client, MakeSettings, OpenConsole
from tests.services.console.pages.conftest import HERE, ONE, PASSWORD, Account, Visitor

REFUSED = "That did not sign you in."
EMAIL = f"company_admin@{ONE}.example"
ENVIRONMENT = {
    "TRUNKLINE_ENVIRONMENT": "local",
    "TRUNKLINE_CONSOLE__URL": HERE,
    "TRUNKLINE_OIDC__CLIENT_ID": CLIENT,
    "TRUNKLINE_OIDC__CLIENT_SECRET": SECRET,
    "TRUNKLINE_OIDC__NAME": "Acme ID",
}


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    async with provider_server() as provider:
        provider.claims["email"] = EMAIL
        yield provider


@pytest.fixture
def local(seeded: ConsoleSettings, configured: MakeSettings, provider: FakeProvider) -> ConsoleSettings:
    return configured({**ENVIRONMENT, "TRUNKLINE_OIDC__ISSUER": provider.issuer})


@pytest.fixture
async def member(account: Account) -> None:
    """Somebody whom the provider vouches for has an account."""
    await account()


async def come(visitor: Visitor, provider: FakeProvider, **answer: str) -> httpx2.Response:
    """Go to the provider, sign in there and come back. `answer`: what differs in the query that the browser brings."""
    sent = await visitor.get("/sign-in/provider?next=/dead-letters")
    back = {**provider.sign_in(sent.headers["location"]), **answer}
    return await visitor.get("/sign-in/provider/return", params=back)


async def told(store: Store) -> list[tuple[str, str, Any]]:
    async with store.connection() as connection:
        cursor = await connection.execute(
            "select action, object, after from audit where action in ('session.begun', 'sign_in.refused') order by id"
        )
        return [(row["action"], row["object"], row["after"]) for row in await cursor.fetchall()]


async def test_whoever_has_an_account_is_let_in_and_goes_on(
    visitor: Visitor, provider: FakeProvider, account: Account, store: Store
) -> None:
    """
    Matched by their verified address, however it is capitalised; the audit log tells how they came.
    """
    await account()
    provider.claims["email"] = EMAIL.upper()
    answer = await come(visitor, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dead-letters")
    assert "Ada" in (await visitor.get("/messages")).text
    assert await told(store) == [("session.begun", "us_companyadminone", {"by": "provider"})]


async def test_the_page_offers_it_where_it_is_set_up(
    visitor: Visitor, opened: OpenConsole, configured: MakeSettings
) -> None:
    """
    And is not there where it is not.
    """
    page = (await visitor.get("/sign-in?next=/leads")).text
    assert "Sign in with Acme ID" in page
    assert 'href="/sign-in/provider?next=/leads"' in page
    async with opened(configured({})) as client:
        assert "/sign-in/provider" not in (await client.get("/sign-in")).text
        assert (await client.get("/sign-in/provider")).status_code == 404


@pytest.mark.usefixtures("member")
@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "another"}, "invalid_claim"),
        ({"nonce": None}, "missing_claim"),
        ({"aud": "somebody-else"}, "invalid_claim"),
        ({"aud": [CLIENT, "somebody-else"]}, "missing_claim"),
        ({"iss": "https://evil.example"}, "invalid_claim"),
        ({"exp": int(time.time()) - 3600}, "expired_token"),
        ({"email_verified": False}, "unverified"),
        ({"email_verified": "true"}, "unverified"),
        ({"email_verified": None}, "unverified"),
        ({"email": "nobody@tn_one.example"}, "no_account"),
        ({"email": None}, "unnamed"),
        ({"email": ["a", "b"]}, "unnamed"),
        ({"amr": "mfa"}, "invalid_claim"),
    ],
)
async def test_what_proves_nothing_lets_nobody_in(
    visitor: Visitor, provider: FakeProvider, store: Store, claims: dict[str, Any], why: str
) -> None:
    """
    Each gets the same sentence; the reason is in the audit log alone.
    """
    provider.claims.update(claims)
    answer = await come(visitor, provider)
    assert answer.headers["location"] == "/sign-in?failed=provider&next=%2Fdead-letters"
    assert REFUSED in (await visitor.get(answer.headers["location"])).text
    assert (await visitor.get("/messages")).status_code == 303
    assert await told(store) == [("sign_in.refused", "nobody", {"provider": why})]


@pytest.mark.usefixtures("member")
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"state": "of-another-browser"}, "state"),
        ({"state": ""}, "state"),
        ({"iss": "https://evil.example"}, "issuer"),
        ({"code": "made-up"}, "code"),
        ({"code": "", "error": "access_denied"}, "declined"),
    ],
)
async def test_an_answer_to_nothing_that_was_asked_lets_nobody_in(
    visitor: Visitor, provider: FakeProvider, store: Store, answer: dict[str, str], why: str
) -> None:
    """
    Such as one that somebody else's browser was given.
    """
    assert (await come(visitor, provider, **answer)).headers["location"].startswith("/sign-in?failed=provider&")
    assert await told(store) == [("sign_in.refused", "nobody", {"provider": why})]


async def test_a_browser_that_asked_for_nothing_is_let_in_by_nothing(
    visitor: Visitor, provider: FakeProvider, account: Account
) -> None:
    """
    A link with somebody's code signs nobody in as them; nor does an answer count twice.
    """
    await account()
    sent = await visitor.get("/sign-in/provider")
    back = provider.sign_in(sent.headers["location"])
    kept = dict(visitor.client.cookies)
    visitor.client.cookies.clear()
    refused = await visitor.get("/sign-in/provider/return", params=back)
    assert refused.headers["location"] == "/sign-in?failed=provider"
    visitor.client.cookies.update(kept)
    assert (await visitor.get("/sign-in/provider/return", params=back)).headers["location"] == "/"
    visitor.client.cookies.update(kept)
    again = await visitor.get("/sign-in/provider/return", params=back)
    assert again.headers["location"] == "/sign-in?failed=provider"


async def test_a_key_that_was_changed_counts_at_once_and_one_that_nobody_published_never(
    visitor: Visitor, provider: FakeProvider, account: Account
) -> None:
    """
    Without a restart, in the middle of a sign-in too.
    """
    await account()
    assert (await come(visitor, provider)).headers["location"] == "/dead-letters"
    provider.rotate()
    assert (await come(visitor, provider)).headers["location"] == "/dead-letters"
    provider.rotate(published=False)
    assert "failed=provider" in (await come(visitor, provider)).headers["location"]


async def test_a_provider_that_is_down_is_said_to_be(
    visitor: Visitor, provider: FakeProvider, account: Account, store: Store
) -> None:
    """
    On the way there and on the way back; passwords work all the same, and nobody is held to have failed.
    """
    await account()
    sent = await visitor.get("/sign-in/provider")
    back = provider.sign_in(sent.headers["location"])
    provider.is_down = True
    for answer in (
        await visitor.get("/sign-in/provider/return", params=back),
        await visitor.get("/sign-in/provider"),
    ):
        assert answer.headers["location"] == "/sign-in?failed=provider-down"
    assert "does not answer" in (await visitor.get("/sign-in?failed=provider-down")).text
    assert await told(store) == []
    assert (await visitor.sign_in(EMAIL)).status_code == 303


async def test_a_provider_that_calls_itself_something_else_is_none(
    web: Client, visitor: Visitor, provider: FakeProvider
) -> None:
    """
    Its description has to name the issuer that was set up.
    """
    provider.issuer += "/other"
    assert (await visitor.get("/sign-in/provider")).headers["location"] == "/sign-in?failed=provider-down"


async def test_a_second_factor_is_asked_for_where_the_provider_asked_for_none(
    visitor: Visitor, provider: FakeProvider, account: Account, setup: Setup
) -> None:
    """
    And not again where it did.
    """
    await visitor.sign_in(await account())
    session = await setup.sign_in.sessions.find(visitor.client.cookies["session"])
    assert session is not None
    secret = await setup.offer_second_factor(session)
    await setup.confirm_second_factor(session, second_factor.code_at(secret, int(time.time()) // 30))
    provider.claims["amr"] = ["pwd"]
    assert (await come(visitor, provider)).headers["location"] == "/sign-in/code?next=%2Fdead-letters"
    assert (await visitor.get("/messages")).headers["location"] == "/sign-in/code"
    provider.claims["amr"] = ["pwd", "mfa"]
    assert (await come(visitor, provider)).headers["location"] == "/dead-letters"


async def test_who_is_disabled_is_not_let_in(
    visitor: Visitor, provider: FakeProvider, account: Account, store: Store
) -> None:
    """
    Though the provider still vouches for them.
    """
    await account()
    async with store.connection() as connection:
        await connection.execute("update app_user set disabled_at = now()")
    assert "failed=provider" in (await come(visitor, provider)).headers["location"]


async def test_after_five_failures_from_one_place_one_has_to_wait(
    visitor: Visitor, provider: FakeProvider, account: Account
) -> None:
    """
    The provider is not asked meanwhile.
    """
    await account()
    for _ in range(5):
        assert "failed=provider&" in (await come(visitor, provider, state="wrong")).headers["location"]
    assert "failed=provider-wait" in (await come(visitor, provider)).headers["location"]
    assert (await visitor.post("/sign-in", email=EMAIL, password=PASSWORD)).status_code == 303


async def test_only_addresses_of_the_named_domains_are_let_in(
    opened: OpenConsole, configured: MakeSettings, provider: FakeProvider, account: Account
) -> None:
    """
    And another claim may name people, at its word.
    """
    await account()
    more = {**ENVIRONMENT, "TRUNKLINE_OIDC__ISSUER": provider.issuer}
    for settings, claims, location in (
        ({"TRUNKLINE_OIDC__DOMAINS": "acme.example, other.example"}, {}, "/sign-in?failed=provider&next=%2Fdead-letters"),
        ({"TRUNKLINE_OIDC__DOMAINS": f"acme.example, {ONE}.example"}, {}, "/dead-letters"),
        ({"TRUNKLINE_OIDC__CLAIM": "upn"}, {"upn": EMAIL, "email": None, "email_verified": None}, "/dead-letters"),
    ):  # fmt: skip
        provider.claims.update(claims)
        async with opened(configured({**more, **settings})) as client:
            client.base_url = httpx2.URL(HERE)
            assert (await come(Visitor(client), provider)).headers["location"] == location


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TRUNKLINE_OIDC__ISSUER": "https://id.example"}, "are set together"),
        ({"TRUNKLINE_OIDC__CLIENT_ID": "x"}, "are set together"),
        ({"TRUNKLINE_OIDC__ISSUER": "https://id.example", "TRUNKLINE_OIDC__CLIENT_ID": "x"}, "TRUNKLINE_CONSOLE__URL"),
    ],
)
def test_half_a_provider_is_refused_at_start(
    configured: MakeSettings, capsys: pytest.CaptureFixture[str], environment: dict[str, str], said: str
) -> None:
    """
    With what is missing.
    """
    with pytest.raises(SystemExit):
        configured(environment)
    assert said in capsys.readouterr().err
