"""Rows with every sealed column, as the services write them."""

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from shared.store.sealed import SEALED_COLUMNS, SealedColumn
from shared.store.session import Connection
from shared.vault import Vault

_OTHERS: dict[str, dict[str, Any]] = {
    "tenant": {"name": "T"},
    "agent": {"name": "A", "instructions": ""},
    "credential": {"account_sid": "{t}"},
    "signing_secret": {"credential_id": "cr_{t}", "kind": "auth_token"},
    "idempotent_request": {"holder": "{t}", "fingerprint": ""},
    "knowledge_document": {"agent_id": "ag_{t}", "name": "{id}", "language": "english", "digest": "", "size": 0},
    "line": {
        "agent_id": "ag_{t}", "credential_id": "cr_{t}", "channel": "whatsapp", "provider": "twilio", "sender": "s",
        "enabled": True, "access": "open",
    },
    "contact": {"channel": "whatsapp"},
    "app_user": {"email": "{t}", "role": "USER"},
    "user_sign_in": {},
    "binding": {
        "user_id": "us_{t}", "contact_id": "ct_{t}", "channel": "whatsapp", "address_key": "{t}", "pepper_version": 1,
    },
    "thread": {"line_id": "ln_{t}", "contact_id": "ct_{t}"},
    "conversation": {"contact_id": "ct_{t}", "agent_id": "ag_{t}", "line_id": "ln_{t}", "channel": "whatsapp"},
    "message": {
        "line_id": "ln_{t}", "thread": "th_{t}", "account_sid": "{t}", "provider_sid": "{id}", "seq": 1, "outcome": "asked",
        "received_at": "now",
    },
    "turn": {"thread": "th_{t}", "conversation_id": "cv_{t}", "from_seq": 1, "upto_seq": 1},
    "tool_call": {"turn_id": "tu_{t}", "step": 1, "name": "form"},
    "tool_attempt": {"turn_id": "tu_{t}", "name": "book"},
    "action": {"name": "book", "description": "", "method": "POST", "url": ""},
    "form_delivery": {"kind": "webhook"},
    "form_submission": {"conversation_id": "cv_{t}", "turn_id": "tu_{t}", "call": "{id}"},
    "data_source": {"kind": "order", "origin": "upload"},
    "customer_order": {"source_id": "ds_{t}", "number": "1", "pepper_version": 1},
    "mcp_server": {"name": "tools", "url": ""},
    "reply": {"thread": "th_{t}", "after_seq": 1, "kind": "answer", "received_at": "now"},
    "part": {"thread": "th_{t}"},
}  # fmt: skip
_IDS = {
    "signing_secret": "ss_{t}", "idempotent_request": "ir_{t}", "tenant": "{t}", "agent": "ag_{t}", "credential": "cr_{t}", "line": "ln_{t}", "contact": "ct_{t}", "app_user": "us_{t}", "user_sign_in": "us_{t}",
    "binding": "bd_{t}", "thread": "th_{t}", "conversation": "cv_{t}", "message": "ms_{t}", "turn": "tu_{t}",
    "tool_call": "call_{t}", "knowledge_document": "kd_{t}", "form_submission": "fs_{t}", "tool_attempt": "call_{t}",
    "action": "ac_{t}", "form_delivery": "fd_{t}", "data_source": "ds_{t}",
    "customer_order": "or_{t}", "mcp_server": "mc_{t}", "reply": "rp_{t}", "part": "1",
}  # fmt: skip
_KEYS = {
    "thread": "key",
    "user_sign_in": "user_id",
    "tool_call": "call",
    "tool_attempt": "call",
    "reply": "public_id",
    "part": "ordinal",
    "idempotent_request": "key",
}


def secret(column: SealedColumn, row: str) -> bytes:
    """Return what a column of a row says."""
    return f"{column} of {row}".encode()


async def plant(connection: Connection, vault: Vault, tenant: str, most: int = 1) -> None:
    """Plant a tenant with one row of everything, and `most` messages and tool calls."""
    reply: int | None = None
    for table in _OTHERS:
        for n in range(most if table in {"message", "tool_call"} else 1):
            found = await _insert(connection, vault, table, tenant, n, reply=reply)
            reply = found if table == "reply" else reply


async def opened(connection: Connection, vault: Vault) -> list[tuple[SealedColumn, str, bytes]]:
    """Open every sealed value there is."""
    values = []
    for column in SEALED_COLUMNS:
        cursor = await connection.execute(f"select * from {column.table}".encode())
        for row in await cursor.fetchall():
            where = column.at(row["tenant_id"], *(row[name] for name in column.row))
            values.append((column, str(row[_KEYS.get(column.table, "id")]), vault.open(row[column.name], where)))
    return values


async def _insert(
    connection: Connection, vault: Vault, table: str, tenant: str, n: int, *, reply: int | None
) -> int | None:
    name = _IDS[table].format(t=tenant) + (f"_{n}" if n else "")
    row: dict[str, Any] = {
        key: value.format(t=tenant, id=name) if isinstance(value, str) else value
        for key, value in _OTHERS[table].items()
    }
    row[_KEYS.get(table, "id")] = int(name) if table == "part" else name
    if table != "tenant":
        row["tenant_id"] = tenant
    if table == "part":
        row["reply_id"] = reply
    for column in _sealed_in(table):
        row[column.name] = vault.seal(secret(column, name), column.at(tenant, *(row[part] for part in column.row)))
    query = sql.SQL("insert into {} ({}) values ({}) returning *").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
    made = await (await connection.execute(query, list(row.values()))).fetchone()
    return made["id"] if made and table == "reply" else None


def _sealed_in(table: str) -> Sequence[SealedColumn]:
    return [column for column in SEALED_COLUMNS if column.table == table]
