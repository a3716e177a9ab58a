"""
Forgets a person: cancels what is under way for them, empties the streams of what they wrote, deletes their rows, and lets the
provider delete its copies (ADR 13).

An erasure is a row before it is anything else, and each of its steps may be repeated: whoever dies over it, the next goes on.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.copies import Copies
from services.console.forgetting import cancel, delete_rows, find, is_there, known_copies
from services.console.person import Thread
from services.console.records import Deed, Unknown, note
from services.console.streams import PersonsStreams
from shared.addresses import Pepper
from shared.bus import BusUnavailable
from shared.failures import Later
from shared.ids import ContactId, Sequence, TenantId, ThreadKey, new_id
from shared.store.session import EVERY_TENANT, Connection, Store
from shared.telemetry import ERASURE_DELAYED, PERSON_ERASED, PHONE_LIKE, log

SWEEP = 5.0
"""Seconds between two looks for erasures that somebody left unfinished."""

_PATIENCE = "15 seconds"
_PASS_LIMIT = 45.0
"""Seconds that whoever asks waits for the end; the rest is done without them."""

_COLUMNS = "id, tenant_id as tenant, contact_id as contact, provider_copies, erased, created_at, finished_at, jsonb_array_length(copies) as copies_left"
_BY_ADDRESS = """
select distinct alias.contact_id from contact_alias as alias
join unnest(%s::text[], %s::text[]) as wanted (tenant, key) on alias.tenant_id = tenant and address_key = key
where channel = %s order by alias.contact_id
"""


@dataclass(frozen=True)
class Wanted:
    """What is asked for. `provider_copies`: whether the provider's copies shall go as well."""

    reason: str
    provider_copies: bool


