"""
`python -m bench.cost`: processor time that a message takes, of each process on its way.

A burst of messages of people who have written before goes through the services, with stubs for the model and Twilio.
Processor time changes less with what else the machine does than rates and latencies do.
"""

import asyncio
import json
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.pipeline import Arrived, post_all, servers, stages, webhooks
from dev.embedded.ports import free_port

ROUNDS = 4
BURST = 300
CONNECTIONS = 8
_MOST_SECONDS = 600
_SETTLE_SECONDS = 1.0
"""After the last message has left, what became of it is still written down."""

_WHOLE = ("services.ingress", "services.router", "bench.stage agent", "bench.stage egress")
_STAGES = ("ingress", "router", "agent", "egress")
_SERVERS = {"postgres": "postgres", "nats-server": "nats"}

Seconds = dict[str, float]


def spent(services: Sequence[subprocess.Popen[bytes]]) -> Seconds:
    """Return the processor time that each service, Postgres and NATS have taken until now."""
    stages = zip(_STAGES, (psutil.Process(service.pid) for service in services), strict=True)
    children = psutil.Process().children(recursive=True)
    servers = [(_SERVERS[child.name()], child) for child in children if child.name() in _SERVERS]
    seconds = dict.fromkeys((*_STAGES, *_SERVERS.values()), 0.0)
    for name, process in (*stages, *servers):
        times = process.cpu_times()
        seconds[name] += times.user + times.system
    return seconds


async def burst(port: int, arrived: Arrived) -> None:
    """Send a burst, and wait until all of it has left and is settled."""
    arrived.at.clear()
    await post_all(port, [request for _, request in webhooks(0, BURST)], CONNECTIONS)
    await arrived.all_there(BURST, within=_MOST_SECONDS)
    await asyncio.sleep(_SETTLE_SECONDS)


async def cost(port: int, arrived: Arrived, services: Sequence[subprocess.Popen[bytes]]) -> list[Seconds]:
    """Return the seconds a message of each round."""
    arrived.listen()
    await burst(port, arrived)  # once, so that nobody is new any more
    rounds = []
    for _ in range(ROUNDS):
        before = spent(services)
        await burst(port, arrived)
        rounds.append({name: (seconds - before[name]) / BURST for name, seconds in spent(services).items()})
    return rounds


def told(rounds: list[Seconds]) -> dict[str, object]:
    """Return the milliseconds a message: the median of the rounds, and what all together took in each."""
    median = {name: round(1000 * statistics.median(it[name] for it in rounds), 2) for name in rounds[0]}
    return {**median, "together": [round(1000 * sum(it.values()), 2) for it in rounds]}


def main() -> None:
    """Measure, and print the milliseconds as JSON."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        servers(Path(folder)) as (base, arrived),
        stages(_WHOLE, base, TRUNKLINE_INGRESS__PORT=str(port)) as services,
    ):
        print(json.dumps(told(asyncio.run(cost(port, arrived, services)))))


if __name__ == "__main__":
    main()
