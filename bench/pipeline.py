"""Processes of one pipeline, and the load that goes through it."""

import asyncio
import itertools
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg

from dev.embedded import nats_server, postgres_server
from dev.embedded.ports import free_port
from dev.simulator.signer import sign
from dev.stack.probe import answers
from dev.stack.secrets import DATABASE_USERS
from shared.bus import apply_topology
from shared.store.migrations import upgrade

ACCOUNT, TOKEN, LINE = "AC" + "5" * 32, "7" * 32, "whatsapp:+14155238886"
SECOND_LINE = "whatsapp:+14155230000"
PUBLIC_URL = "https://bench.example/webhooks/twilio"
_ROOT = Path(__file__).parents[1]
_PASSWORD = "bench"
_START_SECONDS = 60.0
_DRAIN_SECONDS = 120.0


def environment(nats_url: str, monitor_url: str, database_url: str, arrivals: str) -> dict[str, str]:
    """Return what all stages read."""
    return {
        "PATH": os.environ["PATH"],
        "BENCH_ARRIVALS": arrivals,
        "TRUNKLINE_ENVIRONMENT": "local",
        "TRUNKLINE_NATS__URL": nats_url,
        "TRUNKLINE_NATS__MONITOR_URL": monitor_url,
        "TRUNKLINE_DB__URL": database_url,
        "TRUNKLINE_KEYS__VAULT": "11" * 32,
        "TRUNKLINE_KEYS__PEPPER": "22" * 32,
        "TRUNKLINE_KEYS__THREAD_PEPPER": "33" * 32,
        "TRUNKLINE_KEYS__CONSOLE": "44" * 32,
        "TRUNKLINE_LOG__LEVEL": "warning",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_DEFAULT_FROM": LINE,
        "TWILIO_WEBHOOK_URL": PUBLIC_URL,
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "OPENAI_API_KEY": "none",
        "TRUNKLINE_MODEL": "stub",
    }


