"""Webhook actions by the API: secrets go in and never come out, and nothing is made that could do harm."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.store.session import Store
from tests.fakes.web import FakeWeb, reply, web_server
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker

DOCUMENTATION = Path(__file__).parents[4] / "docs" / "tools.md"
SECRET, NEW = "Bearer the-first-secret", "Bearer the-second-secret"


@pytest.fixture
async def admin(asker: MakeAsker) -> Asker:
    return await asker(ONE)


@pytest.fixture
async def service() -> AsyncIterator[FakeWeb]:
    async with web_server(lambda _asked: reply('{"table": {"number": 7}}')) as web:
        yield web


@pytest.fixture
def body(service: FakeWeb) -> dict[str, Any]:
    return {
        "name": "book",
        "description": "Books a table.",
        "parameters": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]},
        "url": f"{service.url}/on/{{day}}?for={{sys.tenant}}",
        "secret_headers": {"Authorization": f" {SECRET} "},
        "results": ["table.number"],
        "side_effect": True,
    }


@pytest.fixture
async def action(admin: Asker, body: dict[str, Any]) -> dict[str, Any]:
    made = await admin.ask("POST", "actions", json=body)
    assert made.status_code == 201, made.text
    return dict(made.json()) | {"etag": made.headers["etag"]}


async def change(admin: Asker, action: dict[str, Any], **wanted: Any) -> Any:
    path = f"actions/{action['id']}"
    tag = (await admin.ask("GET", path)).headers["etag"]
    return await admin.ask("PATCH", path, json=wanted, headers={"If-Match": tag})


async def test_the_action_in_the_documentation_can_be_made(admin: Asker) -> None:
    """
    As it stands there.
    """
    example = json.loads(DOCUMENTATION.read_text().partition("```json\n")[2].partition("```")[0])
    made = await admin.ask("POST", "actions", json=example)
    assert (made.status_code, made.json()["name"]) == (201, example["name"])


async def test_an_action_is_tried_out(action: dict[str, Any], admin: Asker, service: FakeWeb) -> None:
    """
    The whole way: its secret goes along, and what a model would read comes back.
    """
    answer = await admin.ask("POST", f"actions/{action['id']}/trials", json={"arguments": {"day": "Friday"}})
    assert (answer.status_code, answer.json()) == (
        201,
        {"ok": True, "status": 200, "failure": None, "text": "table.number: 7"},
    )
    [asked] = service.asked
    assert asked.line == f"POST /on/Friday?for={ONE} HTTP/1.1"
    assert asked.headers["authorization"] == SECRET
    assert asked.headers["idempotency-key"].startswith("trial_")


async def test_a_trial_tells_why_it_failed(action: dict[str, Any], admin: Asker, service: FakeWeb) -> None:
    """
    By a stable code, and without the address; arguments that do not fit are not sent, nor repeated.
    """
    path = f"actions/{action['id']}/trials"
    service.respond = lambda _asked: reply(status=301, location="/")
    failed = (await admin.ask("POST", path, json={"arguments": {"day": "x"}})).json()
    assert (failed["ok"], failed["status"], failed["failure"]) == (False, None, "redirected")
    service.respond = lambda _asked: reply("{}", status=500)
    failed = (await admin.ask("POST", path, json={"arguments": {"day": "x"}})).json()
    assert (failed["ok"], failed["status"], failed["failure"]) == (False, 500, None)
    for arguments in ({"day": 12345}, {"day": ".."}, {"day": "x", "tenant": OTHER}):
        misfit = await admin.ask("POST", path, json={"arguments": arguments})
        assert (misfit.status_code, misfit.json()["code"]) == (422, "arguments_unfit")
        assert "12345" not in misfit.text
    assert len(service.asked) == 2


async def test_no_answer_and_no_audit_line_holds_a_secret(action: dict[str, Any], admin: Asker, store: Store) -> None:
    """
    Only which headers there are; and in the table it is sealed.
    """
    changed = await change(admin, action, secret_headers={"Authorization": NEW, "X-Key": "another-secret"})
    await admin.ask("POST", f"actions/{action['id']}/trials", json={"arguments": {"day": "x"}})
    async with store.connection() as connection:
        rows = await (await connection.execute("select * from audit")).fetchall()
        rows += await (await connection.execute("select * from action")).fetchall()
    told = json.dumps([action, changed.json()]) + str(rows)
    for secret in (SECRET, NEW, "another-secret"):
        assert secret not in told
    assert changed.json()["secret_headers"] == ["Authorization", "X-Key"]
    assert [row["action"] for row in rows if "actor" in row] == ["action.created", "action.changed", "action.tried"]


async def test_secrets_that_are_not_named_stay(action: dict[str, Any], admin: Asker, service: FakeWeb) -> None:
    """
    One that is named is replaced, and one that is null goes.
    """

    async def sent() -> dict[str, str | None]:
        await admin.ask("POST", f"actions/{action['id']}/trials", json={"arguments": {"day": "x"}})
        return {name: service.asked[-1].headers.get(name) for name in ("authorization", "x-key")}

    await change(admin, action, secret_headers={"X-Key": "k"})
    assert await sent() == {"authorization": SECRET, "x-key": "k"}
    await change(admin, action, description="Other words.", headers={})
    assert await sent() == {"authorization": SECRET, "x-key": "k"}
    await change(admin, action, secret_headers={"Authorization": NEW, "X-Key": None})
    assert await sent() == {"authorization": NEW, "x-key": None}


async def test_another_host_is_told_no_secret_that_was_not_meant_for_it(
    action: dict[str, Any], admin: Asker, service: FakeWeb
) -> None:
    """
    Unless it is named again with the new address.
    """
    changed = await change(admin, action, url="https://example.org/on/{day}")
    assert (changed.status_code, changed.json()["secret_headers"]) == (200, [])
    changed = await change(admin, action, url=service.url, secret_headers={"Authorization": NEW})
    assert changed.json()["secret_headers"] == ["Authorization"]


@pytest.mark.parametrize(
    "more",
    [
        {"url": "http://example.org/"},
        {"url": "https://localhost/"},
        {"url": "https://169.254.169.254/latest"},
        {"url": "https://example.org:8443/"},
        {"url": "https://{day}.example.org/"},
        {"url": "https://example.org/{other}"},
        {"name": "contact_form"},
        {"headers": {"Host": "internal"}},
        {"headers": {"X-A": "{day}"}},
        {"secret_headers": {"X-A": "a\r\nHost: internal"}},
        {"parameters": {"type": "object", "properties": {"day": {"type": "string", "pattern": "(a+)+$"}}}},
        {"results": ["$[*]"]},
    ],
)
async def test_what_could_do_harm_is_neither_made_nor_changed_into(
    action: dict[str, Any], admin: Asker, body: dict[str, Any], more: dict[str, Any]
) -> None:
    """
    The answer says what is wrong with it.
    """
    for answer in (
        await admin.ask("POST", "actions", json=body | {"name": "again"} | more),
        await change(admin, action, **more),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "definition_unfit")
        assert answer.json()["detail"]


async def test_a_tenants_actions_have_names_of_their_own(
    action: dict[str, Any], admin: Asker, body: dict[str, Any], asker: MakeAsker
) -> None:
    """
    Another tenant may use the same; it sees and tries nothing of the first one's.
    """
    again = await admin.ask("POST", "actions", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "taken")
    other = await asker(OTHER)
    assert (await other.ask("POST", "actions", json=body)).status_code == 201
    path = f"actions/{action['id']}"
    tag = {"If-Match": action["etag"]}
    for method, where, more in (
        ("GET", path, {}),
        ("PATCH", path, {"json": {"enabled": False}}),
        ("DELETE", path, {}),
        ("POST", f"{path}/trials", {"json": {"arguments": {"day": "x"}}}),
    ):
        assert (await other.ask(method, where, headers=tag, **more)).status_code == 404
    assert (await admin.ask("DELETE", path, headers=tag)).status_code == 204
    assert (await admin.ask("GET", "actions")).json()["items"] == []


async def test_to_try_an_action_is_to_use_it(action: dict[str, Any], asker: MakeAsker, service: FakeWeb) -> None:
    """
    Whoever may only read may not.
    """
    reader = await asker(ONE, scopes={"actions:read"})
    assert (await reader.ask("GET", f"actions/{action['id']}")).status_code == 200
    refused = await reader.ask("POST", f"actions/{action['id']}/trials", json={"arguments": {"day": "x"}})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert service.asked == []
