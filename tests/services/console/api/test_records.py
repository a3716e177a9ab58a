"""Lists, versions, repeated requests and the audit log: the same for everything that admins make."""

import asyncio
from typing import Any

import pytest

from shared.store.session import Store
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker

BODY = {"name": "A", "instructions": "Help."}


async def audit(store: Store) -> list[dict[str, Any]]:
    async with store.connection() as connection:
        query = "select actor, action, object, tenant_id, before, after from audit order by id"
        return await (await connection.execute(query)).fetchall()


async def test_a_list_goes_on_where_its_cursor_says(admin: Asker) -> None:
    """
    The newest first, each once, with a link to the next page.
    """
    made = [(await admin.ask("POST", "agents", json=BODY)).json()["id"] for _ in range(5)]
    seen: list[str] = []
    path = "agents?limit=2"
    while path:
        page = await admin.ask("GET", path)
        seen += [it["id"] for it in page.json()["items"]]
        cursor = page.json()["next_cursor"]
        assert (f"cursor={cursor}" in page.headers.get("link", "")) is bool(cursor)
        path = f"agents?limit=2&cursor={cursor}" if cursor else ""
    assert seen == made[::-1]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "ä", "QUFBQUFBQUFhZ19vbmU"])
async def test_a_cursor_that_is_not_ours_is_refused(admin: Asker, cursor: str) -> None:
    """
    One that was made up, or that belongs to another list.
    """
    answer = await admin.ask("GET", "agents", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


async def test_a_list_can_be_cut_by_time(admin: Asker) -> None:
    """
    Times have a zone.
    """
    made = (await admin.ask("POST", "agents", json=BODY)).json()
    since = await admin.ask("GET", "agents", params={"created_at[gte]": made["created_at"]})
    before = await admin.ask("GET", "agents", params={"created_at[lt]": made["created_at"]})
    assert ([it["id"] for it in since.json()["items"]], before.json()["items"]) == ([made["id"]], [])
    zoneless = await admin.ask("GET", "agents", params={"created_at[gte]": "2026-11-25T10:00:00"})
    assert (zoneless.status_code, zoneless.json()["code"]) == (400, "time_without_zone")


async def test_a_change_needs_the_version_that_it_is_based_on(admin: Asker) -> None:
    """
    Without one 428; with an old one 412, and nothing is changed.
    """
    made = await admin.ask("POST", "agents", json=BODY)
    path, tag = f"agents/{made.json()['id']}", {"If-Match": made.headers["etag"]}
    assert (await admin.ask("PATCH", path, json={"memory": 9})).status_code == 428
    changed = await admin.ask("PATCH", path, json={"memory": 9}, headers=tag)
    assert (changed.status_code, changed.json()["memory"], changed.json()["name"]) == (200, 9, "A")
    for method in ("PATCH", "DELETE"):
        stale = await admin.ask(method, path, json={"memory": 1} if method == "PATCH" else None, headers=tag)
        assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    assert (await admin.ask("GET", path)).json()["memory"] == 9
    assert (await admin.ask("DELETE", path, headers={"If-Match": changed.headers["etag"]})).status_code == 204
    assert (await admin.ask("GET", path)).status_code == 404


async def test_two_changes_at_a_time_cannot_both_win(admin: Asker) -> None:
    """
    One of them is told that somebody was faster.
    """
    made = await admin.ask("POST", "agents", json=BODY)
    path, tag = f"agents/{made.json()['id']}", {"If-Match": made.headers["etag"]}
    answers = await asyncio.gather(*(admin.ask("PATCH", path, json={"memory": n}, headers=tag) for n in range(2, 6)))
    assert sorted(it.status_code for it in answers) == [200, 412, 412, 412]


async def test_null_is_no_value_for_what_cannot_be_missing(admin: Asker) -> None:
    """
    To leave a field out is to leave it as it is.
    """
    made = await admin.ask("POST", "agents", json=BODY | {"model": "m"})
    path, tag = f"agents/{made.json()['id']}", {"If-Match": made.headers["etag"]}
    assert (await admin.ask("PATCH", path, json={"name": None}, headers=tag)).status_code == 422
    assert (await admin.ask("PATCH", path, json={"model": None}, headers=tag)).json()["model"] is None


async def test_a_request_that_is_repeated_under_its_key_is_made_once(admin: Asker, asker: MakeAsker) -> None:
    """
    The second answer is the first one; another key, or another asker, makes another.
    """
    key = {"Idempotency-Key": "one"}
    first = await admin.ask("POST", "agents", json=BODY, headers=key)
    again = await admin.ask("POST", "agents", json=BODY, headers=key)
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, first.headers["etag"])
    await admin.ask("POST", "agents", json=BODY, headers={"Idempotency-Key": "two"})
    await (await asker(OTHER)).ask("POST", "agents", json=BODY, headers=key)
    assert len((await admin.ask("GET", "agents")).json()["items"]) == 2


async def test_a_key_that_comes_with_another_request_is_refused(admin: Asker) -> None:
    """
    422: whoever sends it has mixed something up.
    """
    key = {"Idempotency-Key": "one"}
    await admin.ask("POST", "agents", json=BODY, headers=key)
    answer = await admin.ask("POST", "agents", json=BODY | {"name": "B"}, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_request_that_is_still_running_is_not_begun_twice(admin: Asker, store: Store) -> None:
    """
    409; but one whose process died may be made again after a minute.
    """
    key = {"Idempotency-Key": "one"}
    await admin.ask("POST", "agents", json=BODY, headers=key)
    async with store.connection() as connection:
        await connection.execute("update idempotent_request set status = null, sealed_answer = null")
    running = await admin.ask("POST", "agents", json=BODY, headers=key)
    assert (running.status_code, running.json()["code"]) == (409, "request_in_flight")
    async with store.connection() as connection:
        await connection.execute("update idempotent_request set created_at = now() - interval '61 seconds'")
    assert (await admin.ask("POST", "agents", json=BODY, headers=key)).status_code == 201


async def test_a_request_that_failed_may_be_made_again(admin: Asker) -> None:
    """
    Its key is free.
    """
    key = {"Idempotency-Key": "one"}
    assert (await admin.ask("POST", "agents", json={}, headers=key)).status_code == 422
    assert (await admin.ask("POST", "agents", json=BODY, headers=key)).status_code == 201


async def test_each_change_is_on_record_with_who_and_what(admin: Asker, store: Store) -> None:
    """
    What it was and what it became; of a change only what differs.
    """
    made = await admin.ask("POST", "agents", json=BODY)
    agent = made.json()["id"]
    changed = await admin.ask(
        "PATCH", f"agents/{agent}", json={"memory": 9, "name": "A"}, headers={"If-Match": made.headers["etag"]}
    )
    await admin.ask("DELETE", f"agents/{agent}", headers={"If-Match": changed.headers["etag"]})
    lines = await audit(store)
    assert [line["action"] for line in lines] == ["agent.created", "agent.changed", "agent.deleted"]
    assert {(line["object"], line["tenant_id"]) for line in lines} == {(agent, ONE)}
    assert all(line["actor"].startswith("key/ak_") for line in lines)
    assert (lines[1]["before"], lines[1]["after"]) == ({"memory": 5}, {"memory": 9})
