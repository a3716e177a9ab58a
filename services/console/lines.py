"""Lines: their settings, and what is set up for them at the provider."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.accounts import Accounts
from services.console.directory import Reconciler, line_keys
from services.console.records import Deed, Records, Table, Unknown, note
from shared.channels.line_setup import ConnectionTest, Finding, Provisioned, Provisioning, Severity, Webhooks
from shared.channels.ports import Account, Credentials
from shared.ids import Address, TenantId
from shared.store.session import EVERY_TENANT, Store
from shared.telemetry import LINE_DRIFTED, LINE_PROVISIONED, log

LINES = Table(
    "line",
    "ln",
    {
        "id": "id",
        "tenant": "tenant_id",
        "account": "credential_id",
        "agent": "agent_id",
        "channel": "channel",
        "provider": "provider",
        "sender": "sender",
        "name": "name",
        "kind": "kind",
        "enabled": "enabled",
        "access": "access",
        "messaging_service_sid": "messaging_service_sid",
        "quiet_ms": "quiet_ms",
        "long_replies": "long_replies",
        "reply_limit": "reply_limit",
        "media": "media",
        "auto_provision": "auto_provision",
        "canary": "canary",
        "canary_answered_at": "canary_answered_at",
        "canary_stuck_at": "canary_stuck_at",
        "provisioned": "provisioned",
        "provisioned_at": "provisioned_at",
        "version": "version",
        "created_at": "created_at",
    },
    source="""
    (select line.*, answered_at as canary_answered_at, stuck_at as canary_stuck_at
     from line left join canary on canary.line_id = line.id where kind <> 'test') as line
    """,
)
TTL = timedelta(days=30)
"""How long what was provisioned is taken for granted (spec.md, section 2)."""

_GOOD = frozenset({Provisioned.UNCHANGED, Provisioned.CHANGED, Provisioned.PENDING})


class NothingToUndo(Exception):
    """Nothing was changed at the provider for this line."""


@dataclass(frozen=True)
class Refreshed:
    """What a run of the job came to: lines looked at, set anew, that had drifted, and that could not be asked."""

    lines: int
    provisioned: int
    drifted: int
    failed: int


@dataclass(frozen=True)
class Lines:
    """The lines, the providers that they are set up at, and who tells ingress of them."""

    store: Store
    accounts: Accounts
    directory: Reconciler
    providers: Mapping[str, Account]
    webhook_url: str
    fallback_url: str | None = None

    @property
    def records(self) -> Records:
        """Return the plain rows."""
        return Records(self.store, LINES)

    def webhooks(self, line: Mapping[str, Any]) -> Webhooks:
        """Return where a line should report to."""
        return self._webhooks(self._provider(line))

    async def make(self, who: Principal, tenant: TenantId, values: Mapping[str, Any]) -> DictRow:
        """Make a line in an account of the asker's own; the platform's may be in any. Raises as Records does."""
        await self.accounts.own(who, values["account"])
        made = await self.records.make(who, tenant, values)
        await self._publish(made)
        return made

    async def change(self, who: Principal, line: str, version: int, values: Mapping[str, Any]) -> DictRow:
        """Change a line; ingress knows a moment later. Raises as Records does."""
        before = await self.records.get(who, line)
        after = await self.records.change(who, line, version, values)
        await self._publish(after, before)
        return after

    async def remove(self, who: Principal, line: str, version: int) -> None:
        """Remove a line that nobody ever wrote to. Raises as Records does."""
        before = await self.records.get(who, line)
        await self.records.remove(who, line, version)
        await self._publish(before, before)

    async def test(self, who: Principal, line: str) -> ConnectionTest:
        """Test a line's login. Raises Unknown."""
        row = await self.records.get(who, line)
        return await self._provider(row).test_connection(await self._credentials(row))

    async def try_out(self, provider: str, credentials: Credentials) -> ConnectionTest:
        """Test a login that was typed and is stored nowhere. Raises Unknown for a provider that we have not."""
        if provider not in self.providers:
            raise Unknown
        return await self.providers[provider].test_connection(credentials)

    async def look(self, provider: str, credentials: Credentials, sender: Address) -> list[Finding]:
        """Look at what is set up for a number with a login that is stored nowhere. Raises Unknown as `try_out` does."""
        if provider not in self.providers:
            raise Unknown
        there = self.providers[provider]
        return await there.inspect(credentials, sender=sender, wanted=self._webhooks(there))

    async def check(self, who: Principal, line: str) -> list[Finding]:
        """Look at all that is set up for a line at its provider. Raises Unknown."""
        row = await self.records.get(who, line)
        return await self._inspect(row)

    async def probe(self, who: Principal, line: str) -> list[Finding]:
        """Call a line's webhook through its public address, as its provider would. Raises Unknown."""
        row = await self.records.get(who, line)
        token = await self.accounts.token_of_line(line)
        return await self._provider(row).probe(token, wanted=self.webhooks(row))

    async def provision(self, who: Principal, line: str) -> Provisioning:
        """Let the provider send a line's webhooks here, and keep what was set before. Raises Unknown."""
        row = await self.records.get(who, line)
        return await self._provision(who, row, self.webhooks(row))

    async def undo(self, who: Principal, line: str) -> Provisioning:
        """Set at the provider what was set before the last change. Raises Unknown, NothingToUndo."""
        row = await self.records.get(who, line)
        previous = row["provisioned"].get("previous")
        if previous is None:
            raise NothingToUndo
        return await self._provision(who, row, Webhooks(**previous))

    async def refresh(self, who: Principal) -> Refreshed:
        """Look at every line that provisions itself: set anew what is due or has drifted, and report what cannot be."""
        rows = [row for row in await self.records.list(who, None, 100_000, enabled=True) if row["auto_provision"]]
        now = await self._now()
        counts = {"provisioned": 0, "drifted": 0, "failed": 0}
        for row in rows:
            await self._refresh(who, row, now, counts)
        return Refreshed(len(rows), **counts)

    async def _refresh(self, who: Principal, row: DictRow, now: datetime, counts: dict[str, int]) -> None:
        findings = await self._inspect(row)
        wrong = [finding for finding in findings if finding.severity is not Severity.OK]
        drifted = [finding.code for finding in wrong if finding.fixable]
        if drifted and row["provisioned_at"] is not None:
            counts["drifted"] += 1
            log.warning(LINE_DRIFTED, tenant=row["tenant"], line=row["id"], findings=drifted)
        due = row["provisioned_at"] is None or row["provisioned_at"] <= now - TTL
        if drifted or due:
            done = await self._provision(who, row, self.webhooks(row))
            counts["provisioned" if done.outcome in _GOOD else "failed"] += 1

    async def _provision(self, who: Principal, row: DictRow, wanted: Webhooks) -> Provisioning:
        provider = self._provider(row)
        done = await provider.provision(await self._credentials(row), sender=Address(row["sender"]), wanted=wanted)
        kept = asdict(done.previous) if done.previous else row["provisioned"].get("previous")
        state = {"outcome": done.outcome, "code": done.code, "wanted": asdict(wanted), "previous": kept}
        async with self.store.transaction(who.sees) as connection:
            await connection.execute(
                "update line set provisioned = %s, provisioned_at = case when %s then now() else provisioned_at end where id = %s",
                (orjson.dumps(state).decode(), done.outcome in _GOOD, row["id"]),
            )
            deed = Deed(
                "line.provisioned", row["id"], row["tenant"], after={"outcome": done.outcome, "code": done.code}
            )
            await note(connection, who, deed)
        log.info(LINE_PROVISIONED, tenant=row["tenant"], line=row["id"], outcome=done.outcome, code=done.code)
        return done

    async def _inspect(self, row: DictRow) -> list[Finding]:
        credentials = await self._credentials(row)
        return await self._provider(row).inspect(credentials, sender=Address(row["sender"]), wanted=self.webhooks(row))

    async def _credentials(self, row: DictRow) -> Credentials:
        """Return what a line's account is called with; it may be the platform's, whoever asks."""
        return await self.accounts.credentials_of_line(row["id"])

    async def _publish(self, line: DictRow, before: DictRow | None = None) -> None:
        accounts = {row["account"] for row in (line, before) if row}
        for account in accounts:
            sid = await self.accounts.sid(account)
            gone = line_keys(sid, before["sender"], before["messaging_service_sid"]) if before else []
            await self.directory.publish(sid, gone)

    async def _now(self) -> datetime:
        async with self.store.connection(EVERY_TENANT) as connection:
            row = await (await connection.execute("select now() as now")).fetchone()
        assert row is not None, "a select of one value has a row"  # noqa: S101
        now: datetime = row["now"]
        return now

    def _webhooks(self, provider: Account) -> Webhooks:
        return provider.webhooks(self.webhook_url, fallback_base=self.fallback_url)

    def _provider(self, row: Mapping[str, Any]) -> Account:
        return self.providers[f"{row['provider']}/{row['channel']}"]
