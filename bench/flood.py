"""
`python -m bench.flood`: what others wait while a tenant sends ten times its share for a minute, and whether all is kept.

The agent's turns are what is scarce, as with a real model: 16 at a time, of four seconds each, which makes a tenant's share 2
messages a second. The other tenant writes half of its share, first alone, then beside the flood.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.pipeline import SECOND_LINE, Arrived, percentile, post_steadily, servers, stages, webhooks
from dev.embedded.ports import free_port

WHOLE = ("services.ingress", "services.router", "bench.stage agent", "bench.stage egress")
TURNS, TURN_SECONDS = 16, 4.0
SHARE = TURNS / TURN_SECONDS / 2
SECONDS = 60
FLOOD = int(10 * SHARE * SECONDS)
OTHERS = int(SHARE / 2 * SECONDS)


async def others(port: int, arrived: Arrived, first: int) -> float:
    """Return the 95th percentile of the other tenant's seconds to an answer."""
    posted = await post_steadily(port, webhooks(first, OTHERS, line=SECOND_LINE), SHARE / 2)
    await arrived.these(posted)
    return percentile([arrived.at[person] - at for person, at in posted.items()], 0.95)


def memory(processes: Sequence[int]) -> list[int]:
    """Return what each process holds in memory, in MiB."""
    return [_resident(pid) for pid in processes]


def _resident(pid: int) -> int:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) // 1024


def flood(folder: Path) -> dict[str, object]:
    """Measure. A request that is not answered 200 ends the run."""
    port = free_port()
    variables = {
        "TRUNKLINE_INGRESS__PORT": str(port),
        "BENCH_MODEL_SECONDS": str(TURN_SECONDS),
        "TRUNKLINE_AGENT__WORKERS": str(TURNS),
    }
    with servers(folder, tenants=2) as (base, arrived), stages(WHOLE, base, **variables) as processes:
        pids = [process.pid for process in processes]

        async def run() -> dict[str, object]:
            arrived.listen()
            alone = await others(port, arrived, 0)
            before = memory(pids)
            flooding = asyncio.create_task(post_steadily(port, webhooks(1_000_000, FLOOD), FLOOD / SECONDS))
            beside = await others(port, arrived, OTHERS)
            print(f"others: {alone:.2f} s alone, {beside:.2f} s beside the flood", file=sys.stderr)
            during = memory(pids)
            await flooding
            await arrived.all_there(2 * OTHERS + FLOOD, within=2 * FLOOD / TURNS * TURN_SECONDS)
            return {
                "others_p95_s": {"alone": round(alone, 2), "beside_the_flood": round(beside, 2)},
                "flood": {"sent": FLOOD, "answered": len(arrived.at) - 2 * OTHERS, "sends": arrived.count - 2 * OTHERS},
                "memory_mib": {
                    module.rpartition(" ")[2].rpartition(".")[2]: {"before": one, "under_it": two, "after": three}
                    for module, one, two, three in zip(WHOLE, before, during, memory(pids), strict=True)
                },
            }

        return asyncio.run(run())


def main() -> None:
    """Measure, and print the figures as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(flood(Path(folder)), indent=2))


if __name__ == "__main__":
    main()
