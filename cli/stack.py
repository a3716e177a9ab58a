"""Commands about the local stack."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cli.asking import confirm
from cli.local import home_here, running_stack
from cli.outcome import Exit, bold, fail, faint, is_table, note, say, say_json, say_table
from cli.records import repeat
from dev.stack import control, faults
from dev.stack.foreground import simulator_environment
from dev.stack.home import REPOSITORY
from dev.stack.plan import COMPANIONS, SERVICES, Desired

_MOST_REPLICAS = 16
_LOG_LINES = 15
_STATUSES: dict[type[faults.StackFault], Exit] = {
    faults.PortTaken: Exit.CONFLICT,
    faults.Misconfigured: Exit.CONFIGURATION,
    faults.UnknownPart: Exit.NOT_FOUND,
    faults.NotInTime: Exit.UNAVAILABLE,
}


def up(replicas: str, without: str) -> None:
    """Start the stack, unless it runs; then show that it answers and where it is."""
    began = time.monotonic()
    home, desired = home_here(), Desired(_replicas(replicas), _left_out(without))
    if control.is_running(home):
        note("The stack is already running. To change its replicas, stop it first: trunkline down")
        _print_places(control.state_of(home))
        return
    with _faults_as_lines():
        try:
            state = control.launch(home, os.environ, desired, _Progress().show)
        except KeyboardInterrupt:
            control.end(home)
            raise
    note(f"Ready after {time.monotonic() - began:.1f} s.")
    answered = _converse(state) if state["simulator_url"] else True
    _print_places(state)
    _print_first_run(state)
    note(f"Took {time.monotonic() - began:.1f} s. Stop it with: trunkline down")
    if not answered:
        fail(Exit.UNAVAILABLE, "Nobody answered the first message. What happened: trunkline logs")


def down() -> None:
    """Stop everything."""
    note("Stopped." if control.end(home_here()) else "No stack is running.")


def reset(*, sure: bool) -> None:
    """Stop everything and delete the home."""
    home = home_here()
    confirm(f"This stops the stack and deletes {home.root}: data, keys and logs.", sure=sure)
    control.delete(home)
    note("Deleted.")


def status() -> None:
    """Print the state of each process, asked now; again and again where that was asked for."""
    repeat(_status)


def _status() -> None:
    found = control.status(home_here())
    if not is_table():
        say_json(found)
    elif found["services"]:
        rows = [
            (_label(part), str(part["pid"] or "-"), _in_words(part), part["ops_url"] or "-")
            for part in found["services"]
        ]
        say_table(("PROCESS", "PID", "STATE", "OPS"), rows)
        _print_places(found)
    if not found["services"]:
        fail(Exit.UNAVAILABLE, "No stack is running. Start it: trunkline up")


def stop(name: str) -> None:
    """Stop a process and keep it down."""
    home, _ = running_stack()
    with _faults_as_lines():
        control.keep_down(home, name)
    note(f"{name} is stopped, and stays so until: trunkline start {name}")


def start(name: str) -> None:
    """Bring a process back and wait until it is ready."""
    home, _ = running_stack()
    with _faults_as_lines():
        control.bring_back(home, name)
    note(f"{name} is ready.")


def simulator() -> None:
    """Become the simulator."""
    with _faults_as_lines():
        environment = simulator_environment(home_here(), os.environ)
    os.chdir(REPOSITORY)
    os.execve(sys.executable, [sys.executable, "-m", "dev.simulator"], environment)  # noqa: S606 - our own program


def _converse(state: control.State) -> bool:
    from cli.talk import first_message

    return first_message(state["simulator_url"], state["default_from"])


def _print_places(state: control.State) -> None:
    phone = f"{state['simulator_url']}/" if state["simulator_url"] else None
    places = (("Console", state["console_url"]), ("Phone", phone), ("Webhook", state["webhook_url"]))
    say()
    for name, url in places:
        if url:
            say(f"{name:<9} {url}")


def _print_first_run(state: control.State) -> None:
    from cli.users import first_run_address

    if state["console_url"] and (address := first_run_address()):
        say(f"{'Account':<9} {address}")


class _Progress:
    """Tells of each process once, as it starts."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def show(self, state: control.State) -> None:
        for part in state.get("parts", ()):
            label = _label(part)
            if part["state"] == "running" and label not in self._told:
                self._told.add(label)
                note(faint(f"started {label}"))


@contextmanager
def _faults_as_lines() -> Iterator[None]:
    try:
        yield
    except faults.NotStarted as fault:
        _print_end(Path(fault.log) if fault.log else None)
        fail(Exit.FAILURE, f"{fault}" + (f" Log: {fault.log}" if fault.log else ""))
    except faults.StackFault as fault:
        fail(_STATUSES.get(type(fault), Exit.FAILURE), str(fault))


def _print_end(log: Path | None) -> None:
    if log and log.exists():
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]:
            note(faint(f"  {line}"))


def _replicas(words: str) -> dict[str, int]:
    counts = {}
    for word in _words(words):
        name, _, count = word.partition("=")
        if name not in SERVICES or not count.isdecimal() or not 1 <= int(count) <= _MOST_REPLICAS:
            fail(
                Exit.CONFIGURATION,
                f"--replicas: {word} is not SERVICE=COUNT with a service of {', '.join(SERVICES)} and 1 to {_MOST_REPLICAS}",
            )
        counts[name] = int(count)
    return counts


def _left_out(words: str) -> tuple[str, ...]:
    names = _words(words)
    for name in names:
        if name not in (*COMPANIONS, *SERVICES):
            fail(Exit.CONFIGURATION, f"--without: {name} is none of {', '.join((*COMPANIONS, *SERVICES))}")
    return tuple(names)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _label(part: dict[str, Any]) -> str:
    return f"{part['name']}-{part['replica']}"


def _in_words(part: dict[str, Any]) -> str:
    return bold("ready") if part["ready"] else str(part["state"]).replace("running", "not ready")
