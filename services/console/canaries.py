"""
Canaries: for each line that wants one, somebody who is nobody writes, and is answered (ADR 30).

A canary is a line of its own beside the line that it watches: at the same account, so with the same secrets and the same
login, but of a company of its own, whose agent has a fixed sentence for an answer. So nothing of it is anybody else's lead,
conversation, count, limit or bill.
"""

import asyncio
import math
import secrets
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from psycopg.rows import DictRow

from services.console.accounts import Accounts
from services.console.directory import Reconciler
from services.console.job import alone
from services.console.records import CANARIES
from shared.channels.canary.addresses import CHANNEL, watched_address
from shared.channels.ports import Account, Credentials
from shared.ids import Address, AttemptId, LineId, ProviderSid
from shared.metrics import CANARY_AGE, CANARY_ANSWER, CANARY_RUNS
from shared.store.session import EVERY_TENANT, Connection, Store
from shared.telemetry import CANARY_STUCK, log

SETTLE: Final = 30.0
"""Seconds after which a switch that was turned is noticed, where no run notices it before."""

ANSWERED: Final = "answered"
STAGES: Final = ("accept", "route", "turn", "send", "report")
"""Where a conversation may get stuck: at the public address, in the router, agent or egress, on its report's way back."""

_LOCK = 0x63616E617279
_AT_ONCE = 16
_LOOK_AGAIN = 0.1
_PIPELINE = "steps: [{step: reply, text: {en: Here I am.}}]"

_PLANT = (
    ("insert into tenant (id, name, retention_days) values (%(tenant)s, 'Canary', 1) on conflict do nothing"),
    "insert into pipeline (id, tenant_id, name, draft, active_version) values ('pl_canary', %(tenant)s, 'canary', %(document)s, 1) on conflict do nothing",
    "insert into pipeline_version (pipeline_id, number, tenant_id, document, author) values ('pl_canary', 1, %(tenant)s, %(document)s, 'trunkline') on conflict do nothing",
    "insert into agent (id, tenant_id, name, instructions, pipeline_id) values ('ag_canary', %(tenant)s, 'Canary', '', 'pl_canary') on conflict do nothing",
)
_WANTED = "select * from line where canary and enabled and kind <> 'test' and credential_id is not null"
_LEAVE = f"delete from canary where line_id not in (select id from ({_WANTED}) as wanted)"  # noqa: S608 - constants
_WATCH = f"""
insert into canary (line_id, tenant_id) select id, tenant_id from ({_WANTED}) as wanted on conflict do nothing
"""  # noqa: S608 - constants
_WATCHED = "select id, credential_id from line join canary on canary.line_id = line.id"
_OPEN = """
insert into line (id, tenant_id, agent_id, credential_id, channel, provider, sender, enabled, access, kind, name)
select %(own)s, %(tenant)s, 'ag_canary', %(account)s, %(channel)s, provider, %(sender)s, true, 'open', 'test', 'Canary'
from line where id = %(line)s
on conflict (id) do update set credential_id = excluded.credential_id, enabled = true
where line.credential_id is distinct from excluded.credential_id or not line.enabled
"""
_CLOSE = """
update line set credential_id = null, enabled = false
where tenant_id = %(tenant)s and enabled and not id = any(%(open)s)
"""
"""Without an account, so that the account can be removed."""

_DUE = """
select line.id, line.tenant_id, channel, provider, account_sid from line
join canary on canary.line_id = line.id join credential on credential.id = credential_id
"""
_PROGRESS = """
select message.id is not null as routed, reply.id is not null as replied, part.state, part.provider_sid as sid,
       (select id from attempt where part_id = part.id order by started_at desc limit 1) as attempt
from (select 1) as one
left join message on message.account_sid = %(account)s and message.provider_sid = %(sid)s
left join lateral (
  select id from reply where reply.thread = message.thread and after_seq >= message.seq and turn_id is not null order by id limit 1
) as reply on true
left join part on part.reply_id = reply.id and ordinal = 1
"""
_KEEP = """
update canary set ran_at = now(), stuck_at = %(stuck)s::text, seconds = coalesce(%(seconds)s, seconds),
                  answered_at = case when %(stuck)s::text is null then now() else answered_at end
where line_id = %(line)s
"""
_MEASURED = """
select max(extract(epoch from now() - coalesce(answered_at, since)))::float8 as age, max(seconds)::float8 as seconds from canary
"""

for _outcome in (ANSWERED, *STAGES):
    CANARY_RUNS.labels(_outcome)  # there from the start, so that the first one is seen as a rise


@dataclass(frozen=True)
class Ran:
    """What a run came to: lines that were watched, those whose canary was answered, and where the others' got stuck."""

    lines: int
    answered: int
    stuck: Mapping[str, int]


