"""What is wrong with the stack here, and with the platform as its console sees it."""

from collections.abc import Iterator, Mapping
from typing import Any

from cli.api import ask, is_remote
from cli.findings import ERROR, OK, WARNING, Finding
from cli.local import home_here
from cli.outcome import CommandFailed, Exit
from dev.stack import control

_SERVERS = frozenset({"nats", "postgres"})
_CLOCK_TOLERANCE = 2.0
"""Seconds: leases and windows reckon with the database's clock, alerts and deadlines with ours."""


def local_stack() -> tuple[bool, list[Finding]]:
    """Look at the processes of the stack here, at none where another platform is asked. Tell whether there is one."""
    if is_remote():
        return True, []
    home = home_here()
    if not control.is_running(home):
        return False, [
            Finding("stack", "stack_not_running", ERROR, "No stack is running here.", "Start it: trunkline up")
        ]
    processes = control.status(home)["services"]
    down = [process for process in processes if not process["ready"]]
    servers_down = [process for process in down if process["name"] in _SERVERS]
    if not down:
        return True, [Finding("stack", "stack_ready", OK, f"All {len(processes)} processes are ready.")]
    return True, [
        _about_process(it) for it in servers_down or down
    ]  # without a server nobody is ready: that is no news


def platform() -> tuple[bool, list[Finding]]:
    """Look at the services and the clocks through the API; tell whether it can be asked about lines, too."""
    try:
        status = ask("GET", "status")
    except CommandFailed as failed:
        if failed.status is Exit.NOT_FOUND:  # a tenant's key: how the platform does is not its business
            return True, []
        return False, [_about_refusal(failed)]
    services = [] if not is_remote() else [*_about_services(status["services"])]
    return status["clock_ahead"] is not None, [*services, *_about_clock(status["clock_ahead"])]


def _about_process(process: Mapping[str, Any]) -> Finding:
    label = f"{process['name']}-{process['replica']}"
    if process["state"] == "stopped":
        return Finding(
            label, "process_stopped", ERROR, "It was stopped.", f"Start it: trunkline start {process['name']}"
        )
    return Finding(label, "process_not_ready", ERROR, "It is not ready.", f"See why: trunkline logs {label}")


def _about_services(services: list[Mapping[str, Any]]) -> Iterator[Finding]:
    for service in services:
        name = str(service["name"])
        wrong = [f"{what}: {told}" for what, told in service["checks"].items() if told != "ok"]
        if service["state"] == "down":
            yield Finding(name, "service_down", ERROR, "It does not answer.", "Start it, and look at its log.")
        elif wrong:
            mend = "Mend what it needs, and look at its log."
            yield Finding(name, "service_not_ready", ERROR, f"It is not ready: {', '.join(wrong)}.", mend)
        else:
            yield Finding(name, "service_ready", OK, "It is ready.")


def _about_clock(ahead: float | None) -> Iterator[Finding]:
    if ahead is None:
        yield Finding(
            "postgres",
            "database_unreachable",
            ERROR,
            "The database does not answer; what needs it was not looked at.",
            "Start Postgres, and check TRUNKLINE_DB__URL.",
        )
    elif abs(ahead) > _CLOCK_TOLERANCE:
        text = f"The console's clock and the database's are {abs(ahead):.0f} seconds apart."
        yield Finding("clock", "clock_skew_database", WARNING, text, "Set both by NTP.")
    else:
        yield Finding("clock", "clock_right", OK, "The clocks of console and database agree.")


def _about_refusal(failed: CommandFailed) -> Finding:
    if failed.status is Exit.DENIED:
        mend = "Set TRUNKLINE_API_KEY to a key that may read settings and lines."
        return Finding("console", "key_refused", ERROR, str(failed), mend)
    mend = "Check TRUNKLINE_API_URL, and that the console runs." if is_remote() else "Start it: trunkline start console"
    return Finding("console", "console_unreachable", ERROR, "The console does not answer.", mend)
