"""Ingress as a process of its own, and its directory as the console writes it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dev.embedded import NatsServer, Process, free_port
from dev.embedded.process import Command
from shared.bus import Bus
from shared.directory import AccountEntry, LineEntry, SigningSecret, account_key, line_key, seal_entry
from shared.events import InboundContent, InboundReceived, PartReported
from shared.ids import AccountSid, LineId, Sequence, TenantId
from shared.topology import INBOUND, STATUS
from shared.vault import Vault
from tests.eventually import eventually
from tests.services.ingress.wire import (
    ACCOUNT,
    DISABLED_SENDER,
    NO_ANSWER,
    OTHER_ACCOUNT,
    OTHER_SENDER,
    OTHER_TOKEN,
    PUBLIC_URL,
    SENDER,
    TOKEN,
    Answer,
    Form,
    asks,
    exchange,
    twilio_posts,
)

ROOT = Path(__file__).parents[3]
_OURS = ("TRUNKLINE_", "TWILIO_", "OTEL_")

TENANT, OTHER_TENANT = TenantId("tn_test"), TenantId("tn_other")
LINE, OTHER_LINE, DISABLED_LINE = LineId("ln_test"), LineId("ln_other"), LineId("ln_disabled")

KEYS = {"VAULT": b"v" * 32, "PEPPER": b"p" * 32, "THREAD_PEPPER": b"t" * 32}
VAULT = Vault({1: KEYS["VAULT"]})


@dataclass
class Gateway:
    """An ingress process and the way to it."""

    nats: NatsServer
    directory: Path
    webhook_url: str = PUBLIC_URL
    extra: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    ops_port: int = field(default_factory=free_port)
    process: Process | None = None

    @property
    def log(self) -> Path:
        return self.directory / f"ingress-{self.port}.log"

    async def start(self) -> None:
        """Start it and wait until it calls itself ready."""
        argv = [sys.executable, "-m", "services.ingress"]
        command = Command(argv, env=self._environment(), cwd=ROOT, log=self.log)
        self.process = await asyncio.to_thread(Process, command)
        await eventually(self.is_ready)

    async def stop(self) -> None:
        if self.process:
            await asyncio.to_thread(self.process.stop)

    async def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.exit_code() is None, self.log.read_text()
        return (await self.ops("/readyz")).status == 200

    async def has_a_log(self) -> bool:
        return self.log.exists() and "settings.loaded" in self.log.read_text()

    async def ops(self, path: str) -> Answer:
        try:
            return await asks(self.ops_port, path)
        except OSError:
            return NO_ANSWER

    async def takes(self, request: bytes) -> Answer:
        return await exchange(self.port, request)

    async def twilio_posts(self, form: Form, suffix: str = "") -> Answer:
        return await self.takes(twilio_posts(form, suffix, url=self.webhook_url.partition("#")[0]))

    async def counted(self, outcome: str) -> int:
        """Return how many requests ended so, by the metrics."""
        metrics = (await self.ops("/metrics")).body.decode()
        wanted = f'trunkline_webhooks_total{{outcome="{outcome}"}} '
        return next(
            (int(float(line.removeprefix(wanted))) for line in metrics.splitlines() if line.startswith(wanted)), 0
        )

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        keys = {f"TRUNKLINE_KEYS__{name}": key.hex() for name, key in KEYS.items()}
        chosen = {
            "TRUNKLINE_NATS__URL": self.nats.url,
            "TRUNKLINE_NATS__MONITOR_URL": self.nats.monitor_url,
            "TRUNKLINE_INGRESS__PORT": str(self.port),
            "TRUNKLINE_OPS__PORT": str(self.ops_port),
            "TRUNKLINE_LOG__LEVEL": "debug",
            "TWILIO_WEBHOOK_URL": self.webhook_url,
        }
        return {**inherited, **keys, **chosen, **self.extra}


@asynccontextmanager
async def running(gateway: Gateway) -> AsyncIterator[Gateway]:
    try:
        await gateway.start()
        yield gateway
    finally:
        await gateway.stop()


def account(sid: AccountSid, *secrets_of_it: SigningSecret) -> AccountEntry:
    return AccountEntry(account_sid=sid, secrets=secrets_of_it)


def line(
    name: LineId, to: str, *, of: AccountSid = ACCOUNT, tenant: TenantId = TENANT, enabled: bool = True
) -> LineEntry:
    return LineEntry(line=name, tenant=tenant, channel="whatsapp", account_sid=of, to=to, enabled=enabled)


async def enter(bus: Bus, entry: AccountEntry | LineEntry) -> None:
    """Write an entry of the directory, as the console does."""
    key = account_key(entry.account_sid) if isinstance(entry, AccountEntry) else line_key(entry.account_sid, entry.to)
    assert await bus.config.put(key, seal_entry(VAULT, key, entry))


async def remove(bus: Bus, entry: LineEntry) -> None:
    await bus.config.remove(line_key(entry.account_sid, entry.to))


async def seed(bus: Bus) -> None:
    """Write two tenants with an account each; the first has a line in service and a disabled one."""
    await enter(bus, account(ACCOUNT, SigningSecret(secret=TOKEN)))
    await enter(bus, account(OTHER_ACCOUNT, SigningSecret(secret=OTHER_TOKEN)))
    await enter(bus, line(LINE, SENDER))
    await enter(bus, line(DISABLED_LINE, DISABLED_SENDER, enabled=False))
    await enter(bus, line(OTHER_LINE, OTHER_SENDER, of=OTHER_ACCOUNT, tenant=OTHER_TENANT))


async def accepted(bus: Bus) -> list[InboundReceived]:
    """Return every message in the stream, in order."""
    rows = bus.read_forward(INBOUND, "in.v1.*.*", Sequence(0), Sequence(10**9), 10_000)
    return [InboundReceived.decode(row.body) async for row in rows]


async def reported(bus: Bus) -> list[PartReported]:
    """Return every delivery report in the stream, in order."""
    rows = bus.read_forward(STATUS, "status.v1.*", Sequence(0), Sequence(10**9), 10_000)
    return [PartReported.decode(row.body) async for row in rows]


async def stored(bus: Bus) -> tuple[int, int]:
    """Return how many messages and how many reports there are."""
    infos = [await bus._js.stream_info(stream.name) for stream in (INBOUND, STATUS)]
    return infos[0].state.messages, infos[1].state.messages


def opened(event: InboundReceived) -> InboundContent:
    return InboundContent.model_validate_json(VAULT.open_text(event.sealed, event.seal_context))
