"""What guards every page: declared permissions, forms of our own, headers."""

from collections.abc import Iterator

import pytest
from fastapi.routing import iter_route_contexts

from services.console.pages.routes import Page
from shared.store.session import Store
from tests.services.console.api.past import Past
from tests.services.console.conftest import Client, MakeSettings, OpenConsole
from tests.services.console.pages.conftest import HERE, SignedIn, Visitor


def pages(web: Client) -> Iterator[Page]:
    mount = web._transport.app.router.routes[-1]  # type: ignore[attr-defined]
    for each in iter_route_contexts(mount.app._app.routes):
        page = each.original_route
        assert isinstance(page, Page), f"{each.path} asks nobody who they are: use route_class=Page"
        yield page


def test_every_page_says_who_may_see_it(web: Client) -> None:
    """
    Without an account only these are there.
    """
    open_ones = {(page.path, *sorted(page.methods or ())) for page in pages(web) if page.stages is None}
    assert open_ones == {
        ("/", "GET"),
        ("/assets/{name}", "GET"),
        ("/first-run", "GET"),
        ("/first-run", "POST"),
        ("/preferences", "POST"),
        ("/sign-in", "GET"),
        ("/sign-in", "POST"),
    }


async def test_without_a_session_every_other_page_leads_to_sign_in(web: Client) -> None:
    """
    And so does every form.
    """
    for page in pages(web):
        if page.stages is not None:
            for method in page.methods or ():
                answer = await web.request(method, page.path.replace("{", "").replace("}", ""))
                assert answer.status_code == 303, page.path
                assert answer.headers["location"].startswith("/sign-in"), page.path


async def test_what_a_role_may_not_see_is_not_there_and_the_try_is_audited(signed_in: SignedIn, store: Store) -> None:
    """
    404, for every page that needs a permission that users lack.
    """
    visitor = await signed_in("USER")
    for page in pages(visitor.client):
        if page.scope is not None and "GET" in (page.methods or ()):
            assert (await visitor.get(page.path)).status_code == 404, page.path
    async with store.connection() as connection:
        row = await (
            await connection.execute("select count(*) as n from audit where action = 'access.refused'")
        ).fetchone()
    assert row is not None
    assert row["n"] >= 4


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
async def test_a_form_of_another_site_is_refused(signed_in: SignedIn, past: Past, origin: str) -> None:
    """
    Though the browser sends the cookie and the form guesses the token.
    """
    visitor = await signed_in()
    assert (await visitor.post("/dead-letters/replays", origin=origin)).status_code == 403
    assert (await visitor.post("/sign-in", origin=origin, email="a", password="b")).status_code == 403


async def test_a_form_without_the_sessions_token_is_refused(signed_in: SignedIn) -> None:
    """
    Also one with the token of another session.
    """
    visitor = await signed_in()
    visitor.token = "0" * 64
    assert (await visitor.post("/dead-letters/replays")).status_code == 403


async def test_every_answer_has_the_policy_and_is_not_kept(visitor: Visitor) -> None:
    """
    No inline script or style, no frame, a nonce of its own each time.
    """
    policies = set()
    for path in ("/", "/sign-in", "/nothing-here"):
        headers = (await visitor.get(path)).headers
        policies.add(headers["content-security-policy"])
        assert "unsafe" not in headers["content-security-policy"]
        for directive in ("default-src 'none'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'",
                          "require-trusted-types-for 'script'"):  # fmt: skip
            assert directive in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" not in headers
    assert len(policies) == 3


async def test_behind_tls_cookies_and_browsers_are_bound_to_it(opened: OpenConsole, configured: MakeSettings) -> None:
    """
    HSTS for a year, and a cookie that only this host gets.
    """
    async with opened(configured({"TRUNKLINE_CONSOLE__URL": "https://console.example.org"})) as client:
        answer = await client.get("/sign-in")
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        form = {"email": "a@b", "password": "c"}
        assert (await client.post("/sign-in", data=form, headers={"Origin": HERE})).status_code == 403
        here = {"Origin": "https://console.example.org"}
        assert (await client.post("/sign-in", data=form, headers=here)).status_code == 401


async def test_what_is_not_there_is_a_page_and_below_v1_a_problem(visitor: Visitor) -> None:
    """
    Each side answers in its own way.
    """
    page = await visitor.get("/nothing-here")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    problem = await visitor.get("/v1/nothing-here")
    assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")


async def test_theme_and_language_are_kept_by_the_browser(visitor: Visitor) -> None:
    """
    The page comes in them from then on.
    """
    await visitor.post("/preferences", theme="dark", language="it")
    page = (await visitor.get("/sign-in")).text
    assert '<html lang="it" data-theme="dark">' in page
    assert "Accedi" in page
