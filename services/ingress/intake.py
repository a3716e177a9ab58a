"""What happens to a verified webhook: which line it is for, whether it counts, and its event in the stream."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.ingress import outcomes
from services.ingress.directory import Directory
from services.ingress.outcomes import Outcome, Refused
from services.ingress.post import store
from shared.addresses import Pepper
from shared.bus import Bus
from shared.channels.ports import InboundMessage, StatusReport
from shared.directory import AccountEntry, LineEntry
from shared.events import PartReported
from shared.ids import Address
from shared.intake import inbound_event, message_id
from shared.metrics import MESSAGES
from shared.topology import INBOUND, STATUS, inbound_subject, status_subject
from shared.vault import Vault

_PROVIDER = "twilio"
_NOT_ENABLED = "WhatsApp not enabled"


@dataclass(frozen=True)
class Arrival:
    """
    A verified request: when it came, and until when an answer is due, in the event loop's time.

    `facts`: what its log line shall say.
    """

    at: datetime
    until: float
    facts: dict[str, Any]


@dataclass(frozen=True)
class Intake:
    """Stores what was verified."""

    bus: Bus
    directory: Directory
    vault: Vault
    thread_pepper: Pepper

    async def take_message(
        self, account: AccountEntry, message: InboundMessage, path_line: LineEntry | None, arrival: Arrival
    ) -> Outcome:
        """Store a person's message for its line, once. Raises `Refused` or `BusUnavailable`."""
        arrival.facts["provider_sid"] = message.provider_sid
        line = await self._line(account, message.to, message.service)
        if path_line and (line is None or line.line != path_line.line):
            raise Refused(outcomes.WRONG_LINE)
        if line is None:
            return outcomes.UNKNOWN_TO
        arrival.facts.update(tenant=line.tenant, line=line.line)
        outcome = self._ignored(account, line, message) or await self._store_message(line, message, arrival)
        if outcome is outcomes.DISABLED:
            arrival.facts["reason"] = _NOT_ENABLED
        MESSAGES.labels(_PROVIDER, line.channel, "inbound", _COUNTED.get(outcome, "ignored")).inc()
        return outcome

    async def take_report(self, account: AccountEntry, report: StatusReport, arrival: Arrival) -> Outcome:
        """Store what became of a message of ours. Raises `BusUnavailable`."""
        arrival.facts.update(provider_sid=report.provider_sid, delivery=report.status)
        line = await self._line(account, report.sender, report.service)
        if line is None:
            return outcomes.REPORT_UNKNOWN
        arrival.facts["tenant"] = line.tenant
        event = PartReported(
            tenant=line.tenant,
            attempt=report.attempt,
            account_sid=account.account_sid,
            provider_sid=report.provider_sid,
            status=report.status,
            error_code=report.error_code,
            reported_at=arrival.at,
        )
        known_as = f"{report.attempt or report.provider_sid}:{report.status}"
        fresh = await store(
            self.bus, STATUS, status_subject(line.tenant), event, message_id=known_as, until=arrival.until
        )
        return outcomes.REPORTED if fresh else outcomes.REPORT_REPEATED

    async def _line(self, account: AccountEntry, ours: Address, service: str) -> LineEntry | None:
        """Find a line by our address, else by the messaging service that the address belongs to."""
        line = await self.directory.line(account.account_sid, ours)
        return line or (await self.directory.line(account.account_sid, service) if service else None)

    def _ignored(self, account: AccountEntry, line: LineEntry, message: InboundMessage) -> Outcome | None:
        if not line.enabled:
            return outcomes.DISABLED
        if self.directory.is_ours(account.account_sid, message.sender):  # an echo would answer itself for ever
            return outcomes.OWN_NUMBER
        return None

    async def _store_message(self, line: LineEntry, message: InboundMessage, arrival: Arrival) -> Outcome:
        event = inbound_event(
            self.vault,
            message,
            tenant=line.tenant,
            line=line.line,
            channel=line.channel,
            account=line.account_sid,
            received_at=arrival.at,
        )
        thread = self.thread_pepper.thread_key(line.channel, message.to, message.person)
        known_as = message_id(line.account_sid, message.provider_sid)
        fresh = await store(
            self.bus, INBOUND, inbound_subject(line.tenant, thread), event, message_id=known_as, until=arrival.until
        )
        return outcomes.ACCEPTED if fresh else outcomes.DUPLICATE


_COUNTED = {outcomes.ACCEPTED: "received", outcomes.DUPLICATE: "duplicate"}
