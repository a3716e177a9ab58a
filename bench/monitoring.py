"""
`python -m bench.monitoring [MESSAGES]`: whether Monitoring is right, and how long it takes, with ten million messages in the database.

They are of six companies, one of which has half of them, within 30 days that have busy and quiet hours; one in five is answered,
with attempt and reports. First come the roll-ups: from nothing, of a minute of new messages, of a late report. Then every figure of the page is
held against the tables, and pages are fetched as `bench.pages` does.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.figures import Checked, checked
from bench.pages import WHO, measure
from bench.pipeline import login, servers
from bench.scale import write
from dev.embedded.ports import free_port
from services.console.monitoring import RANGES
from services.console.rollups import Rollups
from services.console.sessions import digest
from shared.store.session import open_store

MESSAGES, PEOPLE = 10_000_000, 20_000
COMPANY, SMALL = "tn_bench", "tn_3"
PAGES = {
    **{f"Monitoring, {name}": f"/monitoring?range={name}" for name in RANGES},
    "Messages": "/messages",
    "Chat history": "/history",
    "System": "/system",
}

# Of every two messages one is the large company's; of every twenty one is written by one of seven people.
_COMPANY = "case when n %% 2 = 0 then 0 else 1 + n / 2 %% 5 end"
_PERSON = "case when n %% 20 in (4, 5) then n / 20 %% 7 else (n::bigint * 7919) %% %(people)s end"
_PEOPLE = "generate_series(0, 5) c, generate_series(0, %(people)s - 1) k"
_TENANT = "case c when 0 then 'tn_bench' else 'tn_' || c end"

_ROWS = f"""
insert into tenant (id, name) select {_TENANT}, 'Company ' || c from generate_series(0, 5) c;
insert into app_user (id, tenant_id, email, role)
  select 'us_' || role, 'tn_bench', role || '@bench.example', role from unnest(array['SYSTEM_ADMIN', 'COMPANY_ADMIN']) role;
insert into contact (id, tenant_id, channel) select 'ct_' || c || '_' || k, {_TENANT}, 'whatsapp' from {_PEOPLE};
insert into thread (key, tenant_id, line_id, contact_id)
  select 'th_' || c || '_' || k, {_TENANT}, 'ln_bench', 'ct_' || c || '_' || k from {_PEOPLE};
insert into conversation (id, tenant_id, contact_id, agent_id, line_id, channel, opened_at)
  select 'cv_' || c || '_' || k, {_TENANT}, 'ct_' || c || '_' || k, 'ag_bench', 'ln_bench', 'whatsapp', now() - interval '30 days'
  from {_PEOPLE};
insert into message (id, tenant_id, line_id, thread, conversation_id, account_sid, provider_sid, seq, outcome, received_at, routed_at)
  select 'msg_' || lpad(n::text, 9, '0'), {_TENANT}, 'ln_bench', 'th_' || c || '_' || k,
         case when n %% 997 > 0 then 'cv_' || c || '_' || k end, 'AC1',
         'SM' || md5(n::text), n, case when n %% 997 = 0 then 'erased' when n %% 97 = 0 then 'rate_limited' else 'asked' end, at, at
  from generate_series(%(after)s + 1, %(after)s + %(messages)s) n,
       lateral (select {_COMPANY}) as whose(c), lateral (select {_PERSON}) as wrote(k),
       lateral (select %(days)s * (1 - (n - %(after)s)::float8 / %(messages)s)) as ago(days),
       lateral (select now() - interval '1 day' * (days + 0.8 * sin(2 * pi() * days) / (2 * pi()))) as came(at);
insert into reply (id, public_id, tenant_id, thread, conversation_id, after_seq, kind, state, received_at, created_at) overriding system value
  select seq, 'rp_' || seq, tenant_id, thread, conversation_id, seq, case when seq %% 35 = 0 then 'human' else 'answer' end, 'done',
         received_at, received_at + interval '100 ms' from message where seq > %(after)s and seq %% 5 = 0 order by seq;
insert into part (id, tenant_id, thread, reply_id, ordinal, state, provider_sid, accepted_at, created_at) overriding system value
  select 2 * id + piece, tenant_id, thread, id, 1 + piece, became, case when became <> 'refused' then 'SM' || md5('p' || id || piece) end,
         case when became <> 'refused' then at end, received_at + (at - received_at) * 0.8
  from reply, generate_series(0, (id %% 25 = 0)::int) piece,
       lateral (select received_at + (1 + 2 * piece) * interval '2 s' * exp(((id * 7919) %% 1000 - 500) / 250.0)) as took(at),
       lateral (select case when id %% 1000 = 5 * piece then 'undelivered' when id %% 1500 = 10 then 'failed'
                            when id %% 2000 = 15 then 'refused' else 'read' end) as fate(became)
  where id > %(after)s order by 1;
