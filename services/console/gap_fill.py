"""Gap-fill: takes in what people wrote to our numbers and Twilio never got through to us."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import DictRow

from services.console.job import alone
from shared.addresses import Pepper
from shared.bus import Bus
from shared.channels.ports import Account, InboundMessage, ProviderUnavailable, Received
from shared.ids import AccountSid, Address, LineId, TenantId, ThreadKey
from shared.intake import inbound_event, message_id
from shared.store.credentials import CREDENTIAL, credentials
from shared.store.session import Connection, Store
from shared.telemetry import GAP_FILLED, log
from shared.topology import INBOUND, inbound_subject
from shared.vault import Vault

NAME = "gap-fill"
_OVERLAP = timedelta(hours=1)
"""How much of the time before the last run is looked at again: Twilio's list has been seen to lag by minutes."""

_FIRST_LOOK = timedelta(hours=24)
"""How far the first run looks back. Nothing older can be answered freely anyway."""

_LOCK = 0x6761705F66696C6C


@dataclass(frozen=True)
class Filled:
    """What a run came to. `failed`: lines whose provider could not be asked; the next run looks at the same time again."""

    lines: int
    listed: int
    found: int
    failed: int


@dataclass(frozen=True)
class GapFill:
    """The job's collaborators."""

    store: Store
    bus: Bus
    accounts: Mapping[str, Account]
    vault: Vault
    pepper: Pepper
    thread_pepper: Pepper

    async def run(self) -> Filled:
        """Look at every enabled line once. Raises AlreadyRunning, BusUnavailable."""
        async with alone(self.store, _LOCK) as connection:
            return await self._run(connection)

    async def _run(self, connection: Connection) -> Filled:
        cursor = await connection.execute(
            "select now() as now, (select started_at from job_run where name = %s) as last", (NAME,)
        )
        row = await cursor.fetchone()
        assert row is not None, "a select without a table has one row"  # noqa: S101
        now, last = row["now"], row["last"]
        since = last - _OVERLAP if last else now - _FIRST_LOOK
        listed = found = failed = 0
        lines = await _lines(connection)
        await self.store.have_keys(connection, *(line["holder"] for line in lines))
        for line in lines:
            try:
                received = await self._received(line, since)
            except ProviderUnavailable as error:
                log.warning(GAP_FILLED, line=line["id"], reason=str(error))
                failed += 1
                continue
            listed += len(received)
            found += await self._take_in(connection, line, received)
        if not failed:
            await connection.execute(
                """
                insert into job_run (name, started_at) values (%s, %s)
                on conflict (name) do update set started_at = excluded.started_at, finished_at = now()
                """,
                (NAME, now),
            )
        log.info(GAP_FILLED, lines=len(lines), listed=listed, found=found, failed=failed)
        return Filled(len(lines), listed, found, failed)

    async def _received(self, line: DictRow, since: datetime) -> list[Received]:
        account = self.accounts[f"{line['provider']}/{line['channel']}"]
        return await account.received(credentials(self.vault, line), to=Address(line["sender"]), since=since)

    async def _take_in(self, connection: Connection, line: DictRow, received: Iterable[Received]) -> int:
        """Publish what no table knows, the oldest first; what is only on its way is known again by its message id."""
        listed = list(received)
        cursor = await connection.execute(
            "select provider_sid from message where account_sid = %s and provider_sid = any(%s)",
            (line["account_sid"], [one.message.provider_sid for one in listed]),
        )
        known = {row["provider_sid"] for row in await cursor.fetchall()}
        missing = [one for one in listed if one.message.provider_sid not in known]
        return sum([await self._publish(connection, line, one) for one in missing])

    async def _publish(self, connection: Connection, line: DictRow, one: Received) -> bool:
        account, tenant = AccountSid(line["account_sid"]), TenantId(line["tenant_id"])
        event = inbound_event(
            self.vault,
            one.message,
            tenant=tenant,
            line=LineId(line["id"]),
            channel=line["channel"],
            account=account,
            received_at=one.at,
            reconciled=True,
        )
        subject = inbound_subject(tenant, await self._thread(connection, line, one.message))
        known_as = message_id(account, one.message.provider_sid)
        return await self.bus.publish(INBOUND, subject, event, message_id=known_as)

    async def _thread(self, connection: Connection, line: DictRow, message: InboundMessage) -> ThreadKey:
        """Return the sender's thread, the root of several. The list names no user id: the alias tells whose number it is."""
        cursor = await connection.execute(
            """
            select coalesce(root, key) as key from contact_alias alias
            join thread on alias.contact_id in (thread.contact_id, thread.host_contact_id)
            where alias.tenant_id = %s and alias.channel = %s and address_key = any(%s) and thread.line_id = %s
            order by thread.last_seq desc limit 1
            """,
            (
                line["tenant_id"],
                line["channel"],
                self.pepper.address_keys(TenantId(line["tenant_id"]), line["channel"], message.sender),
                line["id"],
            ),
        )
        row = await cursor.fetchone()
        if row is not None:
            return ThreadKey(row["key"])
        return self.thread_pepper.thread_key(line["channel"], message.to, message.person)


async def _lines(connection: Connection) -> list[DictRow]:
    cursor = await connection.execute(
        f"""
        select line.id, line.tenant_id, line.channel, line.provider, line.sender, {CREDENTIAL}
        from line join credential on credential.id = line.credential_id where line.enabled and kind <> 'test'
        """  # noqa: S608 - constants
    )
    return await cursor.fetchall()
