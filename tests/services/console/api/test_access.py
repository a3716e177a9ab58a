"""Who gets in, and how far."""

import json

import pytest

from shared.store.session import Store
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker
from tests.services.console.conftest import Client


async def test_without_a_key_nothing_is_answered(web: Client) -> None:
    """
    Nor with one that nobody made.
    """
    for headers in ({}, {"Authorization": "Bearer tlk_made-up"}, {"Authorization": "Basic eDp5"}):
        answer = await web.get("/v1/agents", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_expired_or_revoked_key_is_none(asker: MakeAsker, store: Store) -> None:
    """
    From the moment on.
    """
    assert (await (await asker(lives="-1 second")).ask("GET", "agents")).status_code == 401
    holder = await asker()
    assert (await holder.ask("GET", "agents")).status_code == 200
    async with store.connection() as connection:
        await connection.execute("update api_key set revoked_at = now()")
    assert (await holder.ask("GET", "agents")).status_code == 401


async def test_a_key_is_stored_as_a_digest_and_knows_when_it_was_used(asker: MakeAsker, store: Store) -> None:
    """
    Whoever reads the table cannot use what is in it.
    """
    holder = await asker()
    await holder.ask("GET", "agents")
    async with store.connection() as connection:
        [row] = await (await connection.execute("select * from api_key")).fetchall()
    assert holder.key not in str(row)
    assert row["last_used_at"] is not None


async def test_a_key_may_do_what_its_scopes_say(asker: MakeAsker) -> None:
    """
    To read is not to write, and the answer names what is missing.
    """
    reader = await asker(scopes={"agents:read"})
    assert (await reader.ask("GET", "agents")).status_code == 200
    refused = await reader.ask("POST", "agents", json={"name": "A", "instructions": "Help."})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert "agents:write" in refused.json()["detail"]


async def test_a_tenants_key_sees_its_own_and_the_platforms_sees_all(asker: MakeAsker, platform: Asker) -> None:
    """
    A foreign id answers as one that never was.
    """
    mine = (await (await asker(ONE)).ask("POST", "agents", json={"name": "A", "instructions": "x"})).json()
    other = await asker(OTHER)
    theirs = await other.ask("GET", f"agents/{mine['id']}")
    nobodys = await other.ask("GET", "agents/ag_nobody")
    assert theirs.status_code == nobodys.status_code == 404
    assert {k: v for k, v in theirs.json().items() if k != "trace_id"} == {
        k: v for k, v in nobodys.json().items() if k != "trace_id"
    }
    assert (await other.ask("GET", "agents")).json()["items"] == []
    everyones = (await platform.ask("GET", "agents")).json()["items"]
    assert mine["id"] in {it["id"] for it in everyones}
    assert [it["id"] for it in (await platform.ask("GET", f"agents?tenant={ONE}")).json()["items"]] == [mine["id"]]


async def test_what_is_made_is_for_the_keys_tenant(asker: MakeAsker, platform: Asker) -> None:
    """
    A tenant's key cannot make anything for another; the platform has to say for whom.
    """
    body = {"name": "A", "instructions": "x"}
    assert (await (await asker(ONE)).ask("POST", "agents", json=body | {"tenant": OTHER})).status_code == 404
    unsaid = await platform.ask("POST", "agents", json=body)
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "tenant_missing")
    assert (await platform.ask("POST", "agents", json=body | {"tenant": OTHER})).json()["tenant"] == OTHER
    nobody = await platform.ask("POST", "agents", json=body | {"tenant": "tn_nobody"})
    assert (nobody.status_code, nobody.json()["code"]) == (422, "reference_unknown")


async def test_only_the_platform_makes_tenants_and_sets_what_is_its(asker: MakeAsker, platform: Asker) -> None:
    """
    A company's admin selects what is the company's own (spec.md, section 5).
    """
    admin = await asker(ONE)
    assert (await admin.ask("POST", "tenants", json={"name": "X"})).status_code == 404
    made = await platform.ask("POST", "tenants", json={"name": "X"})
    assert (made.status_code, made.json()["privacy"]) == (201, "hashed")
    tag = {"If-Match": (await admin.ask("GET", f"tenants/{ONE}")).headers["etag"]}
    refused = await admin.ask("PATCH", f"tenants/{ONE}", json={"privacy": "encrypted"}, headers=tag)
    assert (refused.status_code, refused.json()["code"]) == (403, "set_by_platform")
    assert (await admin.ask("PATCH", f"tenants/{ONE}", json={"history": True}, headers=tag)).json()["history"] is True


async def test_a_tenant_takes_no_other_tenants_agent(asker: MakeAsker) -> None:
    """
    Not even by its id.
    """
    other, admin = await asker(OTHER), await asker(ONE)
    agent = (await other.ask("POST", "agents", json={"name": "A", "instructions": "x"})).json()["id"]
    tag = {"If-Match": (await admin.ask("GET", f"tenants/{ONE}")).headers["etag"]}
    answer = await admin.ask("PATCH", f"tenants/{ONE}", json={"agent": agent}, headers=tag)
    assert (answer.status_code, answer.json()["code"]) == (422, "reference_unknown")


async def test_too_many_requests_are_told_to_wait(asker: MakeAsker) -> None:
    """
    Six hundred a minute for each key; each answer tells how many are left.
    """
    holder = await asker()
    first = await holder.ask("GET", "agents?limit=1")
    assert first.headers["ratelimit-policy"] == '"default";q=600;w=60'
    assert first.headers["ratelimit"].startswith('"default";r=599;t=')
    web_gate = holder.client._transport.app.state.gate  # type: ignore[attr-defined]
    web_gate.rate.most = 1
    refused = await holder.ask("GET", "agents?limit=1")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert int(refused.headers["retry-after"]) <= 60


@pytest.mark.parametrize(
    "body", [{"name": "a\x00b", "instructions": "x"}, {"name": "\ud800", "instructions": "x"}, {}, []]
)
async def test_what_cannot_be_stored_is_refused_with_its_place(asker: MakeAsker, body: object) -> None:
    """
    And nothing of it is repeated.
    """
    content = json.dumps(body).encode()
    answer = await (await asker()).ask("POST", "agents", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert all(fault["pointer"].startswith("/body") for fault in answer.json()["errors"])
