"""Chats with an agent on the web, to try it out: the messages go the way of every other, and nobody becomes a lead."""

from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.records import Unknown
from shared.addresses import Pepper
from shared.bus import Bus
from shared.channels.ports import InboundMessage
from shared.channels.web.addresses import CHANNEL, PROVIDER, agent_address, chat_address
from shared.ids import AccountSid, AgentId, LineId, ProviderSid, TenantId, ThreadKey, new_id
from shared.intake import inbound_event, message_id
from shared.store.sealed import MESSAGE_TEXT, REPLY_BODY
from shared.store.session import Store
from shared.topology import INBOUND, inbound_subject
from shared.vault import Vault

MOST = 100
"""Messages and answers that are shown of a chat, each."""

_ACCOUNT = AccountSid(CHANNEL)

_LINE = """
insert into line (id, tenant_id, agent_id, channel, provider, sender, enabled, access, kind, name)
values (%(line)s, %(tenant)s, %(agent)s, %(channel)s, %(provider)s, %(sender)s, true, 'open', 'test', 'Web chat')
on conflict do nothing
"""
_WRITTEN = """
select id, provider_sid, seq, 0 as side, outcome as status, received_at as at, sealed_text as sealed, null as turn
from message where thread = %s order by seq desc limit %s
"""
_ANSWERED = """
select public_id as id, null as provider_sid, after_seq as seq, 1 as side, state as status, created_at as at,
       sealed_body as sealed, turn_id as turn
from reply where thread = %s and state <> 'cancelled' order by id desc limit %s
"""
_ANSWERING = "select asked_seq > done_seq as answering from thread where key = %s"


@dataclass(frozen=True)
class Chat:
    """What was said, the oldest first, and whether the agent is at an answer."""

    said: list[DictRow]
    answering: bool


@dataclass(frozen=True)
class Chats:
    """The collaborators. `thread_pepper`: what threads' keys are made with."""

    store: Store
    vault: Vault
    bus: Bus
    thread_pepper: Pepper

    async def write(self, who: Principal, agent: AgentId, chat: str, text: str) -> ProviderSid:
        """Send a message as whoever chats; return its id. Raises Unknown, BusUnavailable."""
        tenant = await self.owner(who, agent)
        line = await self._line(tenant, agent)
        sid = ProviderSid(new_id("web"))
        to, sender = agent_address(agent), chat_address(chat)
        message = InboundMessage(sid, sender, to, None, None, "", text, 0, {})
        now = datetime.now(UTC)
        event = inbound_event(
            self.vault, message, tenant=tenant, line=line, channel=CHANNEL, account=_ACCOUNT, received_at=now
        )
        subject = inbound_subject(tenant, self._thread(agent, chat))
        await self.bus.publish(INBOUND, subject, event, message_id=message_id(_ACCOUNT, sid))
        return sid

    async def read(self, who: Principal, agent: AgentId, chat: str) -> Chat:
        """Return what was said; nothing in a chat in which nobody wrote yet. Raises Unknown."""
        tenant, thread = await self.owner(who, agent), self._thread(agent, chat)
        async with self.store.connection(tenant) as connection:
            written = await (await connection.execute(_WRITTEN, (thread, MOST))).fetchall()
            answered = await (await connection.execute(_ANSWERED, (thread, MOST))).fetchall()
            row = await (await connection.execute(_ANSWERING, (thread,))).fetchone()
        said = [*merge(written[::-1], answered[::-1], key=lambda it: (it["seq"], it["side"]))]
        return Chat([self._opened(tenant, it) for it in said], answering=bool(row and row["answering"]))

    async def owner(self, who: Principal, agent: AgentId) -> TenantId:
        """Return whose agent it is. Raises Unknown."""
        async with self.store.connection(who.sees) as connection:
            row = await (await connection.execute("select tenant_id from agent where id = %s", (agent,))).fetchone()
        if row is None:
            raise Unknown
        return TenantId(row["tenant_id"])

    async def _line(self, tenant: TenantId, agent: AgentId) -> LineId:
        """Return the agent's line for chats, which is made for its first one."""
        facts = {
            "line": f"ln_web{agent.removeprefix('ag_')}",
            "tenant": tenant,
            "agent": agent,
            "channel": CHANNEL,
            "provider": PROVIDER,
            "sender": agent_address(agent),
        }
        async with self.store.transaction(tenant) as connection:
            await connection.execute(_LINE, facts)
        return LineId(facts["line"])

    def _thread(self, agent: AgentId, chat: str) -> ThreadKey:
        return self.thread_pepper.thread_key(CHANNEL, agent_address(agent), chat_address(chat))

    def _opened(self, tenant: TenantId, row: DictRow) -> dict[str, Any]:
        """Return a row with its text, as long as that is kept."""
        sealed, sources = row.pop("sealed"), list[str]()
        text = None
        if sealed is not None and row["side"]:
            body = orjson.loads(self.vault.open(sealed, REPLY_BODY.at(tenant, row["id"])))
            text, sources = body["markdown"], body["sources"]
        elif sealed is not None:
            text = self.vault.open(sealed, MESSAGE_TEXT.at(tenant, row["id"])).decode()
        return {**row, "text": text, "sources": sources}
