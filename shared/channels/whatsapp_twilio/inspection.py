"""Looks at everything between people and us that is set up at Twilio, in the order in which it matters."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from shared.channels.line_setup import Finding, Severity, Webhooks
from shared.channels.whatsapp_twilio import findings
from shared.channels.whatsapp_twilio.alerts import recent_alerts
from shared.channels.whatsapp_twilio.lines import WHATSAPP, Line, find_number, resource_of
from shared.channels.whatsapp_twilio.login import AccountRecord, prove
from shared.channels.whatsapp_twilio.rest import API, MESSAGING, NotAnswered, Record, Trouble, TwilioRest
from shared.channels.whatsapp_twilio.webhook_findings import about_service
from shared.ids import Address

_MOST = 20
"""Subaccounts and Messaging Services that are looked through."""

_SERVICES = f"{MESSAGING}/v1/Services"
T = TypeVar("T")


class _Service(Record):
    sid: str
    friendly_name: str | None = None
    inbound_request_url: str | None = None
    use_inbound_webhook_on_number: bool | None = None


class _Member(Record):
    sid: str


@dataclass
class Inspection:
    """One look at one line. `now`: our own clock's time."""

    rest: TwilioRest
    sender: Address
    wanted: Webhooks
    now: datetime
    denied: list[str] = field(default_factory=list)
    """What a restricted key was refused."""

    async def run(self) -> list[Finding]:
        """Look. What keeps us from it is the one finding."""
        try:
            account = await prove(self.rest)
        except NotAnswered as problem:
            return [findings.about_trouble(problem, is_account=True)]
        try:
            return await self._run(account)
        except NotAnswered as problem:
            return [findings.about_trouble(problem, is_account=False)]

    async def _run(self, account: AccountRecord | None) -> list[Finding]:
        clock = findings.about_clock(self.rest.clock, self.now)
        about_account = findings.about_account(account) if account else []
        if any(it.severity is Severity.ERROR for it in about_account):
            return [*clock, *about_account]
        rest = [*await self._line(), *await self._alerts()]
        about_key = [] if account else [findings.about_key(self.denied)]
        return [*clock, *about_account, *about_key, *rest]

    async def _line(self) -> list[Finding]:
        area = "senders" if self.sender.startswith(WHATSAPP) else "phone numbers"
        found = await self._allowed(area, self._find())
        if found is None:
            return []
        line, missing = found
        if line is None:
            return missing
        governed = await self._allowed("Messaging Services", self._services(line)) or []
        return [*findings.about_line(line, self.wanted), *governed]

    async def _find(self) -> tuple[Line | None, list[Finding]]:
        line = await resource_of(self.sender).find(self.rest, self.sender)
        return line, [] if line else [await self._missing()]

    async def _missing(self) -> Finding:
        """Tell why the account has no such line."""
        if self.sender == findings.SANDBOX_NUMBER:
            return findings.SANDBOX
        owner = None if self.rest.is_key else await self._subaccount()
        return findings.about_other_account(owner) if owner else findings.SENDER_MISSING

    async def _subaccount(self) -> str | None:
        """Return the name of the subaccount that owns the number. A token sees its subaccounts' numbers, not senders."""
        number = self.sender.removeprefix(WHATSAPP)
        seen = 0
        query = {"Status": "active"}
        async for account in self.rest.each(AccountRecord, "accounts", f"{API}.json", query):
            seen += 1
            if account.sid != self.rest.account_sid and await find_number(self.rest, number, account.sid):
                return account.friendly_name or account.sid
            if seen > _MOST:
                return None
        return None

    async def _services(self, line: Line) -> list[Finding]:
        """Return what governs the line in place of its own webhook."""
        found: list[Finding] = []
        seen = 0
        async for service in self.rest.each(_Service, "services", _SERVICES, {}):
            seen += 1
            if not service.use_inbound_webhook_on_number and await self._holds(service, line):
                name, url = service.friendly_name or service.sid, service.inbound_request_url
                found += about_service(name, url, self.wanted)
            if seen >= _MOST:
                break
        return found

    async def _holds(self, service: _Service, line: Line) -> bool:
        path, key = (
            ("ChannelSenders", "senders") if self.sender.startswith(WHATSAPP) else ("PhoneNumbers", "phone_numbers")
        )
        url = f"{_SERVICES}/{service.sid}/{path}"
        return any([member.sid == line.sid async for member in self.rest.each(_Member, key, url, {})])

    async def _alerts(self) -> list[Finding]:
        found = await self._allowed("alerts", recent_alerts(self.rest, self.wanted, self.rest.clock or self.now))
        return found or []

    async def _allowed(self, area: str, look: Awaitable[T]) -> T | None:
        """Look, or note that a restricted key may not."""
        try:
            return await look
        except NotAnswered as problem:
            if problem.trouble is not Trouble.FORBIDDEN:
                raise
        self.denied.append(area)
        return None
