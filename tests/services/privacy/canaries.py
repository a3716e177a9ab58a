"""Looks for a person in everything that is kept, with every key at hand."""

import base64
from collections.abc import Iterable

from nats.aio.client import Client
from nats.js.errors import NotFoundError

from shared.addresses import Pepper
from shared.events import InboundContent, InboundReceived
from shared.failures import GatewayError
from shared.ids import Address, TenantId
from shared.store.sealed import SEALED_COLUMNS
from shared.topology import STREAMS
from tests.services.desk import SECOND, SECOND_SENDER, SENDER, TENANT, Person, Platform

THREAD_PEPPER = Pepper(b"t" * 32)


def traces_of(person: Person, *texts: str) -> list[bytes]:
    """Return what a person is known by, in clear and as every keyed hash that we make."""
    address = Address(f"whatsapp:{person.number}")
    pepper = Pepper(b"p" * 32)
    keys = [
        *(pepper.address_key(tenant, "whatsapp", address) for tenant in (TENANT, SECOND)),
        pepper.global_key("whatsapp", address),
        *(THREAD_PEPPER.thread_key("whatsapp", to, address) for to in (SENDER, SECOND_SENDER)),
    ]
    return [it.encode() for it in (person.number.removeprefix("+"), person.name, *keys, *texts)]


async def everything(platform: Platform, nats: Client, but: Iterable[str] = ()) -> bytes:
    """Return all rows with all that is sealed in them, and all messages of all streams, opened."""
    return b"\n".join([*await _rows(platform, but), *await _opened(platform), *await _streams(platform, nats)])


async def _rows(platform: Platform, but: Iterable[str]) -> list[bytes]:
    tables = await platform.rows(
        "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
    )
    return [
        row["row"].encode()
        for table in tables
        if table["name"] not in but
        for row in await platform.rows(f'select t::text as row from "{table["name"]}" t')
    ]


async def _opened(platform: Platform) -> list[bytes]:
    found = []
    for column in SEALED_COLUMNS:
        for row in await platform.rows(f"select * from {column.table} where {column.name} is not null"):
            where = column.at(row["tenant_id"], *(row[name] for name in column.row))
            if row["tenant_id"]:
                async with platform.store.connection(TenantId(row["tenant_id"])):
                    """Has its data key at hand."""
            found.append(platform.vault.open(row[column.name], where))
    return found


async def _streams(platform: Platform, nats: Client) -> list[bytes]:
    js, found = nats.jetstream(), []
    for stream in STREAMS:
        seq = 0
        while True:
            try:
                raw = await js.get_msg(stream.name, seq=seq + 1, subject=">", next=True)
            except NotFoundError:
                break
            seq = raw.seq or 0
            body = raw.data or b""
            found += [
                str(raw.subject).encode(),
                str(raw.headers).encode(),
                body,
                *_content(platform, stream.name, body),
            ]
    return found


def _content(platform: Platform, stream: str, body: bytes) -> list[bytes]:
    if stream != "INBOUND":
        return []
    event = InboundReceived.decode(body)
    try:
        content = platform.vault.open_text(event.sealed, event.seal_context)
    except GatewayError:
        return [base64.b64decode(event.sealed)]
    return [InboundContent.model_validate_json(content).model_dump_json().encode()]
