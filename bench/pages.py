"""
`python -m bench.pages`: how long each page of the console takes, and how large it is, with 100,000 messages in the database.

As many answers, 5,000 people, 100,000 lines of the audit log; all of one company, within 30 days, looked at by its admin and by the
platform's. Each page is fetched whole, over HTTP, from a process of its own; the first time does not count.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
from psycopg import sql

from bench.pipeline import login, percentile, servers
from dev.embedded.ports import free_port
from services.console.rollups import Rollups
from services.console.sessions import digest
from shared.addresses import Pepper
from shared.ids import TenantId
from shared.store.data_keys import DataKeys
from shared.store.sealed import (
    BINDING_ADDRESS,
    CONTACT_ADDRESS,
    CONTACT_NAME,
    CREDENTIAL_SECRET,
    MESSAGE_TEXT,
    PART_BODY,
)
from shared.store.session import open_store
from shared.vault import TenantVault, Vault

MESSAGES, PEOPLE, USERS, LETTERS = 100_000, 5_000, 500, 1_000
ROUNDS = 30
TENANT = TenantId("tn_bench")
RING, PEPPER = {1: bytes.fromhex("11" * 32)}, Pepper(bytes.fromhex("22" * 32))
WHO = {"SYSTEM_ADMIN": "secret-of-the-platforms", "COMPANY_ADMIN": "secret-of-the-companys"}
BUSY = 7
"""Every so many messages are one person's, whose conversation is very long."""

PAGES: dict[str, str] = {
    "Monitoring, an hour": "/monitoring?range=1h",
    "Monitoring, 30 days": "/monitoring?range=30d",
    "Messages": "/messages",
    "Messages, far back": "/messages?until=2000-01-01",
    "Messages that failed": "/messages?status=undelivered",
    "Messages of one person": "/messages?contact=ct_7",
    "Message": "/messages/msg_00050000",
    "Answer": "/messages/pt_50000",
    "Dead letters": "/dead-letters",
    "Chat history": "/history",
    "Chat history with errors": "/history?errors=1",
    "Thread": "/history/cv_7",
    "Very long thread": "/history/cv_0",
    "Bindings": "/bindings",
    "Leads": "/leads",
    "Leads of one platform": "/leads?platform=web",
    "Users": "/users",
    "Audit": "/audit",
    "Audit of one thing": "/audit?object=ag_bench",
    "Audit of one deed": "/audit?action=never.done",
    "API keys": "/api-keys",
    "Channels": "/channels",
    "Channel": "/channels/ln_bench",
    "Agents": "/agents",
    "Agent": "/agents/ag_bench",
    "Pipelines": "/pipelines",
    "Knowledge": "/knowledge/ag_bench",
    "Tools": "/tools",
    "Company": "/tenants/tn_bench",
    "My profile": "/profile",
    "System": "/system",
}
PLATFORMS = frozenset({"System"})

