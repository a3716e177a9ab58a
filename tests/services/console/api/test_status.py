"""How the platform does, by the API; and probes of lines."""

from dev.embedded.ports import free_port
from services.console.settings import ConsoleSettings
from shared.channels.line_setup import Finding, Severity
from shared.ops import ops_app, serving
from shared.store.session import Store
from tests.fakes.account import FakeAccount
from tests.services.console.api.conftest import ONE, Asker, MakeAsker
from tests.services.console.conftest import ACCOUNT, KEY, TOKEN, MakeSettings, OpenConsole


async def _away() -> str | None:
    return "not connected"


async def test_a_platform_key_learns_how_each_service_does(
    opened: OpenConsole, configured: MakeSettings, seeded: ConsoleSettings
) -> None:
    """
    The console itself first, with what it needs; one that says what is missing, and one that says nothing.
    """
    port = free_port()
    services = f"router=http://127.0.0.1:{port},egress=http://127.0.0.1:{free_port()}"
    async with (
        serving(ops_app({"nats": _away}), "127.0.0.1", port),
        opened(configured({"TRUNKLINE_CONSOLE__SERVICES": services})) as client,
    ):
        told = (await Asker(client, KEY).ask("GET", "status")).json()
    assert told["services"] == [
        {"name": "console", "state": "ready", "checks": {"nats": "ok", "postgres": "ok"}},
        {"name": "router", "state": "not_ready", "checks": {"nats": "not connected"}},
        {"name": "egress", "state": "down", "checks": {}},
    ]
    assert abs(told["clock_ahead"]) < 1


async def test_how_the_platform_does_is_no_tenants_business(asker: MakeAsker) -> None:
    """
    Whatever scopes its key has.
    """
    assert (await (await asker(ONE)).ask("GET", "status")).status_code == 404


async def test_a_line_is_probed_with_the_token_that_signs(platform: Asker, twilio: FakeAccount, store: Store) -> None:
    """
    Not with an API key, which it may be called with.
    """
    key = {"sid": "SK" + "6" * 32, "secret": "the-secret-of-the-key"}
    etag = (await platform.ask("GET", "accounts/cr_default")).headers["etag"]
    await platform.ask("PATCH", "accounts/cr_default", json={"api_key": key}, headers={"If-Match": etag})
    answer = (await platform.ask("POST", "lines/ln_default/probes")).json()
    assert (answer["good"], [it["code"] for it in answer["findings"]]) == (True, ["probe_fine"])
    [(used, wanted)] = twilio.probed
    assert (used.account_sid, used.user, used.secret) == (ACCOUNT, ACCOUNT, TOKEN)
    assert (wanted.callback_url or "").startswith("https://gateway.example.org/webhooks/twilio")


async def test_a_probe_that_fails_is_told_with_its_remedy(platform: Asker, twilio: FakeAccount) -> None:
    """
    In the form of every other check.
    """
    twilio.probes = [Finding("probe_refused", Severity.ERROR, "It is refused.", "Mend it.")]
    assert (await platform.ask("POST", "lines/ln_default/probes")).json() == {
        "good": False,
        "findings": [
            {
                "code": "probe_refused",
                "severity": "error",
                "text": "It is refused.",
                "remedy": "Mend it.",
                "fixable": False,
            }
        ],
    }
