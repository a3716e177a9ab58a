"""The simulator on its own, for a stack started without it."""

from collections.abc import Mapping

from dev.embedded import free_port
from dev.embedded.ports import LOOPBACK
from dev.stack.environment import Setup, environment_of
from dev.stack.home import Home
from dev.stack.plan import Part, known_ports, port_offset
from dev.stack.secrets import platform_account

_SIMULATOR = Part("simulator", 1)


def simulator_address(caller: Mapping[str, str]) -> str:
    """Return where it serves."""
    return f"http://{LOOPBACK}:{known_ports(port_offset(caller))[_SIMULATOR.label]}"


def simulator_environment(home: Home, caller: Mapping[str, str]) -> dict[str, str]:
    """Return the simulator's environment: the ports of this offset, the account of this home."""
    home.prepare()
    ports = {**known_ports(port_offset(caller)), f"{_SIMULATOR.label}/ops": free_port()}
    webhook_url = f"http://127.0.0.1:{ports['ingress-1']}/webhooks/twilio"
    setup = Setup(
        caller=caller,
        home=home,
        ports=ports,
        parts=(),
        nats_url="",
        nats_monitor_url="",
        database_urls={},
        account=platform_account(home, caller, webhook_url),
    )
    return environment_of(_SIMULATOR, setup)
