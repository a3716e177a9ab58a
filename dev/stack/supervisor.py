"""Starts the stack in order, keeps it running, and ends it in order."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGCHLD, SIGHUP, SIGINT, SIGTERM
from typing import Any, Literal

from dev.stack.environment import Setup
from dev.stack.faults import NotStarted, StackFault
from dev.stack.gaps import GapWatch
from dev.stack.home import Home, write_json
from dev.stack.parts import Runnable, job, runnable, servers
from dev.stack.plan import SERVERS, STAGES, Desired, Part, assign_ports, port_offset
from dev.stack.secrets import database_urls, let_in_services, make_keys, platform_account
from dev.stack.tender import Tender

Phase = Literal["starting", "ready", "failed", "stopping"]

JOBS = {"migrations": "db upgrade", "topology": "topology apply"}
_STAGE_SECONDS = 60.0
_JOB_SECONDS = 60.0
_POLL = 0.05
_THREADS = 32
_BAD_CONFIGURATION = 2
_HOPELESS = 3
"""Deaths of a process during the start after which waiting is of no use."""


class Supervisor:
    """One stack. `run` ends when the stack has ended."""

    def __init__(self, home: Home, caller: Mapping[str, str]) -> None:
        self._home = home
        self._desired = Desired.load(home)
        parts = self._desired.parts()
        ports = assign_ports(home, [*parts, *(Part(name, 1) for name in SERVERS)], port_offset(caller))
        nats, postgres = servers(home, ports)
        self._postgres = postgres
        webhook_url = f"http://127.0.0.1:{ports['ingress-1']}/webhooks/twilio"
        self._setup = Setup(
            caller=caller,
            home=home,
            ports=ports,
            parts=parts,
            nats_url=nats.url,
            nats_monitor_url=nats.monitor_url,
            database_urls=database_urls(home, postgres),
            account=platform_account(home, caller, webhook_url),
        )
        embedded: dict[str, Runnable] = {"nats": nats, "postgres": postgres}
        self._tenders = [
            Tender(part, embedded.get(part.name) or runnable(part, self._setup), self._publish) for part in parts
        ]
        self._phase: Phase = "starting"
        self._failure: NotStarted | None = None
        self._stop = asyncio.Event()

    async def run(self) -> bool:
        """Run the stack until it is told to stop; False when it could not start."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_THREADS))
        loop.add_signal_handler(SIGCHLD, self._look_at_children)
        loop.add_signal_handler(SIGHUP, self._take_wishes)
        for number in (SIGTERM, SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        tending = [asyncio.create_task(tender.tend()) for tender in self._tenders]
        try:
            await self._start_or_stop()
            tending.extend(self._watching())
            await self._stop.wait()
        except NotStarted as failure:
            self._failure = failure
        finally:
            await self._end()
            for task in tending:
                task.cancel()
        return self._failure is None

    def _watching(self) -> list[asyncio.Task[None]]:
        """Begin to fill gaps, in a stack that has a console to do it."""
        if not (self._setup.has("console") and self._setup.has("ingress")):
            return []
        ingress = [tender for tender in self._tenders if tender.part.name == "ingress"]
        watch = GapWatch(ingress, self._setup.url("console-1"), self._home.keys / "console")
        return [asyncio.create_task(watch.watch())]

    async def _start_or_stop(self) -> None:
        """Start everything, unless told to stop while at it."""
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
        else:
            starting.result()

    async def _start(self) -> None:
        for names in STAGES:
            await self._start_stage([tender for tender in self._tenders if tender.part.name in names])
            if names == SERVERS:
                await asyncio.gather(*(self._do(name, words) for name, words in JOBS.items()))
                await asyncio.to_thread(let_in_services, self._home, self._postgres)
        self._be("ready")
        self._take_wishes()  # somebody may have had one meanwhile

    async def _start_stage(self, tenders: Sequence[Tender]) -> None:
        for tender in tenders:
            tender.want(wanted=True)
        deadline = time.monotonic() + _STAGE_SECONDS
        await asyncio.gather(*(self._until_ready(tender, deadline) for tender in tenders))

    async def _until_ready(self, tender: Tender, deadline: float) -> None:
        label, log = tender.part.label, self._home.log_of(tender.part.label)
        while not (tender.state == "running" and await asyncio.to_thread(tender.runnable.is_ready)):
            if tender.last_exit == _BAD_CONFIGURATION:
                raise NotStarted(f"{label} refuses its settings.", log)
            if tender.restarts >= _HOPELESS:
                raise NotStarted(f"{label} dies at its start.", log)
            if time.monotonic() > deadline:
                raise NotStarted(f"{label} is not ready after {_STAGE_SECONDS:g} s.", log)
            await asyncio.sleep(_POLL)

    async def _do(self, name: str, words: str) -> None:
        process = job(words, name, self._setup)
        deadline = time.monotonic() + _JOB_SECONDS
        try:
            while process.exit_code() is None and time.monotonic() < deadline:
                await asyncio.sleep(_POLL)
        finally:
            process.kill()
        if process.exit_code() != 0:
            raise NotStarted(f"`trunkline {words}` failed.", self._home.log_of(f"{name}-1"))

    async def _end(self) -> None:
        """End the services first, then what they stand on."""
        self._be("stopping")
        embedded = [tender for tender in self._tenders if tender.part.name in SERVERS]
        for tenders in ([tender for tender in self._tenders if tender not in embedded], embedded):
            for tender in tenders:
                tender.want(wanted=False)
            await asyncio.gather(*(tender.down() for tender in tenders))
        if self._failure:
            self._be("failed")
        else:
            _state_file(self._home).unlink(missing_ok=True)

    def _look_at_children(self) -> None:
        for tender in self._tenders:
            tender.nudge()

    def _take_wishes(self) -> None:
        self._desired = Desired.load(self._home)
        if self._phase == "ready":
            for tender in self._tenders:
                tender.want(not self._desired.keeps_down(tender.part))

    def _be(self, phase: Phase) -> None:
        self._phase = phase
        self._publish()

    def _publish(self) -> None:
        setup = self._setup
        state: dict[str, Any] = {
            "supervisor": os.getpid(),
            "phase": self._phase,
            "failure": str(self._failure) if self._failure else None,
            "failure_log": str(self._failure.log) if self._failure else None,
            "parts": [self._describe(tender) for tender in self._tenders],
            "ingress_url": setup.url("ingress-1") if setup.has("ingress") else None,
            "console_url": setup.url("console-1") if setup.has("console") else None,
            "simulator_url": setup.url("simulator-1") if setup.has("simulator") else None,
            "webhook_url": setup.account["TWILIO_WEBHOOK_URL"],
            "nats_url": setup.nats_url,
            "nats_monitor_url": setup.nats_monitor_url,
            "database_url": setup.database_urls["migrations"],
            "default_from": setup.account["TWILIO_DEFAULT_FROM"],
        }
        write_json(_state_file(self._home), state)

    def _describe(self, tender: Tender) -> dict[str, Any]:
        return {
            "name": tender.part.name,
            "replica": tender.part.replica,
            "pid": tender.pid,
            "ops_url": self._setup.ops_url(tender.part),
            "state": tender.state,
            "restarts": tender.restarts,
        }


def supervise(home: Home, caller: Mapping[str, str]) -> bool:
    """
    Run a stack to its end; False when it could not start, with the reason in the state file.

    Logs go to the standard streams. The caller holds the home's lock.
    """
    home.prepare()
    make_keys(home)

    async def run() -> bool:
        return await Supervisor(home, caller).run()

    try:
        return asyncio.run(run())
    except StackFault as fault:
        write_json(_state_file(home), {"phase": "failed", "failure": str(fault), "failure_log": None, "parts": []})
        return False


def _state_file(home: Home) -> Path:
    return home.run / "state.json"
