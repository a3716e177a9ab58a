"""
One process of the measured pipeline: `python -m bench.stage NAME`.

`agent` and `egress` are the services themselves with a stub for the model and for Twilio in this process, so that the
figures are the gateway's own. `floor-…` pass events on over the same hops, with no database. `empty` is a route of the
same server that publishes what it gets, durably, and does nothing else.
"""

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import services.agent.__main__ as agent
import services.egress.__main__ as egress
from services.agent.llm_port import AS_IT_LIKES, Completion, Said, Sampling
from services.agent.settings import AgentSettings
from services.egress.settings import EgressSettings
from services.ingress.settings import IngressSettings
from shared.bus import Bus, Delivery, open_bus
from shared.channels.ports import Accepted, Credentials, Listed, Outbound, Outcome
from shared.channels.whatsapp_twilio import codes
from shared.events import InboundReceived, ReplyReady, TurnRequested
from shared.failures import SendFailure
from shared.ids import Address, AttemptId, ProviderSid, ReplyId, ThreadKey
from shared.ops import Receive, Scope, Send, ops_app, serving
from shared.process import run
from shared.settings import Settings, from_env
from shared.topology import AGENT, EGRESS, INBOUND, OUT, ROUTER, TURN, out_subject, turn_subject

_WORKERS = 8


class Raw:
    """A body as it came, in place of an event."""

    type = "raw"

    def __init__(self, body: str) -> None:
        self._body = body

    def encode(self) -> bytes:
        return self._body.encode()


class Arrivals:
    """Tells the load generator that something reached the end of the pipeline."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.connect(os.environ["BENCH_ARRIVALS"])
        self._socket.setblocking(False)
        self._one_at_a_time = asyncio.Lock()  # the event loop knows one writer of a socket

    async def tell(self, what: str) -> None:
        """Wait while the generator has some to read yet; the rest of the process goes on."""
        async with self._one_at_a_time:
            await asyncio.get_running_loop().sock_sendall(self._socket, what.encode())


class StubModel:
    """Answers after BENCH_MODEL_SECONDS, at once by default."""

    def __init__(self) -> None:
        self._seconds = float(os.environ.get("BENCH_MODEL_SECONDS", "0"))

    async def complete(
        self,
        messages: Sequence[Said],
        tools: Sequence[Said],
        *,
        model: str | None,
        user: str,
        sampling: Sampling = AS_IT_LIKES,
    ) -> Completion:
        if self._seconds:
            await asyncio.sleep(self._seconds)
        return Completion("Thank you, we will look into it.", input_tokens=50, output_tokens=8, model="stub")


@asynccontextmanager
async def stub_model(_settings: AgentSettings) -> AsyncIterator[StubModel]:
    yield StubModel()


@dataclass(frozen=True)
class StubTwilio:
    """Takes everything at once."""

    arrivals: Arrivals
    window: timedelta | None = timedelta(hours=24)

    def render(self, markdown: str, sources: Sequence[str], *, limit: int, truncated: bool) -> list[str]:
        return [markdown]

    async def send(
        self, credentials: Credentials, *, sender: Address, to: Address, body: str, attempt: AttemptId
    ) -> Outcome:
        await self.arrivals.tell(to)
        return Accepted(ProviderSid("SM" + secrets.token_hex(16)), 201)

    async def find_sent(
        self, credentials: Credentials, *, sender: Address, to: Address, since: datetime
    ) -> list[Listed] | None:
        return []

    async def typing(self, credentials: Credentials, *, provider_sid: ProviderSid) -> bool:
        return True

    def failure(self, code: int) -> SendFailure:
        return codes.failure(code)


@asynccontextmanager
async def stub_channels(_webhook_url: str, _api_base: str | None) -> AsyncIterator[Mapping[str, Outbound]]:
    yield {"twilio/whatsapp": StubTwilio(Arrivals())}


Floor = Callable[[Bus], None]


def floor_router(bus: Bus) -> None:
    async def passes(event: InboundReceived, delivery: Delivery) -> None:
        thread = ThreadKey(delivery.subject.rpartition(".")[2])
        wanted = TurnRequested(tenant=event.tenant, thread=thread, upto_seq=delivery.seq)
        await bus.publish(TURN, turn_subject(event.tenant, thread), wanted, message_id=f"t:{event.provider_sid}")

    bus.on(ROUTER, passes, workers=_WORKERS)


def floor_agent(bus: Bus) -> None:
    async def passes(event: TurnRequested, _delivery: Delivery) -> None:
        ready = ReplyReady(tenant=event.tenant, thread=event.thread, reply_id=ReplyId(event.upto_seq))
        await bus.publish(OUT, out_subject(event.tenant, event.thread), ready, message_id=f"o:{event.upto_seq}")

    bus.on(AGENT, passes, workers=_WORKERS)


def floor_egress(bus: Bus) -> None:
    arrivals = Arrivals()

    async def passes(event: ReplyReady, _delivery: Delivery) -> None:
        await arrivals.tell(event.thread)

    bus.on(EGRESS, passes, workers=_WORKERS)


async def serve_floor(settings: Settings, stopping: asyncio.Event, register: Floor) -> None:
    async with open_bus(settings.nats.url, "floor") as bus:
        register(bus)
        await bus.consume()
        async with serving(ops_app({"nats": bus.check}), settings.ops.host, settings.ops.port):
            await stopping.wait()
        await bus.stop_consuming()


async def serve_empty(settings: IngressSettings, stopping: asyncio.Event) -> None:
    """Publish each body durably and answer 200: what the server and NATS cost without us."""
    async with open_bus(settings.nats.url, "empty") as bus:

        async def app(_scope: Scope, receive: Receive, send: Send) -> None:
            body, more = b"", True
            while more:
                event = await receive()
                body += event.get("body", b"")
                more = event.get("more_body", False)
            name = secrets.token_hex(16)
            await bus.publish(INBOUND, f"in.v1.tn_default.{name[:26]}", Raw(body.decode()), message_id=name)  # type: ignore[arg-type]  # only encoded
            headers = [(b"content-type", b"text/xml"), (b"content-length", b"11")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"<Response/>"})

        async with (
            serving(app, settings.ingress.host, settings.ingress.port),
            # last, since ready means that bodies are taken
            serving(ops_app({"nats": bus.check}), settings.ops.host, settings.ops.port),
        ):
            await stopping.wait()


def start(name: str, environ: Mapping[str, str]) -> None:
    """Run a stage until it is told to stop."""
    Main = Callable[[asyncio.Event], Awaitable[None]]  # noqa: N806 - a type
    if name == "agent":
        agent_settings = from_env(AgentSettings, environ)
        main: Main = lambda stopping: agent.main(agent_settings, stopping, stub_model)  # noqa: E731
        run(name, agent_settings, main)
    elif name == "egress":
        egress_settings = from_env(EgressSettings, environ)
        run(name, egress_settings, lambda stopping: egress.main(egress_settings, stopping, stub_channels))
    elif name == "empty":
        empty_settings = from_env(IngressSettings, environ)
        run(name, empty_settings, lambda stopping: serve_empty(empty_settings, stopping))
    else:
        settings = from_env(Settings, environ)
        register = {"floor-router": floor_router, "floor-agent": floor_agent, "floor-egress": floor_egress}[name]
        run(name, settings, lambda stopping: serve_floor(settings, stopping, register))


if __name__ == "__main__":
    start(sys.argv[1], os.environ)