_BEFORE = f"""
insert into tenant (id, name, history, privacy) values ('{TENANT}', 'Bench', true, 'encrypted');
insert into app_user (id, tenant_id, email, name, role) values
  ('us_SYSTEM_ADMIN', '{TENANT}', 'platform@bench.example', 'P', 'SYSTEM_ADMIN'),
  ('us_COMPANY_ADMIN', '{TENANT}', 'company@bench.example', 'C', 'COMPANY_ADMIN');
insert into app_user (id, tenant_id, email, name, role)
  select 'us_' || n, '{TENANT}', n || '@bench.example', 'User ' || n, 'USER' from generate_series(0, {USERS - 1}) n;
insert into agent (id, tenant_id, name, instructions) values ('ag_bench', '{TENANT}', 'A', 'Help.');
insert into line (id, tenant_id, agent_id, credential_id, channel, provider, sender, enabled, access)
  values ('ln_bench', '{TENANT}', 'ag_bench', 'cr_bench', 'whatsapp', 'twilio', 'whatsapp:+15550001111', true, 'open')
"""
_AFTER = f"""
insert into thread (key, tenant_id, line_id, contact_id, last_seq, last_inbound_at)
  select 'th' || n, '{TENANT}', 'ln_bench', 'ct_' || n, {MESSAGES}, now() from generate_series(0, {PEOPLE - 1}) n;
insert into conversation (id, tenant_id, contact_id, user_id, agent_id, line_id, channel, opened_at)
  select 'cv_' || n, '{TENANT}', 'ct_' || n, case when n < {USERS} then 'us_' || n end, 'ag_bench', 'ln_bench', 'whatsapp',
         now() - interval '1 minute' * n from generate_series(0, {PEOPLE - 1}) n;
insert into lead (tenant_id, agent_id, contact_id, platform, messages, first_seen)
  select '{TENANT}', 'ag_bench', 'ct_' || n, 'whatsapp', 20, now() - interval '1 minute' * n from generate_series(0, {PEOPLE - 1}) n;
insert into turn (id, tenant_id, thread, conversation_id, from_seq, upto_seq, started_at, finished_at)
  select 'tu_' || seq, tenant_id, thread, conversation_id, seq, seq, received_at, received_at + interval '1 second' from message;
insert into reply (id, public_id, tenant_id, thread, conversation_id, turn_id, after_seq, kind, state, received_at)
  overriding system value
  select seq, 'rp_' || seq, tenant_id, thread, conversation_id, 'tu_' || seq, seq, 'agent', 'cut', received_at from message;
insert into attempt (id, tenant_id, part_id, outcome, http_status, started_at, ended_at)
  select 'at_' || lpad(id::text, 8, '0'), tenant_id, id, 'accepted', 201, created_at, accepted_at from part;
insert into status_event (tenant_id, part_id, provider_sid, status, reported_at, stored_at)
  select tenant_id, id, provider_sid, status, created_at, created_at from part, unnest(array['sent', 'delivered', 'read']) status;
insert into dead_letter (id, tenant_id, thread, stage, reason, attempts, payload, created_at)
  select 'dl_' || lpad(n::text, 8, '0'), '{TENANT}', 'th' || n, 'agent', 'turn_timed_out', 3, 'turn/tu_' || n + 1,
         now() - interval '1 minute' * ({LETTERS} - n)
  from generate_series(0, {LETTERS - 1}) n;
insert into audit (id, tenant_id, actor, action, object, at)
  select 'au_' || lpad(n::text, 8, '0'), '{TENANT}', 'user/us_' || n % 50,
         (array['agent.changed', 'line.changed', 'user.created', 'session.ended'])[1 + n % 4], 'ag_' || n % 997, now()
  from generate_series(1, {MESSAGES}) n
"""


async def plant(url: str) -> None:
    """Write everything down, texts and numbers sealed as services seal them."""
    keys = DataKeys(Vault(RING))
    async with open_store(url, 2, "bench") as store:
        with psycopg.connect(url, autocommit=True) as connection:
            _run(connection, _BEFORE)
            async with store.connection() as ours:
                await keys.ensure(ours, TENANT)
            vault = TenantVault(RING, keys)
            connection.execute(
                "insert into credential (id, tenant_id, account_sid, sealed_secret) values (%s, %s, %s, %s)",
                ("cr_bench", TENANT, "AC" + "b" * 32, vault.seal(b"7" * 32, CREDENTIAL_SECRET.at(TENANT, "cr_bench"))),
            )
            _fill(connection, vault)
            _run(connection, _AFTER)
            for role, secret in WHO.items():
                connection.execute(
                    "insert into user_session (digest, tenant_id, user_id, stage) values (%s, %s, %s, 'whole')",
                    (digest(secret), TENANT, f"us_{role}"),
                )
            connection.execute("vacuum analyze")
    async with open_store(login(url, "console"), 2, "bench") as store:
        await Rollups(store).run()


def _run(connection: psycopg.Connection[Any], script: str) -> None:
    connection.execute("set session_replication_role = replica")  # without looking whether rows refer to one another
    for statement in script.split(";\n"):
        connection.execute(statement.encode())