insert into attempt (id, tenant_id, part_id, outcome, http_status, started_at, ended_at)
  select 'at_' || lpad(id::text, 10, '0'), tenant_id, id, 'accepted', 201, created_at, accepted_at
  from part where id > 2 * %(after)s::bigint + 1 order by id;
insert into status_event (tenant_id, part_id, provider_sid, status, reported_at, stored_at)
  select tenant_id, id, provider_sid, status, accepted_at, accepted_at
  from part, lateral (select unnest(array['sent', case state when 'read' then 'delivered' else state end])) as told(status)
  where id > 2 * %(after)s::bigint + 1 and accepted_at is not null order by id;
insert into dead_letter (id, tenant_id, thread, stage, reason, attempts, payload, created_at)
  select 'dl_' || lpad(seq::text, 9, '0'), tenant_id, thread, case when seq %% 3 = 0 then 'router' else 'agent' end, 'turn_timed_out', 3,
         'turn/tu_' || seq, received_at + interval '1 minute' from message where seq > %(after)s and seq %% 5000 = 1
"""
_OF_PEOPLE = 5
"""How many of the statements write people down; what they wrote is written by the others, as often as wanted."""
_REFUSED = "update part set state = 'failed' where state = 'refused'"
_LATE = """
with old as (
  select id from part where tenant_id = 'tn_bench' and state = 'read' and created_at > now() - interval '20 days' order by created_at limit 1
), changed as (
  update part set state = 'undelivered' from old where part.id = old.id returning part.tenant_id, part.id, part.provider_sid
)
insert into status_event (tenant_id, part_id, provider_sid, status, reported_at)
  select tenant_id, id, provider_sid, 'undelivered', now() from changed
"""


@dataclass
class Planting:
    """Fills a database and counts what is in it. `took`: seconds of each run of the roll-up."""

    messages: int
    took: dict[str, float] = field(default_factory=dict)

    def __call__(self, url: str) -> None:
        """Plant everything, and let the job count it as the console's login does, which row-level security holds."""
        write(url, _ROWS, self._facts(after=0, messages=self.messages, days=30.0))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_REFUSED)
            for role, secret in WHO.items():
                connection.execute(
                    "insert into user_session (digest, tenant_id, user_id, stage) values (%s, %s, %s, 'whole')",
                    (digest(secret), COMPANY, f"us_{role}"),
                )
            self.run(url, "everything, from nothing")
            self.run(url, "nothing new")
            count = max(1, self.messages // (30 * 24 * 60))
            self.add_a_minute(connection, count)
            self.run(url, f"a minute's {count} new messages")
            connection.execute(_LATE)
            self.run(url, "a late report")

    def add_a_minute(self, connection: psycopg.Connection[Any], count: int) -> None:
        """Let so many messages come and be answered within the last minute."""
        connection.execute("set session_replication_role = replica")
        for statement in _ROWS.split(";")[_OF_PEOPLE:]:
            connection.execute(statement.encode(), self._facts(after=self.messages, messages=count, days=1 / 24 / 60))
        connection.execute(_REFUSED)

    def run(self, url: str, name: str) -> None:
        """Let both jobs count, and note how long each took."""
        database = login(url, "console")
        for job, what in ((Rollups.run, name), (Rollups.count_people, f"{name}: its people")):
            began = time.monotonic()
            asyncio.run(_counted(database, job))
            self.took[what] = round(time.monotonic() - began, 3)
            print(f"counted: {what}, {self.took[what]} s", file=sys.stderr)

    def _facts(self, **facts: float) -> dict[str, float]:
        return {"people": PEOPLE, **facts}


async def _counted(database: str, job: Callable[[Rollups], Awaitable[int]]) -> None:
    async with open_store(database, 2, "bench") as store:
        await job(Rollups(store))


def monitor(folder: Path, messages: int) -> dict[str, object]:
    """Plant, check, and measure."""
    port, planting = free_port(), Planting(messages)
    with servers(folder, plant=planting, TRUNKLINE_CONSOLE__PORT=str(port)) as (base, _):
        found: list[Checked] = [
            checked(port, base["TRUNKLINE_DB__URL"], company, name) for company in (COMPANY, SMALL) for name in RANGES
        ]
        pages = asyncio.run(measure(port, PAGES))
    return {
        "rollup_s": planting.took,
        "figures": [vars(it) for it in found],
        "pages": {name: {role: vars(looked) for role, looked in by.items()} for name, by in pages.items()},
    }


def main() -> None:
    """Measure, and print the figures as JSON."""
    with tempfile.TemporaryDirectory() as name:
        messages = int(sys.argv[1]) if sys.argv[1:] else MESSAGES
        print(json.dumps(monitor(Path(name), messages), indent=2))


if __name__ == "__main__":
    main()
