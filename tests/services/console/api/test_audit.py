"""The audit log, as admins read it."""

import pytest

from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker
from tests.services.console.api.test_messages import listed

AGENT = {"name": "A", "instructions": "Help."}


@pytest.mark.parametrize("name", ["actor", "action", "object"])
async def test_the_log_is_cut_by_who_what_and_to_what(admin: Asker, platform: Asker, name: str) -> None:
    """
    Each line tells all three.
    """
    await admin.ask("POST", "agents", json=AGENT)
    await platform.ask("POST", "users", json={"tenant": ONE, "email": "e@example.org", "name": "E"})
    newest, oldest = await listed(admin, "audit")
    assert (newest["action"], oldest["action"]) == ("app_user.created", "agent.created")
    for line in (newest, oldest):
        assert [it["id"] for it in await listed(admin, f"audit?{name}={line[name]}")] == [line["id"]]
    assert await listed(admin, f"audit?created_at[lt]={oldest['created_at']}") == []


async def test_a_company_reads_what_was_done_to_its_own(admin: Asker, asker: MakeAsker, platform: Asker) -> None:
    """
    By whomever; of the platform's own affairs it reads nothing.
    """
    await admin.ask("POST", "agents", json=AGENT)
    await platform.ask("POST", "api-keys", json={"name": "x", "scopes": ["audit:read"]})
    assert await listed(await asker(OTHER), "audit") == []
    assert [line["action"] for line in await listed(admin, "audit")] == ["agent.created"]
    assert [line["action"] for line in await listed(platform, "audit")] == ["api_key.created", "agent.created"]
    assert len(await listed(platform, f"audit?tenant={ONE}")) == 1


async def test_the_log_can_only_be_read(admin: Asker) -> None:
    """
    There is no way to write, change or delete a line.
    """
    for method in ("POST", "PATCH", "DELETE", "PUT"):
        assert (await admin.ask(method, "audit")).status_code == 405
