"""What the CLI does with a stack: start the supervisor, tell it what is wanted, read what it says."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from signal import SIGHUP, SIGKILL, SIGTERM
from typing import Any

from dev.embedded import databases, is_free
from dev.embedded.quarters import abandon
from dev.stack.faults import NotInTime, NotStarted, PortTaken, UnknownPart
from dev.stack.home import REPOSITORY, Home, read_json
from dev.stack.lock import supervisor_pid
from dev.stack.owners import listener
from dev.stack.plan import Desired, known_ports, port_offset
from dev.stack.probe import answers

START_SECONDS = 180.0
STOP_SECONDS = 75.0
_POLL = 0.05

State = dict[str, Any]


def is_running(home: Home) -> bool:
    """Tell whether a supervisor is at work."""
    return supervisor_pid(home) is not None


def state_of(home: Home) -> State:
    """Return what the supervisor last wrote; empty when it wrote nothing."""
    return read_json(home.run / "state.json") or {}


def launch(home: Home, environ: Mapping[str, str], desired: Desired, seen: Callable[[State], None]) -> State:
    """
    Start a stack and wait until all of it is ready; `seen` gets every state on the way.

    Raises:
        PortTaken: one of the well-known ports is not free.
        NotStarted: something of the stack failed; nothing of it is left running.
    """
    for label, port in known_ports(port_offset(environ)).items():
        name = label.partition("-")[0]
        if name not in desired.without and not is_free(port):
            raise PortTaken(port, name, listener(port))
    home.prepare()
    desired.save(home)
    (home.run / "state.json").unlink(missing_ok=True)
    log = home.log_of("supervisor")
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "dev.stack", str(home.root)],
            cwd=REPOSITORY,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return _await_start(home, supervisor, seen)


def end(home: Home) -> bool:
    """End a stack and wait until nothing of it runs; False when none ran."""
    pid = supervisor_pid(home)
    if pid is None:
        return False
    os.kill(pid, SIGTERM)
    if not _holds(lambda: supervisor_pid(home) != pid, STOP_SECONDS):
        os.kill(pid, SIGKILL)  # its children die with it
    return True


def delete(home: Home) -> None:
    """End a stack and delete its data and keys."""
    end(home)
    abandon(home.postgres)
    shutil.rmtree(home.root, ignore_errors=True)


def keep_down(home: Home, name: str) -> None:
    """Stop the processes of this name, and do not start them again."""
    _known(home, name)
    desired = Desired.load(home)
    _tell(home, replace(desired, stopped=(*desired.stopped, name)))
    if not _holds(lambda: not _pids(home, name), STOP_SECONDS):
        raise NotInTime(f"Stopping {name}", STOP_SECONDS)


def bring_back(home: Home, name: str, seconds: float = 60.0) -> None:
    """Start the processes of this name again, and wait until they are ready."""
    _known(home, name)
    desired = Desired.load(home)
    kept = tuple(other for other in desired.stopped if other != name and other.rpartition("-")[0] != name)
    _tell(home, replace(desired, stopped=kept))
    if not _holds(lambda: all(part["ready"] for part in status(home)["services"] if _is(part, name)), seconds):
        raise NotInTime(f"Starting {name}", seconds)


def status(home: Home) -> State:
    """Return the state of the stack in the form that scripts rely on, each process asked now."""
    state = state_of(home) if is_running(home) else {}
    parts = state.get("parts", [])
    with ThreadPoolExecutor(max(1, len(parts))) as pool:
        ready = list(pool.map(lambda part: _ready(part, state), parts))
    services = [
        {key: part[key] for key in ("name", "replica", "pid", "ops_url")} | {"ready": is_ready, "state": part["state"]}
        for part, is_ready in zip(parts, ready, strict=True)
    ]
    urls = (
        "ingress_url",
        "console_url",
        "simulator_url",
        "webhook_url",
        "nats_url",
        "nats_monitor_url",
        "database_url",
    )
    return {"services": services} | {name: state.get(name) for name in urls}


def _ready(part: State, state: State) -> bool:
    if part["pid"] is None:
        return False
    match part["name"]:
        case "nats":
            return answers(f"{state['nats_monitor_url']}/healthz")
        case "postgres":
            return databases.answers(state["database_url"], seconds=3)
        case "simulator":
            return answers(f"{state['simulator_url']}/healthz")
        case _:
            return answers(f"{part['ops_url']}/readyz")


def _await_start(home: Home, supervisor: subprocess.Popen[bytes], seen: Callable[[State], None]) -> State:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        ended = supervisor.poll() is not None and not is_running(home)  # two may have been started at once
        state = state_of(home)
        seen(state)
        if state.get("phase") == "ready":
            supervisor.returncode = 0  # it lives on without us
            return state
        if ended:
            reason = state.get("failure") or "The supervisor ended."
            raise NotStarted(reason, state.get("failure_log") or home.log_of("supervisor"))
        time.sleep(_POLL)
    end(home)
    raise NotInTime("The start", START_SECONDS)


def _tell(home: Home, desired: Desired) -> None:
    desired.save(home)
    if pid := supervisor_pid(home):
        os.kill(pid, SIGHUP)


def _known(home: Home, name: str) -> None:
    parts = state_of(home).get("parts", [])
    if not any(_is(part, name) for part in parts):
        raise UnknownPart(name, sorted({part["name"] for part in parts}))


def _is(part: State, name: str) -> bool:
    return name in {part["name"], f"{part['name']}-{part['replica']}"}


def _pids(home: Home, name: str) -> list[int]:
    return [part["pid"] for part in state_of(home).get("parts", []) if _is(part, name) and part["pid"]]


def _holds(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True
