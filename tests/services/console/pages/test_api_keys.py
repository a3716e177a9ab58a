"""API keys and signing secrets in the console: what is secret shows once, or never."""

import re

from shared.store.session import Store
from tests.services.console.api.past import Past
from tests.services.console.pages.conftest import HERE, ONE, OTHER, SignedIn, Visitor

SECRET = "a" * 32
_TOKEN = re.compile(r'data-copy="(tlk_[^"]+)"')


async def made(visitor: Visitor, *scopes: str, **more: str) -> str:
    """Make a key; return the page that shows it."""
    await visitor.get("/api-keys/new")
    form = {"token": visitor.token, "name": "Reports", "scopes": list(scopes), **more}
    answer = await visitor.client.post("/api-keys", data=form, headers={"Origin": HERE})
    return str(answer.text)


async def test_a_key_is_shown_once_and_works(signed_in: SignedIn) -> None:
    """
    With its scopes; the list tells when it was used last.
    """
    visitor = await signed_in()
    match = _TOKEN.search(await made(visitor, "messages:read"))
    assert match is not None
    page = (await visitor.get("/api-keys")).text
    assert match[1] not in page
    assert "messages:read" in page
    assert page.count("never") == 2
    bearer = {"Authorization": f"Bearer {match[1]}"}
    assert (await visitor.client.get("/v1/messages", headers=bearer)).status_code == 200
    assert (await visitor.client.get("/v1/leads", headers=bearer)).status_code == 403
    assert (await visitor.get("/api-keys")).text.count("never") == 1


async def test_a_key_without_scopes_is_not_made(signed_in: SignedIn) -> None:
    """
    The form says so, and keeps the name.
    """
    page = await made(await signed_in())
    assert "Choose at least one." in page
    assert 'value="Reports"' in page


async def test_a_revoked_key_opens_nothing(signed_in: SignedIn) -> None:
    """
    After a question that names it; it stays on the list.
    """
    visitor = await signed_in()
    match = _TOKEN.search(await made(visitor, "messages:read"))
    assert match is not None
    page = (await visitor.get("/api-keys")).text
    path = re.findall(r'href="(/api-keys/ak_[0-9a-z]+/revocations)"', page)[0]
    assert "Revoke the key “Reports”?" in (await visitor.get(path)).text
    await visitor.post(path)
    assert "revoked" in (await visitor.get("/api-keys")).text
    bearer = {"Authorization": f"Bearer {match[1]}"}
    assert (await visitor.client.get("/v1/messages", headers=bearer)).status_code == 401


async def test_a_companys_admin_makes_keys_of_the_company(signed_in: SignedIn, store: Store) -> None:
    """
    Whatever the form says, and sees no others'.
    """
    visitor = await signed_in()
    assert "Not found" in await made(visitor, "messages:read", tenant=OTHER)
    await made(visitor, "messages:read", tenant="")
    async with store.connection() as connection:
        rows = await (await connection.execute("select tenant_id from api_key")).fetchall()
    assert rows == [{"tenant_id": ONE}]


async def test_a_further_secret_may_sign_until_it_is_refused(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    Known by its fingerprint; the secret itself is on no page.
    """
    visitor = await signed_in()
    path = f"/accounts/cr_{past.x}/signing-secrets"
    await visitor.get(path)
    assert (await visitor.post(path, kind="auth_token", secret=SECRET)).headers["location"] == f"{path}?done=saved"
    page = (await visitor.get(path)).text
    assert "auth token" in page
    assert SECRET not in page
    removal = re.findall(r'action="(/accounts/[^"]+/removals)"', page)[0]
    await visitor.post(removal)
    async with store.connection() as connection:
        row = await (await connection.execute("select count(*) as n from signing_secret")).fetchone()
    assert row == {"n": 0}


async def test_a_shared_key_needs_its_id(signed_in: SignedIn, past: Past) -> None:
    """
    And an auth token has none.
    """
    visitor = await signed_in()
    path = f"/accounts/cr_{past.x}/signing-secrets"
    await visitor.get(path)
    assert (await visitor.post(path, kind="shared_key", secret=SECRET, key_id="")).status_code == 422
    assert (await visitor.post(path, kind="shared_key", secret=SECRET, key_id="k1")).status_code == 303


async def test_another_companys_account_is_not_there(signed_in: SignedIn, past: Past) -> None:
    """
    Nor its secrets.
    """
    visitor = await signed_in(tenant=OTHER)
    await visitor.get("/api-keys")
    path = f"/accounts/cr_{past.x}/signing-secrets"
    assert (await visitor.get(path)).status_code == 404
    await visitor.get("/api-keys")
    assert (await visitor.post(path, kind="auth_token", secret=SECRET)).status_code == 404
