"""
`python -m bench.promises`: what bursts cost a lone message, and what a dying agent costs others; each beside its like; and
that a turn far longer than its lease runs once, before the eyes of a second agent.

Bursts on and off are measured in turns, and the time before a kill beside the time after it, in one run.
"""

import asyncio
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import psycopg

from bench.pipeline import Arrived, percentile, post_steadily, servers, stages, webhooks
from dev.embedded.ports import free_port

WHOLE = ("services.ingress", "services.router", "bench.stage agent", "bench.stage egress")
PER_SECOND = 8.0
SECONDS = 12
ROUNDS = 3
TURN_SECONDS = 1.0
SLOW_SECONDS = 4.0
LONG_SECONDS = 60.0
_numbers = iter(range(0, 10_000_000, 10_000))


async def latencies(port: int, arrived: Arrived, seconds: float = SECONDS) -> dict[str, tuple[float, float]]:
    """Return when each message was posted and answered, at a steady rate."""
    arrived.at.clear()
    people = webhooks(next(_numbers), int(PER_SECOND * seconds))
    posted = await post_steadily(port, people, PER_SECOND)
    await arrived.all_there(len(people))
    return {person: (at, arrived.at[person]) for person, at in posted.items()}


def lone(folder: Path, burst_limit: str) -> float:
    """Return the median seconds of a lone message."""
    port = free_port()
    with servers(folder) as (base, arrived):
        variables = {"TRUNKLINE_INGRESS__PORT": str(port), "TRUNKLINE_BURST_LIMIT": burst_limit}
        with stages(WHOLE, base, **variables):

            async def run() -> float:
                arrived.listen()
                await latencies(port, arrived, 3)
                return median(there - at for at, there in (await latencies(port, arrived)).values())

            return asyncio.run(run())


def burst(folder: Path) -> dict[str, float | int]:
    """Let one person write five messages in three seconds to a model that takes four; count the replies."""
    port = free_port()
    with servers(folder) as (base, arrived):
        variables = {"TRUNKLINE_INGRESS__PORT": str(port), "BENCH_MODEL_SECONDS": str(SLOW_SECONDS)}
        with stages(WHOLE, base, **variables):

            async def run() -> dict[str, float | int]:
                arrived.listen()
                person = "whatsapp:+15559999999"
                began = time.monotonic()
                await post_steadily(port, webhooks(next(_numbers), 5, person), 5 / 3)
                await arrived.all_there(1)
                took = arrived.at[person] - began
                await asyncio.sleep(SLOW_SECONDS + 2)  # for what would come too much
                return {"replies": arrived.count, "seconds": round(took, 2)}

            return asyncio.run(run())


def takeover(folder: Path) -> dict[str, float]:
    """Kill one of two agents in the midst of its turns; return what that costs its people, and everybody else."""
    port = free_port()
    with servers(folder) as (base, arrived):
        variables = {"TRUNKLINE_INGRESS__PORT": str(port), "BENCH_MODEL_SECONDS": str(TURN_SECONDS)}
        with stages((*WHOLE, "bench.stage agent"), base, **variables) as processes:

            async def run() -> dict[str, float]:
                arrived.listen()
                before = await latencies(port, arrived)
                watched = asyncio.create_task(latencies(port, arrived))
                await asyncio.sleep(SECONDS / 2)
                killed = time.monotonic()
                processes[-1].send_signal(signal.SIGKILL)
                after = await watched
                usual = percentile([there - at for at, there in before.values()], 0.99)
                waits = [there - at for at, there in after.values()]
                hit = [
                    wait
                    for (at, there), wait in zip(after.values(), waits, strict=True)
                    if at < killed < there and wait > usual + 0.5
                ]
                rest = sorted(waits)[: len(waits) - len(hit)]
                return {
                    "p99_before_ms": round(usual * 1000),
                    "p99_of_others_ms": round(percentile(rest, 0.99) * 1000),
                    "killed_turns": len(hit),
                    "killed_turns_resume_s": round(max(hit, default=0.0) - TURN_SECONDS, 2),
                }

            return asyncio.run(run())


def long_turn(folder: Path, seconds: float) -> dict[str, float | int]:
    """Let a model take so long while two agents look for work; count the runs and the replies."""
    port = free_port()
    with servers(folder) as (base, arrived):
        variables = {
            "TRUNKLINE_INGRESS__PORT": str(port),
            "BENCH_MODEL_SECONDS": str(seconds),
            "TRUNKLINE_AGENT__RUN_LIMIT": str(seconds + 60),
        }
        with stages((*WHOLE, "bench.stage agent"), base, **variables):

            async def run() -> None:
                arrived.listen()
                await post_steadily(port, webhooks(next(_numbers), 1), 1.0)
                await asyncio.sleep(seconds)
                await arrived.all_there(1)
                await asyncio.sleep(5)  # for what would come too much

            asyncio.run(run())
            with psycopg.connect(base["TRUNKLINE_DB__URL"]) as connection:
                found = connection.execute("select attempts from turn").fetchall()
            return {"seconds": seconds, "runs": sum(attempts for (attempts,) in found), "replies": arrived.count}


def main() -> None:
    """Measure, and print the figures as JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        on, off = zip(*((lone(folder, "20"), lone(folder, "0")) for _ in range(ROUNDS)), strict=True)
        figures = {
            "lone_message_ms": {"bursts_on": round(median(on) * 1000, 1), "bursts_off": round(median(off) * 1000, 1)},
            "five_messages_in_three_seconds": burst(folder),
            "agent_killed": takeover(folder),
            "long_turn": long_turn(folder, float(sys.argv[1]) if sys.argv[1:] else LONG_SECONDS),
        }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
