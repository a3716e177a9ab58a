"""Keys that admins make."""

from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker
from tests.services.console.api.test_messages import listed

KEYS = {"api-keys:read", "api-keys:write"}
BODY = {"name": "CI", "scopes": ["agents:read", "agents:read"]}


async def test_a_key_is_shown_once_and_opens_what_its_scopes_say(admin: Asker) -> None:
    """
    It is its maker's company's; nobody can read it again.
    """
    made = (await admin.ask("POST", "api-keys", json=BODY)).json()
    assert (made["tenant"], made["scopes"], made["created_by"][:7]) == (ONE, ["agents:read"], "key/ak_")
    holder = Asker(admin.client, made["token"])
    assert (await holder.ask("GET", "agents")).status_code == 200
    assert (await holder.ask("GET", "users")).status_code == 403
    again = await admin.ask("GET", f"api-keys/{made['id']}")
    assert "token" not in again.json()
    assert made["token"] not in (again.text + str(await listed(admin, "api-keys")) + str(await listed(admin, "audit")))


async def test_a_request_that_is_repeated_shows_the_same_key(admin: Asker) -> None:
    """
    An answer that was lost on its way is not a key that is lost.
    """
    headers = {"Idempotency-Key": "one"}
    first = await admin.ask("POST", "api-keys", json=BODY, headers=headers)
    again = await admin.ask("POST", "api-keys", json=BODY, headers=headers)
    assert again.json()["token"] == first.json()["token"]


async def test_nobody_gives_more_than_they_have(asker: MakeAsker) -> None:
    """
    The scopes that are lacking are named.
    """
    holder = await asker(ONE, KEYS)
    refused = await holder.ask("POST", "api-keys", json=BODY)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert "agents:read" in refused.json()["detail"]
    assert (await holder.ask("POST", "api-keys", json={"name": "x", "scopes": ["api-keys:read"]})).status_code == 201


async def test_keys_are_made_for_ones_own_company_and_the_platform_makes_its_own(admin: Asker, platform: Asker) -> None:
    """
    A company's key cannot make one of another's, nor the platform's.
    """
    assert (await admin.ask("POST", "api-keys", json=BODY | {"tenant": OTHER})).status_code == 404
    theirs = (await platform.ask("POST", "api-keys", json=BODY | {"tenant": OTHER})).json()
    own = (await platform.ask("POST", "api-keys", json=BODY)).json()
    assert (theirs["tenant"], own["tenant"]) == (OTHER, None)
    seen = {it["id"] for it in await listed(admin, "api-keys")}
    assert not seen & {theirs["id"], own["id"]}
    assert {theirs["id"], own["id"]} <= {it["id"] for it in await listed(platform, "api-keys")}
    assert (await admin.ask("DELETE", f"api-keys/{own['id']}")).status_code == 404


async def test_a_revoked_key_opens_nothing_and_stays_on_the_list(admin: Asker) -> None:
    """
    Once is enough, and on record.
    """
    made = (await admin.ask("POST", "api-keys", json=BODY)).json()
    for _ in range(2):
        assert (await admin.ask("DELETE", f"api-keys/{made['id']}")).status_code == 204
    assert (await Asker(admin.client, made["token"]).ask("GET", "agents")).status_code == 401
    assert (await admin.ask("GET", f"api-keys/{made['id']}")).json()["revoked_at"] is not None
    actions = [line["action"] for line in await listed(admin, f"audit?object={made['id']}")]
    assert actions == ["api_key.revoked", "api_key.created"]


async def test_a_key_ends_when_it_was_said_to(admin: Asker) -> None:
    """
    A time needs its zone; a scope has to exist.
    """
    refused: list[dict[str, object]] = [
        {"expires_at": "2026-11-25T10:00:00"},
        {"scopes": ["agents:eat"]},
        {"scopes": []},
    ]
    for more in refused:
        assert (await admin.ask("POST", "api-keys", json=BODY | more)).status_code == 422
    past = await admin.ask("POST", "api-keys", json=BODY | {"expires_at": "2020-01-01T00:00:00Z"})
    assert (await Asker(admin.client, past.json()["token"]).ask("GET", "agents")).status_code == 401
