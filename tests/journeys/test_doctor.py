"""The doctor before a whole stack: each thing that can be wrong is named as itself, with what to do about it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.journeys.stack import Stack

BY_HAND: dict[str, set[str]] = {
    "healthy": set(),
    "wrong_token": {"wrong_credentials"},
    "token_promoted": {"wrong_credentials"},
    "account_suspended": {"account_suspended"},
    "account_closed": {"account_closed"},
    "trial_account": {"trial_account"},
    "sender_missing": {"sender_missing"},
    "sender_of_another_account": {"sender_of_another_account"},
    "sender_offline": {"sender_offline"},
    "sender_pending_verification": {"sender_pending_verification"},
    "sender_in_review": {"sender_not_ready"},
    "quality_low": {"quality_low"},
    "messaging_service_overrides_inbound": {"messaging_service_overrides_inbound"},
    "messaging_service_drops_inbound": {"messaging_service_drops_inbound"},
    "messaging_service_defers": set(),
    "alerts_recent_11200": {"alerts_recent_11200"},
    "alerts_recent_403": {"alerts_recent_403"},
    "alerts_recent_11205": {"alerts_recent_11205"},
    "alerts_recent_12300": {"alerts_recent_12300"},
    "alerts_recent_14107": {"alerts_recent_14107"},
    "template_rejected": set(),
    "clock_skew": {"clock_skew"},
    "rate_limited": {"rate_limited"},
    "server_error": {"twilio_unreachable"},
    "network_down": {"twilio_unreachable"},
}
FROM_HERE: dict[str, set[str]] = {
    "webhook_missing": {"webhook_missing", "fallback_missing"},
    "webhook_elsewhere": {"webhook_elsewhere"},
    "webhook_method_put": {"webhook_method"},
    "webhook_without_overrides": {"webhook_without_overrides"},
    "fallback_missing": {"fallback_missing"},
    "fallback_elsewhere": {"fallback_elsewhere"},
    "status_callback_missing": {"status_callback_missing"},
    "status_callback_elsewhere": {"status_callback_elsewhere"},
}


@pytest.fixture
def twilio(ward: Stack) -> Iterator[httpx2.Client]:
    """The simulator's API; everything is in order before and after."""
    with httpx2.Client(base_url=ward.told("status")["simulator_url"], trust_env=False) as client:
        client.delete("/sim/conditions").raise_for_status()
        yield client
        client.delete("/sim/conditions").raise_for_status()


def wrong(stack: Stack, *words: str) -> dict[str, dict[str, Any]]:
    """Return what the doctor finds wrong, by its code; its status says whether it is anything."""
    done = stack.ask("doctor", *words, "-o", "json")
    told = json.loads(done.stdout)
    found = {it["code"]: it for it in told["findings"] if it["severity"] != "ok"}
    assert (done.returncode, told["good"]) == ((1, False) if found else (0, True))
    return found


@pytest.mark.parametrize("condition", [*BY_HAND, *FROM_HERE])
def test_each_condition_is_diagnosed_as_itself(condition: str, ward: Stack, twilio: httpx2.Client) -> None:
    """
    By its own finding and no other, in a sentence, with a remedy; whether it can be mended from here is said, too.
    """
    twilio.post("/sim/conditions", json={"name": condition}).raise_for_status()
    found = wrong(ward)
    assert set(found) == (BY_HAND | FROM_HERE)[condition]
    for finding in found.values():
        assert finding["subject"] == "ln_default"
        assert finding["text"].endswith(".")
        assert len(finding["remedy"]) > 10
        assert finding["fixable"] == (condition in FROM_HERE)


@pytest.mark.parametrize("condition", FROM_HERE)
def test_what_can_be_mended_from_here_is_gone_afterwards(condition: str, ward: Stack, twilio: httpx2.Client) -> None:
    """
    `--fix` provisions the line and looks again.
    """
    twilio.post("/sim/conditions", json={"name": condition}).raise_for_status()
    assert wrong(ward, "--fix") == {}


def test_what_twilio_does_not_let_us_mend_is_said(ward: Stack, twilio: httpx2.Client) -> None:
    """
    The fault is still there, beside Twilio's refusal with its code.
    """
    twilio.post("/sim/conditions", json={"name": "update_refused"}).raise_for_status()
    found = wrong(ward, "--fix")
    assert set(found) == {"webhook_elsewhere", "provisioning_refused"}
    assert "20001" in found["provisioning_refused"]["text"]


def test_a_process_that_was_stopped_is_named(ward: Stack, twilio: httpx2.Client) -> None:
    """
    With the command that starts it. Without ingress the public address is closed, too.
    """
    ward.run("stop", "ingress")
    found = wrong(ward)
    ward.run("start", "ingress")
    assert set(found) == {"process_stopped", "probe_unreachable_closed"}
    assert found["process_stopped"]["subject"] == "ingress-1"
    assert found["process_stopped"]["remedy"] == "Start it: trunkline start ingress"
    assert wrong(ward) == {}


def test_without_a_server_the_server_alone_is_named(ward: Stack, twilio: httpx2.Client) -> None:
    """
    That the services are not ready then is no news, and lines cannot be looked at.
    """
    ward.run("stop", "postgres")
    found = wrong(ward)
    ward.run("start", "postgres")
    assert {(it["subject"], code) for code, it in found.items()} == {("postgres-1", "process_stopped")}


def test_what_is_said_to_a_person_ends_with_the_fix(ward: Stack, twilio: httpx2.Client) -> None:
    """
    One line for each thing that was looked at.
    """
    twilio.post("/sim/conditions", json={"name": "sender_offline"}).raise_for_status()
    lines = ward.ask("doctor", "-o", "table").stdout.splitlines()
    [offline] = [line for line in lines if line.startswith("✗")]
    assert offline.startswith("✗ ln_default  The sender is offline.")
    assert offline.endswith("Resolve the reasons in Twilio's console.")
    assert len([line for line in lines if line.startswith("✓")]) == len(lines) - 1