def _fill(connection: psycopg.Connection[Any], vault: TenantVault) -> None:
    now = datetime.now(UTC)
    each = timedelta(days=30) / MESSAGES

    def contacts() -> Iterator[Sequence[object]]:
        for n in range(PEOPLE):
            address, name = f"whatsapp:+1555{n:07d}".encode(), f"Person {n}".encode()
            at = CONTACT_ADDRESS.at(TENANT, f"ct_{n}"), CONTACT_NAME.at(TENANT, f"ct_{n}")
            yield f"ct_{n}", TENANT, "whatsapp", vault.seal(address, at[0]), vault.seal(name, at[1])

    def bindings() -> Iterator[Sequence[object]]:
        for n in range(USERS):
            address = f"whatsapp:+1555{n:07d}"
            sealed = vault.seal(address.encode(), BINDING_ADDRESS.at(TENANT, f"bd_{n}"))
            key = PEPPER.global_key("whatsapp", address)
            yield f"bd_{n}", TENANT, f"us_{n}", f"ct_{n}", "whatsapp", key, 1, sealed

    def messages() -> Iterator[Sequence[object]]:
        for n in range(1, MESSAGES + 1):
            person, at = _person(n), now - each * (MESSAGES - n)
            message = f"msg_{n:08}"
            text = vault.seal(f"Question {n}: when do you open?".encode(), MESSAGE_TEXT.at(TENANT, message))
            outcome = "rate_limited" if n % 97 == 0 else "asked"
            sid, place = f"SM{n:032x}", (f"th{person}", f"cv_{person}")
            yield message, TENANT, "ln_bench", *place, "AC1", sid, n, outcome, text, at, at

    def parts() -> Iterator[Sequence[object]]:
        for n in range(1, MESSAGES + 1):
            at = now - each * (MESSAGES - n) + timedelta(seconds=1)
            body = vault.seal(f"Answer {n}: at nine.".encode(), PART_BODY.at(TENANT, n, 1))
            state = "undelivered" if n % 499 == 0 else "read"
            yield n, TENANT, f"th{_person(n)}", n, 1, body, state, f"SMp{n:031x}", at, at + timedelta(seconds=1)

    _copy(connection, "contact (id, tenant_id, channel, sealed_address, sealed_name)", contacts())
    _copy(
        connection,
        "binding (id, tenant_id, user_id, contact_id, channel, address_key, pepper_version, sealed_address)",
        bindings(),
    )
    _copy(
        connection,
        "message (id, tenant_id, line_id, thread, conversation_id, account_sid, provider_sid, seq, outcome, sealed_text,"
        " received_at, routed_at)",
        messages(),
    )
    _copy(
        connection,
        "part (id, tenant_id, thread, reply_id, ordinal, sealed_body, state, provider_sid, created_at, accepted_at)",
        parts(),
    )


def _person(n: int) -> int:
    return 0 if n % BUSY == 0 else n % PEOPLE


def _copy(connection: psycopg.Connection[Any], into: str, rows: Iterator[Sequence[object]]) -> None:
    with connection.cursor() as cursor, cursor.copy(sql.SQL(f"copy {into} from stdin")) as copy:
        for row in rows:
            copy.write_row(row)


@dataclass(frozen=True)
class Looked:
    """
    What one page took. `p50`, `p95`: milliseconds until all of it was there; `cpu`: milliseconds of processor time in the console and
    in Postgres, which a busy machine changes little. `kib`: of the page itself, as it is before any compression.
    """

    p50: float
    p95: float
    cpu: float
    kib: float


async def look(client: httpx2.AsyncClient, path: str) -> Looked:
    """Fetch a page again and again."""
    size = len((await client.get(path)).raise_for_status().content)
    took, before = [], _processor_time()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await client.get(path)
        took.append((time.perf_counter() - began) * 1000)
    cpu = (_processor_time() - before) * 1000 / ROUNDS
    return Looked(*(round(it, 1) for it in (percentile(took, 0.5), percentile(took, 0.95), cpu, size / 1024)))


def _processor_time() -> float:
    """Return the seconds that the processes which this one started have had."""
    used = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


async def measure(port: int, pages: Mapping[str, str]) -> dict[str, dict[str, Looked]]:
    """Look at each of these pages, as each kind of admin."""
    found: dict[str, dict[str, Looked]] = {}
    for role, secret in WHO.items():
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", cookies={"session": secret}, timeout=60, trust_env=False
        ) as client:
            for name, path in pages.items():
                if role == "SYSTEM_ADMIN" or name not in PLATFORMS:
                    found.setdefault(name, {})[role] = looked = await look(client, path)
                    print(
                        f"{role:14} {name:26} {looked.p50:8} {looked.p95:8} ms {looked.cpu:7} ms {looked.kib:7} KiB",
                        file=sys.stderr,
                    )
    return found


def main() -> None:
    """Measure, and print the figures as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        planted = servers(Path(folder), plant=lambda url: asyncio.run(plant(url)), TRUNKLINE_CONSOLE__PORT=str(port))
        with planted:
            found = asyncio.run(measure(port, PAGES))
    slowest = max(looked.p95 for by in found.values() for looked in by.values())
    largest = max(looked.kib for by in found.values() for looked in by.values())
    told = {name: {role: vars(looked) for role, looked in by.items()} for name, by in found.items()}
    print(json.dumps({"pages": told, "slowest_p95_ms": slowest, "largest_kib": largest}, indent=2))


if __name__ == "__main__":
    main()
