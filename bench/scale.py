"""
`python -m bench.scale`: what a message costs in a full database beside an almost empty one, in turns, in one run.

Full: a million threads with ten million messages of the last 20 days, one in ten with its turn's reply, part and attempt; what
monitoring counts is counted already. Before the load both databases are alike: the people who write are few, and known.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psycopg
from psycopg import sql

from bench.pipeline import Arrived, percentile, post_all, post_steadily, servers, stages, webhooks
from dev.embedded.ports import free_port

THREADS, MESSAGES = 1_000_000, 10_000_000
ROUNDS = 5
BURST = 600
CONNECTIONS = 32
PER_SECOND, SECONDS = 20, 10
WHOLE = ("services.ingress", "services.router", "bench.stage agent", "bench.stage egress")

_ROWS = """
insert into contact (id, tenant_id, channel)
  select 'ct_' || n, 'tn_default', 'whatsapp'
  from generate_series(1, %(threads)s) n;
insert into contact_alias (tenant_id, channel, address_key, contact_id, pepper_version)
  select 'tn_default', 'whatsapp', md5('a' || n) || md5('b' || n), 'ct_' || n, 1
  from generate_series(1, %(threads)s) n;
insert into thread (key, tenant_id, line_id, contact_id, last_seq, asked_seq, done_seq, last_inbound_at)
  select substr(md5(n::text), 1, 26), 'tn_default', 'ln_default', 'ct_' || n, n, n, n, now() - interval '2 days'
  from generate_series(1, %(threads)s) n;
insert into conversation (id, tenant_id, contact_id, agent_id, line_id, channel, opened_at)
  select 'cv_' || n, 'tn_default', 'ct_' || n, 'ag_default', 'ln_default', 'whatsapp', now() - interval '20 days'
  from generate_series(1, %(threads)s) n;
insert into lead (tenant_id, agent_id, contact_id, platform)
  select 'tn_default', 'ag_default', 'ct_' || n, 'whatsapp'
  from generate_series(1, %(threads)s) n;
insert into message (id, tenant_id, line_id, thread, conversation_id, account_sid, provider_sid, seq, outcome, received_at,
                     routed_at)
  select 'msg_000' || lpad(n::text, 8, '0'), 'tn_default', 'ln_default', substr(md5((n %% %(threads)s + 1)::text), 1, 26),
         'cv_' || n %% %(threads)s + 1, 'AC1', 'SM' || md5(n::text), n, 'agent', at, at
  from generate_series(1, %(messages)s) n, lateral (select now() - interval '20 days' * (1.1 - n::float / %(messages)s)) as came(at);
insert into turn (id, tenant_id, thread, conversation_id, from_seq, upto_seq, started_at, finished_at)
  select 'tu_' || n, 'tn_default', substr(md5(n::text), 1, 26), 'cv_' || n, n, n, at, at
  from generate_series(1, %(threads)s) n, lateral (select now() - interval '20 days' * (1.1 - n::float / %(threads)s)) as came(at);
insert into reply (public_id, tenant_id, thread, conversation_id, turn_id, after_seq, kind, state, received_at, created_at)
  select 'rp_' || id, 'tn_default', thread, conversation_id, id, upto_seq, 'answer', 'done', started_at, started_at
  from turn order by upto_seq;
insert into part (tenant_id, thread, reply_id, ordinal, state, provider_sid, accepted_at, created_at)
  select tenant_id, thread, id, 1, 'read', 'SM' || md5('p' || id), created_at, created_at from reply order by id;
insert into attempt (id, tenant_id, part_id, outcome, http_status, started_at)
  select 'at_000' || lpad(id::text, 8, '0'), tenant_id, id, 'accepted', 201, created_at from part;
insert into rollup_place (feed, place) values ('message', 'msg_0009'), ('attempt', 'at_0009')
"""


def fill(url: str) -> None:
    """Plant the rows of a full database."""
    write(url, _ROWS, {"threads": THREADS, "messages": MESSAGES})


def write(url: str, rows: str, facts: Mapping[str, object]) -> None:
    """Execute these statements, each an insert, without looking whether rows refer to one another."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("set synchronous_commit = off")
        connection.execute("set maintenance_work_mem = '512MB'")
        connection.execute("set jit = off")
        for statement in rows.split(";"):
            table = statement.split()[2]
            # an index of random keys is built in a fraction of the time that it takes to keep it while rows come
            connection.execute("update pg_index set indisready = false where indrelid = %s::regclass", (table,))
            connection.execute(statement, facts)
            connection.execute(sql.SQL("reindex table {}").format(sql.Identifier(table)))
            print(f"planted: {table}", file=sys.stderr)
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


@dataclass
class Side:
    """One of the two: its port, and what was measured. `rates`: messages a second; `waits`: seconds at a steady load."""

    port: int
    arrived: Arrived
    rates: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    async def measure(self) -> None:
        """Send a burst, then a steady load."""
        people = [request for _, request in webhooks(0, BURST)]
        self.arrived.listen()
        self.arrived.at.clear()
        began = asyncio.get_running_loop().time()
        await post_all(self.port, people, CONNECTIONS)
        await self.arrived.all_there(BURST, within=600)
        self.rates.append(BURST / (self.arrived.last - began))
        self.arrived.at.clear()
        posted = await post_steadily(self.port, webhooks(0, PER_SECOND * SECONDS), PER_SECOND)
        await self.arrived.all_there(len(posted))
        self.waits += [self.arrived.at[person] - at for person, at in posted.items()]

    def told(self) -> dict[str, float]:
        """Return the figures; the first round, in which everybody is new, does not count."""
        waits = self.waits[PER_SECOND * SECONDS :]
        return {
            "per_s": round(median(self.rates[1:]), 1),
            "p50_ms": round(percentile(waits, 0.5) * 1000, 1),
            "p99_ms": round(percentile(waits, 0.99) * 1000, 1),
        }


def scale(folder: Path) -> dict[str, object]:
    """Measure both, in turns."""
    with ExitStack() as stack:
        sides = [_side(stack, folder, full=full) for full in (False, True)]
        for number in range(ROUNDS):
            for side in sides:
                asyncio.run(side.measure())
            print(f"round {number}: " + ", ".join(f"{side.rates[-1]:.0f}/s" for side in sides), file=sys.stderr)
        small, large = (side.told() for side in sides)
    return {
        "small": small,
        f"{THREADS:,} threads, {MESSAGES:,} messages": large,
        "cost": round(small["per_s"] / large["per_s"], 2),
    }


def _side(stack: ExitStack, folder: Path, *, full: bool) -> Side:
    port = free_port()
    base, arrived = stack.enter_context(servers(folder, plant=fill if full else None))
    stack.enter_context(stages(WHOLE, base, TRUNKLINE_INGRESS__PORT=str(port)))
    return Side(port, arrived)


def main() -> None:
    """Measure, and print the figures as JSON."""
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(scale(Path(name)), indent=2))


if __name__ == "__main__":
    main()
