"""A company's past, as the services write it down: a person who wrote, was answered and paired."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from psycopg import sql
from psycopg.types.json import Jsonb

from shared.addresses import Pepper
from shared.ids import TenantId
from shared.store.sealed import (
    BINDING_ADDRESS,
    CONTACT_ADDRESS,
    CONTACT_NAME,
    CREDENTIAL_SECRET,
    FORM_BODY,
    MESSAGE_TEXT,
    PART_BODY,
    REPLY_BODY,
)
from shared.store.session import Store
from shared.vault import Vault

NUMBER = "+393330000001"
SENDER = "whatsapp:+14155238886"
TRACE = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
"""A full hour, since it is part of tests' names, which all processes of a run have to agree about."""


def sid(name: str) -> str:
    return "SM" + name.encode().hex().ljust(32, "0")[:32]


@dataclass
class Past:
    """
    What happened to a tenant `tn_X`: all its ids end in X.

    Ada wrote "hello" (asked) and "/help"; the turn's answer has two parts, of which the second is in doubt.
    """

    store: Store
    vault: Vault
    pepper: Pepper
    tenant: TenantId

    @property
    def x(self) -> str:
        return self.tenant.removeprefix("tn_")

    async def insert(self, table: str, **row: Any) -> int | None:
        """Insert a row; return its number where it has one."""
        row.setdefault("tenant_id", self.tenant)
        values = [Jsonb(value) if isinstance(value, dict) else value for value in row.values()]
        query = sql.SQL("insert into {} ({}) values ({}) returning *").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        )
        async with self.store.connection(self.tenant) as connection:
            made = await (await connection.execute(query, values)).fetchone()
        assert made is not None
        return made["id"] if isinstance(made.get("id"), int) else None

    async def settings(self, **columns: Any) -> None:
        """Change the tenant's settings, such as `history`."""
        sets = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(n), sql.Literal(v)) for n, v in columns.items()
        )
        async with self.store.connection() as connection:
            await connection.execute(
                sql.SQL("update tenant set {} where id = {}").format(sets, sql.Literal(self.tenant))
            )

    async def plant(self, number: str = NUMBER) -> "Past":
        """Write everything down."""
        await self.place()
        await self.person(f"ct_{self.x}", number, "Ada")
        await self.thread(f"th{self.x}", f"ct_{self.x}")
        await self.conversation(f"cv_{self.x}", f"ct_{self.x}")
        await self.message(f"msg_{self.x}1", "hello", 1, conversation_id=f"cv_{self.x}")
        await self.message(f"msg_{self.x}2", "/help", 2, outcome="command/help")
        await self.turn()
        await self.answers()
        await self.insert("lead", agent_id=f"ag_{self.x}", contact_id=f"ct_{self.x}", platform="whatsapp", messages=2)
        return self

    async def place(self) -> None:
        """Make the agent, its line and a user."""
        await self.insert("agent", id=f"ag_{self.x}", name="A", instructions="Help.")
        await self.account(f"cr_{self.x}", "AC" + self.x.encode().hex().ljust(32, "0"))
        await self.line(f"ln_{self.x}", SENDER)
        await self.insert("app_user", id=f"us_{self.x}", email=f"{self.x}@example.org", name="Eve", role="USER")

    async def account(self, row: str, account_sid: str) -> None:
        secret = self.vault.seal(b"token", CREDENTIAL_SECRET.at(self.tenant, row))
        await self.insert("credential", id=row, account_sid=account_sid, sealed_secret=secret)

    async def line(self, row: str, sender: str) -> None:
        await self.insert(
            "line", id=row, agent_id=f"ag_{self.x}", credential_id=f"cr_{self.x}", channel="whatsapp", provider="twilio",
            sender=sender, enabled=True, access="open",
        )  # fmt: skip

    async def person(self, contact: str, number: str, name: str) -> None:
        """Make a contact and its alias."""
        address = f"whatsapp:{number}"
        await self.insert(
            "contact", id=contact, channel="whatsapp",
            sealed_address=self.vault.seal(address.encode(), CONTACT_ADDRESS.at(self.tenant, contact)),
            sealed_name=self.vault.seal(name.encode(), CONTACT_NAME.at(self.tenant, contact)),
        )  # fmt: skip
        key = self.pepper.address_key(self.tenant, "whatsapp", address)
        await self.insert("contact_alias", channel="whatsapp", address_key=key, contact_id=contact, pepper_version=1)

    async def thread(self, key: str, contact: str, **more: Any) -> None:
        facts = {"last_seq": 2, "last_inbound_at": NOON, **more}
        await self.insert("thread", key=key, line_id=f"ln_{self.x}", contact_id=contact, **facts)

    async def conversation(self, row: str, contact: str, **more: Any) -> None:
        facts = {
            "agent_id": f"ag_{self.x}",
            "line_id": f"ln_{self.x}",
            "channel": "whatsapp",
            "opened_at": NOON,
            **more,
        }
        await self.insert("conversation", id=row, contact_id=contact, **facts)

    async def message(self, row: str, text: str, seq: int, **more: Any) -> None:
        """Log an inbound message, which arrived so many seconds after noon as its place in the thread says."""
        facts = {
            "line_id": f"ln_{self.x}", "thread": f"th{self.x}", "account_sid": f"AC{self.x}", "provider_sid": sid(row),
            "seq": seq, "outcome": "asked", "trace": TRACE, "received_at": NOON + timedelta(seconds=seq), "webhook_ms": 12,
            "routed_at": NOON + timedelta(seconds=seq, milliseconds=40), **more,
        }  # fmt: skip
        sealed = self.vault.seal(text.encode(), MESSAGE_TEXT.at(self.tenant, row))
        await self.insert("message", id=row, sealed_text=sealed, **facts)

    async def turn(self) -> None:
        """Let the agent answer the first message, with one tool."""
        at = NOON + timedelta(seconds=1, milliseconds=100)
        await self.insert(
            "turn", id=f"tu_{self.x}", thread=f"th{self.x}", conversation_id=f"cv_{self.x}", from_seq=1, upto_seq=1,
            model="m", steps=2, input_tokens=30, output_tokens=7, started_at=at,
            finished_at=at + timedelta(milliseconds=800),
        )  # fmt: skip
        await self.insert(
            "tool_call", turn_id=f"tu_{self.x}", call="c", step=1, name="contact_form", sealed_result=b"x"
        )

    async def form(self, row: str, fields: dict[str, str], **more: Any) -> None:
        """Leave a contact form in the first turn."""
        facts = {"conversation_id": f"cv_{self.x}", "turn_id": f"tu_{self.x}", "call": row, **more}
        sealed = self.vault.seal(orjson.dumps(fields), FORM_BODY.at(self.tenant, row))
        await self.insert("form_submission", id=row, sealed_body=sealed, **facts)

    async def answers(self) -> None:
        """Send the turn's answer: a first part that was delivered, a second that nobody knows about."""
        at = NOON + timedelta(seconds=3)
        reply = await self.reply(
            f"rp_{self.x}", "Hi **Ada**", 1, conversation_id=f"cv_{self.x}", turn_id=f"tu_{self.x}", kind="agent"
        )
        first = await self.part(reply, 1, "Hi *Ada*", "delivered", provider_sid=sid(f"out{self.x}"), created_at=at)
        attempt = {"started_at": at, "ended_at": at + timedelta(milliseconds=120)}
        await self.insert(
            "attempt", id=f"at_{self.x}1", part_id=first, outcome="accepted", http_status=201,
            provider_sid=sid(f"out{self.x}"), **attempt,
        )  # fmt: skip
        for n, status in enumerate(("sent", "delivered"), start=1):
            when = at + timedelta(seconds=n)
            await self.insert(
                "status_event", part_id=first, provider_sid=sid(f"out{self.x}"), status=status, reported_at=when,
                stored_at=when,
            )  # fmt: skip
        second = await self.part(reply, 2, "Bye", "unknown", created_at=at)
        await self.insert("attempt", id=f"at_{self.x}2", part_id=second, outcome="unknown", http_status=500, **attempt)

    async def reply(self, public_id: str, markdown: str, after_seq: int, **more: Any) -> int:
        body = orjson.dumps({"markdown": markdown, "sources": []})
        facts = {"kind": "command", "state": "cut", "trace": TRACE, "received_at": NOON + timedelta(seconds=1), **more}
        sealed = self.vault.seal(body, REPLY_BODY.at(self.tenant, public_id))
        number = await self.insert(
            "reply", public_id=public_id, thread=f"th{self.x}", after_seq=after_seq, sealed_body=sealed, **facts
        )
        assert number is not None
        return number

    async def part(self, reply: int, ordinal: int, body: str, state: str, **more: Any) -> int:
        sealed = self.vault.seal(body.encode(), PART_BODY.at(self.tenant, reply, ordinal))
        accepted = {"accepted_at": NOON + timedelta(seconds=4)} if "provider_sid" in more else {}
        number = await self.insert(
            "part", thread=f"th{self.x}", reply_id=reply, ordinal=ordinal, sealed_body=sealed, state=state, **accepted,
            **more,
        )  # fmt: skip
        assert number is not None
        return number

    async def pair(self, number: str = NUMBER) -> None:
        """Let the person be the user, and write as them once."""
        address = f"whatsapp:{number}"
        sealed = self.vault.seal(address.encode(), BINDING_ADDRESS.at(self.tenant, f"bd_{self.x}"))
        await self.insert(
            "binding", id=f"bd_{self.x}", user_id=f"us_{self.x}", contact_id=f"ct_{self.x}", channel="whatsapp",
            address_key=self.pepper.global_key("whatsapp", address), pepper_version=1, sealed_address=sealed,
        )  # fmt: skip
        async with self.store.connection() as connection:
            await connection.execute("update conversation set closed_at = now() where id = %s", (f"cv_{self.x}",))
        await self.conversation(f"cv_{self.x}paired", f"ct_{self.x}", user_id=f"us_{self.x}", opened_at=NOON)
        await self.message(f"msg_{self.x}3", "as myself", 3, conversation_id=f"cv_{self.x}paired")