@contextmanager
def stages(
    modules: Sequence[str], base: Mapping[str, str], **variables: str
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run these modules, each a process of its own, until the block ends."""
    processes, probes = list[subprocess.Popen[bytes]](), []
    try:
        for module in modules:
            port = free_port()
            own = {**base, **_login(base, module), "TRUNKLINE_OPS__PORT": str(port), **variables}
            processes.append(subprocess.Popen([sys.executable, "-m", *module.split()], cwd=_ROOT, env=own))
            probes.append(f"http://127.0.0.1:{port}/readyz")
        until = time.monotonic() + _START_SECONDS
        while not all(answers(probe) for probe in probes):
            if time.monotonic() > until:
                raise TimeoutError(f"not ready: {modules}")
            time.sleep(0.05)
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)  # one that was killed on purpose stays so
        for process in processes:
            process.wait(30)


def _login(base: Mapping[str, str], module: str) -> dict[str, str]:
    """Return the database of a service, under its own login."""
    service = module.rpartition(".")[2].removeprefix("stage ")
    return {"TRUNKLINE_DB__URL": login(base["TRUNKLINE_DB__URL"], service)} if service in DATABASE_USERS else {}


def login(database: str, service: str) -> str:
    """Return a database's address under a service's login; without row-level security the figures would flatter."""
    url = urlsplit(database)
    return url._replace(netloc=f"{service}:{_PASSWORD}@{url.hostname}:{url.port}").geturl()


@contextmanager
def servers(
    where: Path, *, tenants: int = 1, plant: Callable[[str], None] | None = None, **variables: str
) -> Iterator[tuple[dict[str, str], "Arrived"]]:
    """
    Run fresh NATS and Postgres, with streams, schema and a platform of one tenant or two.

    `plant`: fills the database of this URL before anybody uses it. `variables`: the console's own.
    """
    folder = Path(tempfile.mkdtemp(dir=where))
    with nats_server(folder / "nats") as nats, postgres_server(folder / "postgres") as postgres:
        apply_topology(nats.url)
        database_url = postgres.create_database("bench")
        upgrade(database_url)
        for service in DATABASE_USERS:
            postgres.let_in(service, _PASSWORD, f"trunkline_{service}")
        if plant is not None:
            plant(database_url)
        arrived = Arrived(str(folder / "arrivals"))
        base = environment(nats.url, nats.monitor_url, database_url, arrived.path)
        console = (("services.console",), {**base, "TRUNKLINE_CONSOLE__PORT": str(free_port()), **variables})
        if tenants > 1:
            with stages(*console):
                _plant_second(database_url)  # ingress learns of it when the console starts again
        with stages(*console):
            yield base, arrived


def _plant_second(database_url: str) -> None:
    """Make a tenant beside the first one, with the same kind of agent and a line of its own."""
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into tenant (id, name) values ('tn_second', 'Second')")
        connection.execute(
            "insert into agent (id, tenant_id, name, instructions) select 'ag_second', 'tn_second', name, instructions from agent"
        )
        connection.execute(
            """
            insert into line (id, tenant_id, agent_id, credential_id, channel, provider, sender, enabled, access)
            select 'ln_second', 'tn_second', 'ag_second', credential_id, channel, provider, %s, enabled, access from line
            """,
            (SECOND_LINE,),
        )


_sids = itertools.count(1)
_QUESTIONS = (
    "Hello, when does the shop open on Saturday?",
    "Thanks. Do you have a parking place near by?",
    "And could I bring my dog along?",
    "What does it cost to send a parcel to Spain?",
    "Which of your bicycles is the lightest one?",
    "Can I pay by card when I fetch it?",
    "Please tell me where my last order is.",
)
"""Different ones: who says the same again and again is taken for another automatic service (ADR 20)."""


def webhooks(first: int, count: int, person: str = "", line: str = LINE, text: str = "") -> list[tuple[str, bytes]]:
    """Return signed posts of as many people, or of one, each with the address that it is answered at. `text`: of all of them."""
    made = []
    one = person
    for number in range(first, first + count):
        person, asked = one or f"whatsapp:+1555{number:07d}", next(_sids)
        sid = f"SM{asked:032x}"
        form = {
            "AccountSid": ACCOUNT,
            "ApiVersion": "2010-04-01",
            "Body": text or _QUESTIONS[asked % len(_QUESTIONS)],
            "From": person,
            "MessageSid": sid,
            "MessageType": "text",
            "NumMedia": "0",
            "NumSegments": "1",
            "ProfileName": "Ann Example",
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": line,
            "WaId": person.removeprefix("whatsapp:+"),
        }
        body = urlencode(form).encode()
        head = (
            "POST /webhooks/twilio HTTP/1.1\r\nHost: bench.example\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"X-Twilio-Signature: {sign(TOKEN, PUBLIC_URL, form)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append((person, head.encode() + body))
    return made


@dataclass
class Arrived:
    """When what reached the end of the pipeline."""

    path: str
    at: dict[str, float] = field(default_factory=dict)
    last: float = 0.0
    count: int = 0

    def __post_init__(self) -> None:
        Path(self.path).unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        self._socket.bind(self.path)
        self._socket.setblocking(False)

    def listen(self) -> None:
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self) -> None:
        while True:
            try:
                what = self._socket.recv(256)
            except BlockingIOError:
                return
            self.last = time.monotonic()
            self.count += 1
            self.at[what.decode()] = self.last

    async def these(self, people: Collection[str]) -> None:
        """Wait until each of these people was answered."""
        until = time.monotonic() + _DRAIN_SECONDS
        while missing := [person for person in people if person not in self.at]:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(missing)} of {len(people)} did not arrive")
            await asyncio.sleep(0.02)

    async def all_there(self, count: int, within: float = _DRAIN_SECONDS) -> None:
        until = time.monotonic() + within
        while len(self.at) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(self.at)} of {count} arrived")
            await asyncio.sleep(0.02)


async def post_all(port: int, requests: Sequence[bytes], connections: int) -> float:
    """Post as fast as the answers come; return the requests per second."""
    waiting = iter(requests)

    async def worker() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            writer.write(request)
            await _answered(reader)
        writer.close()

    began = time.monotonic()
    await asyncio.gather(*(worker() for _ in range(connections)))
    return len(requests) / (time.monotonic() - began)


async def post_steadily(port: int, requests: Sequence[tuple[str, bytes]], per_second: float) -> dict[str, float]:
    """Post at a rate, whatever the answers do; return when each was posted."""
    posted: dict[str, float] = {}
    free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.LifoQueue()

    async def one(person: str, request: bytes) -> None:
        posted[person] = time.monotonic()
        pair = free.get_nowait() if free.qsize() else await asyncio.open_connection("127.0.0.1", port)
        if pair[0].at_eof():  # the server closes what is idle for long
            pair = await asyncio.open_connection("127.0.0.1", port)
        pair[1].write(request)
        await _answered(pair[0])
        free.put_nowait(pair)

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number, (person, request) in enumerate(requests):
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
            group.create_task(one(person, request))
    while free.qsize():
        free.get_nowait()[1].close()
    return posted


async def _answered(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head[:40].decode("latin-1"))
    await reader.readexactly(11)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return statistics.quantiles(values, n=1000, method="inclusive")[min(998, int(share * 1000) - 1)]
