"""A platform of one tenant, agent, line and user, and people who write to it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.addresses import Pepper
from shared.bus import Bus
from shared.events import InboundContent, InboundMedia, InboundReceived, InboundReferral
from shared.ids import AccountSid, Address, LineId, ProviderSid, TenantId, ThreadKey
from shared.store.session import Store
from shared.topology import INBOUND, inbound_subject
from shared.vault import Vault, place

TENANT = TenantId("tn_test")
LINE = LineId("ln_test")
ACCOUNT = AccountSid("AC" + "a" * 32)
SENDER = Address("whatsapp:+14155238886")

SECOND = TenantId("tn_second")
SECOND_LINE = LineId("ln_second")
SECOND_SENDER = Address("whatsapp:+14155230000")


def sid() -> ProviderSid:
    return ProviderSid("SM" + secrets.token_hex(16))


def media_url(message: ProviderSid, number: int = 0) -> str:
    """Return where Twilio keeps what came with a message."""
    return f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/{message}/Media/ME{number:032x}"


@dataclass
class Platform:
    """Rows that the services need, and a hand that plays ingress."""

    store: Store
    vault: Vault
    pepper: Pepper
    access: str = "open"
    user: str = "us_test"

    async def plant(self) -> "Platform":
        """Plant the first tenant, and its user."""
        await self._plant(TENANT, LINE, SENDER)
        await self.rows(
            "insert into app_user (id, tenant_id, email, role) values ('us_test', %s, 'ann@example.org', 'USER') returning 1",
            TENANT,
        )
        return self

    async def plant_second(self) -> None:
        """Plant another tenant with a line of its own."""
        await self._plant(SECOND, SECOND_LINE, SECOND_SENDER)

    async def _plant(self, tenant: TenantId, line: LineId, sender: Address) -> None:
        name = tenant.removeprefix("tn_")
        async with self.store.transaction(TENANT) as connection:
            await connection.execute("insert into tenant (id, name) values (%s, %s)", (tenant, name.title()))
            await connection.execute(
                "insert into agent (id, tenant_id, name, instructions) values (%s, %s, 'A', 'Help {sys.tenant} on {sys.channel}.')",
                (f"ag_{name}", tenant),
            )
            secret = self.vault.seal(b"token", place(TENANT, "credential", "cr_test"))
            await connection.execute(
                """
                insert into credential (id, tenant_id, account_sid, sealed_secret) values ('cr_test', %s, %s, %s)
                on conflict do nothing
                """,
                (TENANT, ACCOUNT, secret),
            )
            await connection.execute(
                """
                insert into line (id, tenant_id, agent_id, credential_id, channel, provider, sender, enabled, access)
                values (%s, %s, %s, 'cr_test', 'whatsapp', 'twilio', %s, true, %s)
                """,
                (line, tenant, f"ag_{name}", sender, self.access),
            )

    async def plant_line(self, tenant: TenantId) -> None:
        """Plant a line of its own for a tenant that is there already: the second line, answered by its one agent."""
        await self.rows(
            """
            insert into line (id, tenant_id, agent_id, credential_id, channel, provider, sender, enabled, access)
            select %s, %s, id, 'cr_test', 'whatsapp', 'twilio', %s, true, %s from agent where tenant_id = %s returning 1
            """,
            SECOND_LINE,
            tenant,
            SECOND_SENDER,
            self.access,
            tenant,
        )

    async def more_lines(self, count: int) -> list[tuple[LineId, Address]]:
        """Plant further lines of the first tenant, of the same agent."""
        made = [(LineId(f"ln_{n}"), Address(f"whatsapp:+1415523{n:04d}")) for n in range(1, count + 1)]
        for line, sender in made:
            await self.rows(
                """
                insert into line (id, tenant_id, agent_id, credential_id, channel, provider, sender, enabled, access)
                select %s, tenant_id, agent_id, credential_id, channel, provider, %s, true, access from line where id = %s
                returning 1
                """,
                line,
                sender,
                LINE,
            )
        return made

    async def code(
        self, code: str = "ABCDEFGH", minutes: int = 10, user: str = "us_test", tenant: TenantId = TENANT
    ) -> str:
        """Make a pairing code that lives for `minutes`, which may be past."""
        async with self.store.connection() as connection:
            await connection.execute(
                """
                insert into pair_code (id, tenant_id, user_id, digest, expires_at)
                values (%s, %s, %s, %s, now() + %s * interval '1 minute')
                """,
                (f"pc_{code}", tenant, user, self.pepper.code_digest(code), minutes),
            )
        return code

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async with self.store.connection() as connection:
            return await (await connection.execute(query, values)).fetchall()


@dataclass
class Person:
    """Somebody with a phone, whose messages arrive in INBOUND as ingress would put them."""

    bus: Bus
    vault: Vault
    number: str = "+15550001"
    user_id: str | None = None
    tenant: TenantId = TENANT
    line: LineId = LINE
    to: Address = SENDER
    name: str = "Test Person"
    sent: list[ProviderSid] = field(default_factory=list)
    address: str = ""
    """What the provider names as the sender, where it is neither the number nor the user id."""

    @property
    def thread(self) -> ThreadKey:
        who = self.user_id or f"whatsapp:{self.number}"
        return Pepper(b"t" * 32).thread_key("whatsapp", self.to, who)

    async def writes(
        self,
        text: str,
        *,
        media: int = 0,
        sent: Sequence[str] = (),
        referral: InboundReferral | None = None,
        provider_sid: ProviderSid | None = None,
        **more: Any,
    ) -> ProviderSid:
        """Store a message. `sent`: what came with it, by its media types; `more` are further fields of its event."""
        number = provider_sid or sid()
        event = InboundReceived(
            tenant=self.tenant,
            event_id=secrets.token_hex(8),
            line=self.line,
            channel="whatsapp",
            account_sid=ACCOUNT,
            provider_sid=number,
            to=self.to,
            num_media=media or len(sent),
            received_at=datetime.now(UTC),
            sealed="",
        )
        content = InboundContent(
            sender=self.address or (f"whatsapp:{self.number}" if self.number else str(self.user_id)),
            user_id=self.user_id,
            phone=f"whatsapp:{self.number}" if self.number else None,
            profile_name=self.name,
            text=text,
            media=tuple(InboundMedia(url=media_url(number, n), media_type=it) for n, it in enumerate(sent)),
            referral=referral,
        )
        sealed = self.vault.seal_text(content.model_dump_json(), event.seal_context)
        event = event.model_copy(update={"sealed": sealed, **more})
        await self.bus.publish(
            INBOUND, inbound_subject(self.tenant, self.thread), event, message_id=secrets.token_hex(8)
        )
        self.sent.append(number)
        return number
