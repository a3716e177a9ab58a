"""What agents may spend and remember, as settings."""

from typing import Any

import pytest

from tests.services.console.api.conftest import ONE, Asker
from tests.services.console.api.past import Past

SETTINGS: dict[str, Any] = {
    "fallback_model": "other",
    "remembers": "whole",
    "memory_tokens": 4000,
    "message_tokens": 20_000,
    "conversation_tokens": 300_000,
}


async def test_an_agents_budgets_and_memory_are_its_companys(past: Past, admin: Asker) -> None:
    """
    Whoever may change the agent may change them, and take a limit away again.
    """
    made = (await admin.ask("POST", "agents", json={"name": "A", "instructions": "Help.", **SETTINGS})).json()
    assert {name: made[name] for name in SETTINGS} == SETTINGS
    agent, none = f"agents/{made['id']}", {"message_tokens": None, "fallback_model": None}
    changed = (await admin.ask("PATCH", agent, json=none, headers={"If-Match": '"1"'})).json()
    assert {name: changed[name] for name in SETTINGS} == {**SETTINGS, **none}


async def test_an_agent_has_no_limits_unless_it_is_given_some(past: Past, admin: Asker) -> None:
    """
    And remembers its last five messages.
    """
    made = (await admin.ask("POST", "agents", json={"name": "A", "instructions": "Help."})).json()
    assert {name: made[name] for name in ("memory", *SETTINGS)} == {
        "memory": 5, "fallback_model": None, "remembers": "last", "memory_tokens": 8000, "message_tokens": None,
        "conversation_tokens": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [{"remembers": "everything"}, {"memory_tokens": 499}, {"memory_tokens": None}, {"message_tokens": -1}],
    ids=["another_way", "too_few", "none", "less_than_nothing"],
)
async def test_what_makes_no_sense_is_refused(past: Past, admin: Asker, wrong: dict[str, Any]) -> None:
    """
    Nothing is changed.
    """
    answer = await admin.ask("PATCH", "agents/ag_one", json=wrong, headers={"If-Match": '"1"'})
    assert answer.status_code == 422


async def test_a_companys_tokens_a_day_are_the_platforms_to_set(past: Past, admin: Asker, platform: Asker) -> None:
    """
    Its own admin reads them.
    """
    wanted: dict[str, Any] = {"json": {"daily_tokens": 1_000_000}, "headers": {"If-Match": '"1"'}}
    assert (await admin.ask("PATCH", f"tenants/{ONE}", **wanted)).status_code == 403
    assert (await platform.ask("PATCH", f"tenants/{ONE}", **wanted)).status_code == 200
    assert (await admin.ask("GET", f"tenants/{ONE}")).json()["daily_tokens"] == 1_000_000
