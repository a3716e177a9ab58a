"""
`make bench`: the pipeline beside its floor, and ingress beside an empty publishing route, in one run.

Floor: the same hops over NATS, with no database. Everybody has written before. All on this machine, the load generator
included.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.pipeline import Arrived, percentile, post_all, post_steadily, servers, stages, webhooks
from dev.embedded.ports import free_port

ROUNDS = 3
BURST = 1500
CONNECTIONS = 32
LATENCY_SECONDS = 15
WHOLE = ("services.ingress", "services.router", "bench.stage agent", "bench.stage egress")
FLOOR = ("services.ingress", "bench.stage floor-router", "bench.stage floor-agent", "bench.stage floor-egress")


@dataclass
class Bench:
    """One machine, one run. `folder` is thrown away."""

    folder: Path
    rounds: int = ROUNDS

    def run(self) -> dict[str, object]:
        """Measure everything, side by side."""
        ingress, empty, whole, floor, waits = [], [], [], [], []
        for number in range(self.rounds):
            empty.append(self._accept("bench.stage empty"))
            ingress.append(self._accept("services.ingress"))
            floor.append(self._through(FLOOR)[0])
            rate, latencies = self._through(WHOLE)
            whole.append(rate)
            waits += latencies
            print(
                f"round {number + 1}: empty route {empty[-1]:.0f}/s, ingress {ingress[-1]:.0f}/s, "
                f"floor {floor[-1]:.0f}/s, whole {whole[-1]:.0f}/s",
                file=sys.stderr,
            )
        return {
            "empty_route_per_s": round(median(empty)),
            "ingress_per_s": round(median(ingress)),
            "ingress_to_empty_route": round(median(ingress) / median(empty), 2),
            "floor_per_s": round(median(floor)),
            "whole_per_s": round(median(whole)),
            "whole_to_floor": round(median(whole) / median(floor), 2),
            "latency_at_a_quarter_ms": {
                "p50": round(percentile(waits, 0.5) * 1000, 1),
                "p95": round(percentile(waits, 0.95) * 1000, 1),
                "p99": round(percentile(waits, 0.99) * 1000, 1),
            },
        }

    def _accept(self, module: str) -> float:
        """Return how many webhooks a route takes a second."""
        port = free_port()
        with servers(self.folder) as (base, _), stages((module,), base, TRUNKLINE_INGRESS__PORT=str(port)):
            asyncio.run(post_all(port, requests(200), CONNECTIONS))
            return asyncio.run(post_all(port, requests(2 * BURST), CONNECTIONS))

    def _through(self, modules: Sequence[str]) -> tuple[float, list[float]]:
        """Return messages a second from webhook to Twilio; and for the whole each one's seconds at a quarter of that."""
        port = free_port()
        with servers(self.folder) as (base, arrived), stages(modules, base, TRUNKLINE_INGRESS__PORT=str(port)):
            return asyncio.run(self._measure(port, arrived, latencies=modules is WHOLE))

    async def _measure(self, port: int, arrived: Arrived, *, latencies: bool) -> tuple[float, list[float]]:
        arrived.listen()
        await self._burst(port, arrived, BURST)  # once, so that nobody is new any more
        rate = await self._burst(port, arrived, BURST)
        return rate, await self._latencies(port, arrived, rate / 4) if latencies else []

    async def _burst(self, port: int, arrived: Arrived, count: int) -> float:
        loop = asyncio.get_running_loop()
        arrived.at.clear()
        posts, began = requests(count), loop.time()
        await post_all(port, posts, CONNECTIONS)
        await arrived.all_there(count)
        return count / (arrived.last - began)

    async def _latencies(self, port: int, arrived: Arrived, per_second: float) -> list[float]:
        arrived.at.clear()
        count = min(BURST, int(per_second * LATENCY_SECONDS))
        people = webhooks(0, count)
        posted = await post_steadily(port, people, per_second)
        await arrived.all_there(count)
        return [arrived.at[person] - at for person, at in posted.items()]


def requests(people: int) -> list[bytes]:
    """Return a message of each of so many people, always the same ones."""
    return [request for _, request in webhooks(0, people)]


def main() -> None:
    """Run, and print the figures as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(Bench(Path(folder), int(sys.argv[1]) if sys.argv[1:] else ROUNDS).run(), indent=2))


if __name__ == "__main__":
    main()