@dataclass(frozen=True)
class Canaries:
    """The job's collaborators. `patience`: seconds within which a canary has to be answered."""

    store: Store
    accounts: Accounts
    directory: Reconciler
    providers: Mapping[str, Account]
    webhook_url: str
    patience: float = 30.0

    async def run(self) -> Ran:
        """Hold one conversation for every line that wants one. Raises AlreadyRunning."""
        await self.settle()
        async with alone(self.store, _LOCK) as connection:
            lines = await (await connection.execute(_DUE)).fetchall()
            places = asyncio.Semaphore(_AT_ONCE)
            async with asyncio.TaskGroup() as group:
                runs = [group.create_task(self._watch(line, places)) for line in lines]
        outcomes = Counter(run.result() for run in runs)
        answered = outcomes.pop(ANSWERED, 0)
        return Ran(len(lines), answered, outcomes)

    async def settle(self) -> None:
        """Open a canary for each line that wants one, and close those of others. Ingress is told."""
        async with self.store.transaction(EVERY_TENANT, CANARIES) as connection:
            changed = await _settled(connection)
        if changed:
            with suppress(Exception):  # what cannot be told now, the reconciler tells
                await self.directory.reconcile()

    async def measure(self) -> None:
        """Tell how long the line that has waited longest has waited for an answer, and how long the slowest took."""
        async with self.store.connection(EVERY_TENANT) as connection:
            row = await (await connection.execute(_MEASURED)).fetchone()
        for gauge, name in ((CANARY_AGE, "age"), (CANARY_ANSWER, "seconds")):
            gauge.set(row[name] if row and row[name] is not None else math.nan)

    async def _watch(self, line: DictRow, places: asyncio.Semaphore) -> str:
        """Hold one line's conversation, write down how it ended, and return that: answered, or the stage where it stuck."""
        async with places:
            loop = asyncio.get_running_loop()
            began = loop.time()
            outcome = await self._outcome(line, began + self.patience)
            seconds = loop.time() - began
        stuck = None if outcome == ANSWERED else outcome
        async with self.store.connection(EVERY_TENANT) as connection:
            kept = {"line": line["id"], "stuck": stuck, "seconds": None if stuck else seconds}
            await connection.execute(_KEEP, kept)
        CANARY_RUNS.labels(outcome).inc()
        if stuck:
            log.warning(CANARY_STUCK, tenant=line["tenant_id"], line=line["id"], stage=stuck)
        return outcome

    async def _outcome(self, line: DictRow, until: float) -> str:
        """Write as the canary, follow what becomes of it, and report the answer as delivered once it is sent."""
        provider = self.providers[f"{line['provider']}/{line['channel']}"]
        wanted = provider.webhooks(self.webhook_url)
        token = await self.accounts.token_of_line(line["id"])
        ours, sid = watched_address(LineId(line["id"])), ProviderSid(f"SM{secrets.token_hex(16)}")
        if not await provider.canary_writes(token, wanted=wanted, to=ours, sid=sid):
            return "accept"
        answer = await self._followed(token, sid, until, "accepted")
        if answer["stage"] != "report":
            return str(answer["stage"])
        heard = await provider.canary_hears(
            token, wanted=wanted, sender=ours, sid=ProviderSid(answer["sid"]), attempt=AttemptId(answer["attempt"])
        )
        return str((await self._followed(token, sid, until, "delivered"))["stage"]) if heard else "report"

    async def _followed(self, token: Credentials, sid: ProviderSid, until: float, state: str) -> DictRow:
        """Return how far a message has come, once its answer is in this state, has failed, or time is up."""
        while True:
            async with self.store.connection(CANARIES) as connection:
                facts = {"account": token.account_sid, "sid": sid}
                row = await (await connection.execute(_PROGRESS, facts)).fetchone()
            assert row is not None, "a select of one row has it"  # noqa: S101
            if row["state"] in {state, "failed"} or asyncio.get_running_loop().time() >= until:
                return row | {"stage": _stage(row)}
            await asyncio.sleep(_LOOK_AGAIN)


def _stage(row: DictRow) -> str:
    """Return where a message is now."""
    if row["state"] == "delivered":
        return ANSWERED
    if row["state"] == "accepted":
        return "report"
    if row["replied"]:
        return "send"
    return "turn" if row["routed"] else "route"


async def _settled(connection: Connection) -> int:
    """Make the canaries' rows what the lines' switches say; return how many of their lines were opened or closed."""
    await connection.execute(_LEAVE)
    await connection.execute(_WATCH)
    watched = await (await connection.execute(_WATCHED)).fetchall()
    if watched:
        for statement in _PLANT:
            await connection.execute(statement, {"tenant": CANARIES, "document": _PIPELINE})
    opened = {_own(line["id"]): line for line in watched}
    changed = (await connection.execute(_CLOSE, {"tenant": CANARIES, "open": [*opened]})).rowcount
    for own, line in opened.items():
        facts = {"own": own, "line": line["id"], "account": line["credential_id"], "sender": _address(line["id"])}
        changed += (await connection.execute(_OPEN, facts | {"tenant": CANARIES, "channel": CHANNEL})).rowcount
    return changed


def _own(line: str) -> str:
    return f"ln_canary{line.removeprefix('ln_')}"


def _address(line: str) -> Address:
    return watched_address(LineId(line))