@dataclass(frozen=True)
class Erasure:
    """An erasure. `copies_left`: what the provider has not deleted yet. `finished_at`: when nothing was left at all."""

    id: str
    tenant: TenantId
    contact: ContactId
    provider_copies: bool
    erased: Mapping[str, int]
    copies_left: int
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class Erasures:
    """Begins erasures and ends them."""

    store: Store
    pepper: Pepper
    streams: PersonsStreams
    copies: Copies

    async def erase(self, who: Principal, contact: ContactId, wanted: Wanted) -> Erasure:
        """Erase a contact, and return how far that came by now; the rest goes on by itself. Raises Unknown."""
        erasure = await self._begin(who, contact, wanted)
        try:
            async with asyncio.timeout(_PASS_LIMIT):
                await self._to_the_end(erasure)
        except (BusUnavailable, TimeoutError) as error:
            log.warning(ERASURE_DELAYED, erasure=erasure, exc_info=error)
        return await self.show(erasure)

    async def erase_address(self, who: Principal, channel: str, address: str, wanted: Wanted) -> list[Erasure]:
        """Erase whoever has this address: for the platform in every tenant, else in the asker's own."""
        async with self.store.connection(who.sees) as connection:
            rows = await (await connection.execute("select id from tenant")).fetchall()
            keys = [
                (row["id"], key)
                for row in rows
                for key in self.pepper.address_keys(TenantId(row["id"]), channel, address)
            ]
            cursor = await connection.execute(
                _BY_ADDRESS, ([tenant for tenant, _ in keys], [key for _, key in keys], channel)
            )
            contacts = [ContactId(row["contact_id"]) for row in await cursor.fetchall()]
        return [await self.erase(who, contact, wanted) for contact in contacts]

    async def show(self, erasure: str) -> Erasure:
        """Return one that is there."""
        async with self.store.connection(EVERY_TENANT) as connection:
            return Erasure(**await _shown(connection, erasure))

    async def sweep(self) -> None:
        """Go on with every erasure that somebody began and does not end."""
        async with self.store.connection(EVERY_TENANT) as connection:
            cursor = await connection.execute(
                f"select id from erasure where finished_at is null and created_at < now() - interval '{_PATIENCE}' order by id"  # noqa: S608
            )
            waiting = [row["id"] for row in await cursor.fetchall()]
        for erasure in waiting:
            with suppress(BusUnavailable, Later):
                await self.go_on(erasure)

    async def go_on(self, erasure: str) -> None:
        """Do what is left of one. Raises BusUnavailable, Later: then it is to be tried again."""
        row = await self._cancel(erasure)
        await self.streams.empty(_threads(row))
        await self.streams.empty(await self._delete(erasure))  # what came while the rest went
        left = await self.copies.forget(row["copies"])
        await self._end(erasure, left)

    async def _to_the_end(self, erasure: str) -> None:
        """Go on however often the person's threads are at work. Raises BusUnavailable."""
        while True:
            try:
                await self.go_on(erasure)
            except Later as later:
                await asyncio.sleep(later.delay)
            else:
                return

    async def _begin(self, who: Principal, contact: ContactId, wanted: Wanted) -> str:
        """Put an erasure on record, once for a contact, in the same transaction as its line in the audit log."""
        async with self.store.transaction(who.sees) as connection:
            cursor = await connection.execute("select tenant_id from contact where id = %s for update", (contact,))
            person = await cursor.fetchone()
            cursor = await connection.execute(
                "select id from erasure where contact_id = %s order by id desc limit 1", (contact,)
            )
            known = await cursor.fetchone()
            if known is not None:
                await connection.execute(
                    "update erasure set provider_copies = provider_copies or %s where id = %s and finished_at is null",
                    (wanted.provider_copies, known["id"]),
                )
                return str(known["id"])
            if person is None:
                raise Unknown
            erasure, reason = new_id("er"), PHONE_LIKE.sub("[masked]", wanted.reason)
            await connection.execute(
                """
                insert into erasure (id, tenant_id, contact_id, actor, reason, provider_copies)
                values (%s, %s, %s, %s, %s, %s)
                """,
                (erasure, person["tenant_id"], contact, who.id, reason, wanted.provider_copies),
            )
            told = {"erasure": erasure, "reason": reason, "provider_copies": wanted.provider_copies}
            await note(connection, who, Deed("contact.erased", contact, person["tenant_id"], after=told))
        return erasure

    async def _cancel(self, erasure: str) -> DictRow:
        """Stop whatever is under way for the person, and note where they are to be looked for. Raises Later."""
        upto = await self.streams.newest()
        async with self.store.transaction(EVERY_TENANT) as connection:
            row = await _locked(connection, erasure)
            if not await is_there(connection, row["contact_id"]):
                return row
            person = await find(connection, row["tenant_id"], row["contact_id"])
            await cancel(connection, person)
            threads = [asdict(thread) for thread in person.threads(upto)]
            copies = row["copies"]
            if row["provider_copies"]:
                copies = [*copies, *(copy for copy in await known_copies(connection, person) if copy not in copies)]
            await connection.execute(
                "update erasure set threads = %s, copies = %s where id = %s",
                (orjson.dumps(threads).decode(), orjson.dumps(copies).decode(), erasure),
            )
        return row | {"threads": threads, "copies": copies}

    async def _delete(self, erasure: str) -> list[Thread]:
        """Delete the person's rows; return their threads with up to where these had been read. Raises Later."""
        async with self.store.transaction(EVERY_TENANT) as connection:
            row = await _locked(connection, erasure)
            if not await is_there(connection, row["contact_id"]):
                return _threads(row)
            upto = max((thread.upto for thread in _threads(row)), default=Sequence(0))
            person = await find(connection, row["tenant_id"], row["contact_id"])
            threads = person.threads(upto)
            erased = await delete_rows(connection, person, row["actor"])
            await connection.execute(
                "update erasure set threads = %s, erased = %s where id = %s",
                (orjson.dumps([asdict(thread) for thread in threads]).decode(), orjson.dumps(erased).decode(), erasure),
            )
        return threads

    async def _end(self, erasure: str, left: list[list[str]]) -> None:
        async with self.store.connection(EVERY_TENANT) as connection:
            await connection.execute(
                """
                update erasure set threads = '[]', copies = %s, finished_at = case when %s then now() end
                where id = %s and finished_at is null
                """,
                (orjson.dumps(left).decode(), not left, erasure),
            )
        log.info(PERSON_ERASED, erasure=erasure, copies_left=len(left))


async def _shown(connection: Connection, erasure: str) -> DictRow:
    row = await (await connection.execute(f"select {_COLUMNS} from erasure where id = %s", (erasure,))).fetchone()  # noqa: S608
    assert row is not None, "erasures outlive what asks for them"  # noqa: S101
    return row


async def _locked(connection: Connection, erasure: str) -> DictRow:
    row = await (await connection.execute("select * from erasure where id = %s for update", (erasure,))).fetchone()
    assert row is not None, "erasures outlive what asks for them"  # noqa: S101
    return row


def _threads(row: Mapping[str, Any]) -> list[Thread]:
    return [
        Thread(
            TenantId(it["tenant"]),
            ThreadKey(it["key"]),
            Sequence(it["upto"]),
            None if it["only"] is None else tuple(map(Sequence, it["only"])),
        )
        for it in row["threads"]
    ]
