"""A provider's account without a network: it lists what the test put there, and keeps lines' webhooks."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.channels.line_setup import (
    Connection,
    ConnectionTest,
    Finding,
    Provisioned,
    Provisioning,
    Severity,
    Webhooks,
)
from shared.channels.ports import Credentials, InboundMessage, ProviderUnavailable, Received
from shared.ids import Address, AttemptId, ProviderSid

WORKING = ConnectionTest(Connection.OK, "Fake account")

_REFUSALS = {
    Connection.INVALID_CREDENTIALS: ("wrong_credentials", Provisioned.INVALID_CREDENTIALS),
    Connection.UNREACHABLE: ("twilio_unreachable", Provisioned.UNREACHABLE),
    Connection.RATE_LIMITED: ("rate_limited", Provisioned.RATE_LIMITED),
}


def written(sid: ProviderSid, sender: Address, to: Address, text: str, at: datetime) -> Received:
    """Return a message as the provider lists it."""
    message = InboundMessage(
        provider_sid=sid,
        sender=sender,
        to=to,
        user_id=None,
        phone=sender,
        profile_name="",
        text=text,
        num_media=0,
        params={},
    )
    return Received(message, at)


@dataclass
class FakeAccount:
    """
    `works`: whether it can be asked. `connection`: how a login ends, while it works.

    `lines`: each line's webhooks. `findings`: what an inspection finds besides; `probes`: what
    a probe finds; `probed`: with what.
    """

    messages: list[Received] = field(default_factory=list)
    works: bool = True
    asked: list[datetime] = field(default_factory=list)
    connection: ConnectionTest = WORKING
    lines: dict[Address, Webhooks] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    probes: list[Finding] = field(default_factory=lambda: [Finding("probe_fine", Severity.OK, "The probe is fine.")])
    probed: list[tuple[Credentials, Webhooks]] = field(default_factory=list)
    canary_calls: list[str] = field(default_factory=list)
    """Which calls were made for canaries. None of them is accepted."""
    copies: set[ProviderSid] = field(default_factory=set)
    """The messages that the provider has, for `forget`."""

    async def forget(self, credentials: Credentials, *, provider_sid: ProviderSid) -> None:
        if not self.works:
            raise ProviderUnavailable("unreachable")
        self.copies.discard(provider_sid)

    async def received(self, credentials: Credentials, *, to: Address, since: datetime) -> list[Received]:
        self.asked.append(since)
        if not self.works:
            raise ProviderUnavailable("TimeoutError")
        mine = [one for one in self.messages if one.message.to == to and one.at >= since]
        return sorted(mine, key=lambda one: one.at)

    def webhooks(self, webhook_url: str, *, line: str = "", fallback_base: str | None = None) -> Webhooks:
        path = f"/{line}" if line else ""
        return Webhooks(
            webhook_url + path, (fallback_base or webhook_url) + path, status_callback_url=f"{webhook_url}/status"
        )

    async def test_connection(self, credentials: Credentials) -> ConnectionTest:
        return self.connection if self.works else ConnectionTest(Connection.UNREACHABLE)

    async def inspect(self, credentials: Credentials, *, sender: Address, wanted: Webhooks) -> list[Finding]:
        refused = _REFUSALS.get((await self.test_connection(credentials)).outcome)
        if refused:
            return [_wrong(refused[0])]
        key = [_wrong("api_key_only")] if self.connection.outcome is Connection.API_KEY else []
        if sender not in self.lines:
            return [*key, _wrong("sender_missing")]
        here = Finding("webhook_here", Severity.OK, "The webhook points here.")
        webhook = here if self.lines[sender] == wanted else _wrong("webhook_elsewhere", fixable=True)
        return [*key, webhook, *self.findings]

    async def probe(self, token: Credentials, *, wanted: Webhooks) -> list[Finding]:
        self.probed.append((token, wanted))
        return self.probes

    async def canary_writes(self, token: Credentials, *, wanted: Webhooks, to: Address, sid: ProviderSid) -> bool:
        self.canary_calls.append("writes")
        return False

    async def canary_hears(
        self, token: Credentials, *, wanted: Webhooks, sender: Address, sid: ProviderSid, attempt: AttemptId
    ) -> bool:
        self.canary_calls.append("hears")
        return False

    async def provision(self, credentials: Credentials, *, sender: Address, wanted: Webhooks) -> Provisioning:
        refused = _REFUSALS.get((await self.test_connection(credentials)).outcome)
        if refused:
            return Provisioning(refused[1])
        previous = self.lines.get(sender)
        if previous is None:
            return Provisioning(Provisioned.NOT_FOUND)
        if previous == wanted:
            return Provisioning(Provisioned.UNCHANGED)
        self.lines[sender] = wanted
        return Provisioning(Provisioned.CHANGED, previous)


def _wrong(code: str, *, fixable: bool = False) -> Finding:
    return Finding(code, Severity.ERROR, f"Found: {code}.", "Mend it.", fixable)
