"""Which hosts the platform lets tools reach beyond the public: how the variable is read."""

import pytest

from services.agent.settings import AgentSettings
from services.console.settings import ConsoleSettings
from shared.outbound.settings import OutboundSettings
from shared.settings import from_env
from tests.unit.test_settings import NEEDED, refused

ALLOW = "TRUNKLINE_OUTBOUND__ALLOW"
LOCAL = {"TRUNKLINE_ENVIRONMENT": "local"}
BOTH = pytest.mark.parametrize("model", [AgentSettings, ConsoleSettings])


@BOTH
def test_a_host_is_named_with_or_without_its_port(model: type[OutboundSettings]) -> None:
    """
    Without one every port is meant; of other hosts none is.
    """
    allowed = from_env(model, NEEDED | {ALLOW: "Model.corp, crm.corp:8080,crm.corp:8081"}).allowed
    assert allowed.has("model.corp", 1)
    assert [port for port in (80, 8080, 8081) if allowed.has("crm.corp", port)] == [8080, 8081]
    assert not allowed.has("corp", 443)
    assert from_env(model, NEEDED).allowed.hosts == {}


@BOTH
@pytest.mark.parametrize(
    "host", ["localhost", "a.localhost:1", "127.0.0.1", "127.8.8.8:80", "[::1]:80", "127.1", "0x7f.1"]
)
def test_this_machine_is_named_only_where_the_platform_is_local(
    model: type[OutboundSettings], host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Anywhere else start-up refuses it.
    """
    [line] = refused(capsys, NEEDED | {ALLOW: host}, model)
    assert ALLOW in line
    assert from_env(model, NEEDED | LOCAL | {ALLOW: host}).allowed.loopback
    assert not from_env(model, NEEDED | {ALLOW: "model.corp"}).allowed.loopback


@pytest.mark.parametrize(
    "value", ["http://a.corp", "a.corp:x", "a.corp:0", "a.corp:70000", "a b", "*", "a.corp/x", "u@a.corp"]
)
def test_what_is_no_host_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """
    With the variable's name.
    """
    [line] = refused(capsys, NEEDED | {ALLOW: value}, AgentSettings)
    assert line.startswith(f"{ALLOW}: ")
