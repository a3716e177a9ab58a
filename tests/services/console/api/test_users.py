"""Members of a company."""

import pytest

from shared.store.session import Store
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker
from tests.services.console.api.past import Past
from tests.services.console.api.test_messages import listed

EVE = {"email": "Eve@Example.org", "name": "Eve"}


async def test_a_user_is_made_listed_and_changed(admin: Asker) -> None:
    """
    E-mail addresses are the same in capitals.
    """
    made = await admin.ask("POST", "users", json=EVE)
    user = made.json()
    assert (user["email"], user["role"], user["disabled"], user["tenant"]) == ("eve@example.org", "USER", False, ONE)
    tag = {"If-Match": made.headers["etag"]}
    changed = await admin.ask("PATCH", f"users/{user['id']}", json={"role": "COMPANY_ADMIN"}, headers=tag)
    assert (changed.json()["role"], changed.json()["name"]) == ("COMPANY_ADMIN", "Eve")
    taken = await admin.ask("POST", "users", json={"email": "EVE@example.org", "name": "x"})
    assert (taken.status_code, taken.json()["code"]) == (409, "taken")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("role=USER", {"us_one"}),
        ("role=COMPANY_ADMIN", set()),
        ("disabled=true", set()),
        ("disabled=false", {"us_one"}),
    ],
)
async def test_a_list_is_cut_by_what_is_asked_for(
    past: Past, others_past: Past, admin: Asker, query: str, found: set[str]
) -> None:
    """
    By role, and by who is shut out.
    """
    assert {it["id"] for it in await listed(admin, f"users?{query}")} == found


async def test_only_the_platform_has_a_say_about_its_admins(admin: Asker, platform: Asker) -> None:
    """
    A company's key neither makes, nor changes, nor removes a SYSTEM_ADMIN, nor makes one of somebody.
    """
    boss = EVE | {"role": "SYSTEM_ADMIN"}
    assert (await admin.ask("POST", "users", json=boss)).json()["code"] == "set_by_platform"
    made = await platform.ask("POST", "users", json=boss | {"tenant": ONE})
    assert made.status_code == 201
    path, tag = f"users/{made.json()['id']}", {"If-Match": made.headers["etag"]}
    for method, body in (("PATCH", {"disabled": True}), ("DELETE", None)):
        assert (await admin.ask(method, path, json=body, headers=tag)).json()["code"] == "set_by_platform"
    clerk = await admin.ask("POST", "users", json={"email": "c@example.org", "name": "C"})
    raised = await admin.ask(
        "PATCH",
        f"users/{clerk.json()['id']}",
        json={"role": "SYSTEM_ADMIN"},
        headers={"If-Match": clerk.headers["etag"]},
    )
    assert (raised.status_code, raised.json()["code"]) == (403, "set_by_platform")
    assert (await platform.ask("DELETE", path, headers=tag)).status_code == 204


async def test_who_is_disabled_is_unpaired(past: Past, admin: Asker, store: Store) -> None:
    """
    In the same transaction, and on record; to enable them again pairs nobody.
    """
    await past.pair()
    tag = {"If-Match": (await admin.ask("GET", "users/us_one")).headers["etag"]}
    stale = await admin.ask("PATCH", "users/us_one", json={"disabled": True}, headers={"If-Match": '"9"'})
    assert (stale.status_code, len(await listed(admin, "bindings"))) == (412, 1)
    disabled = await admin.ask("PATCH", "users/us_one", json={"disabled": True}, headers=tag)
    assert (disabled.json()["disabled"], await listed(admin, "bindings")) == (True, [])
    tag = {"If-Match": disabled.headers["etag"]}
    again = await admin.ask("PATCH", "users/us_one", json={"disabled": True}, headers=tag)
    assert again.json()["disabled_at"] == disabled.json()["disabled_at"]
    tag = {"If-Match": again.headers["etag"]}
    enabled = await admin.ask("PATCH", "users/us_one", json={"disabled": False}, headers=tag)
    assert (enabled.json()["disabled_at"], await listed(admin, "bindings")) == (None, [])
    actions = [line["action"] for line in await listed(admin, "audit")]
    assert actions == ["app_user.changed", "app_user.changed", "app_user.changed", "binding.ended"]


async def test_a_user_who_is_needed_cannot_be_deleted(past: Past, admin: Asker) -> None:
    """
    Conversations and numbers refer to them.
    """
    await past.pair()
    tag = {"If-Match": (await admin.ask("GET", "users/us_one")).headers["etag"]}
    answer = await admin.ask("DELETE", "users/us_one", headers=tag)
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")


async def test_another_companys_user_is_not_there(past: Past, asker: MakeAsker) -> None:
    """
    Whatever is asked.
    """
    stranger = await asker(OTHER)
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        answer = await stranger.ask(method, "users/us_one", json=body, headers={"If-Match": '"1"'})
        assert answer.status_code == 404
