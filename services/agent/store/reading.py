"""What a turn works on: opened once, found again after a crash, or read after its end."""

from collections.abc import Iterator
from collections.abc import Sequence as SequenceOf
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.agent.budget import Limits
from services.agent.llm_port import Said
from services.agent.loop_guard import FEWEST, LOOKED_AT, Exchange
from services.agent.memory import WHOLE, History, Spoken
from services.agent.pipelines import Chosen, Setup, Sys
from services.agent.store import statements as sql
from services.agent.store.rows import TurnRows
from services.agent.store.work import Attached, Claim, Opened, Work
from services.agent.tools import TOOLS, Equipment
from shared.actions import Identity
from shared.channels.ports import Credentials
from shared.failures import NOTHING_ASKED, PIPELINE_UNFIT, TEXTS_GONE, GatewayError
from shared.ids import AgentId, ConversationId, LineId, Sequence, TenantId, ThreadKey, TurnId, new_id
from shared.media.contents import Content, with_contents
from shared.media.kept import kept, references, sealed_contents
from shared.pipelines import SHIPPED, WHATSAPP_DEFAULT, NotAPipeline, read_pipeline, shipped
from shared.store.credentials import credentials
from shared.store.sealed import MESSAGE_TEXT, REPLY_BODY, SUMMARY
from shared.store.session import Connection

_MOST_REMEMBERED = 400
"""Messages that are read of a whole conversation, beyond what is summarised: the newest."""


class Reading(TurnRows):
    """Reads turns."""

    async def load(self, claim: Claim) -> Work:
        """
        Return what the model needs, of a turn that was opened, or opens again now with more.

        Raises `GatewayError`: NOTHING_ASKED for a turn that was cancelled meanwhile, SEALED_UNREADABLE without its key,
        PIPELINE_UNFIT for a document that is none any more.
        """
        opened = claim.opened
        if opened is None:
            async with self.store.transaction(*claim.scope) as connection:
                opened = await open_turn(connection, claim)
        if not opened.asked:
            raise GatewayError(NOTHING_ASKED)
        return self._work(claim, opened)

    async def load_again(self, tenant: TenantId, turn: TurnId) -> Work:
        """Return a turn that has ended, as it would be told now. Raises GatewayError: TEXTS_GONE where it cannot be."""
        async with self.store.transaction(tenant) as connection:
            row = await (await connection.execute(sql.ENDED, (turn,))).fetchone()
            if row is None:
                raise GatewayError(TEXTS_GONE)
            done, asked = Sequence(row["from_seq"] - 1), Sequence(row["upto_seq"])
            claim = Claim(ThreadKey(row["thread"]), tenant, (tenant,), LineId(row["line_id"]), 0, done, asked)
            opened = await _read(connection, sql.STORED_TURN, _reading(claim) | {"turn": turn})
        if not opened.asked or any(it["sealed_text"] is None for it in opened.asked):
            raise GatewayError(TEXTS_GONE)
        return self._work(claim, opened)

    def _work(self, claim: Claim, opened: Opened) -> Work:
        found = opened.asked[0]
        equipment = Equipment(found["documents"], found["products"], found["listings"], found["orders"])
        tools = tuple(tool for tool in TOOLS if tool.suits(equipment))
        facts = Sys(found["channel"], found["tenant"], found["email"] or "")
        setup = Setup(found["instructions"], found["model"], facts, found["now"], tools, found["fallback_model"])
        texts = [self._text(claim.tenant, row) for row in opened.asked]
        attached = tuple(self._attached(claim.tenant, opened.asked, texts))
        known = {it.place: it.contents for it in attached}
        asked = tuple(
            {"role": "user", "content": with_contents(text, known.get(place, ()))} for place, text in enumerate(texts)
        )
        return Work(
            claim=claim,
            turn=TurnId(found["turn"]),
            attempts=found["attempts"],
            agent=AgentId(found["agent"]),
            conversation=ConversationId(found["conversation"]),
            channel=found["channel"],
            provider=found["provider"],
            pipeline=_chosen(found),
            setup=setup,
            is_handed_off=found["is_handed_off"],
            traces=tuple(row["trace"] for row in opened.asked),
            received_at=found["received_at"],
            identity=Identity(claim.tenant, found["contact_id"], found["user_id"] or ""),
            has_actions=found["has_actions"],
            has_servers=found["has_servers"],
            history=self._history(claim.tenant, found, opened.spoken),
            asked=asked,
            limits=Limits(found["message_tokens"], found["conversation_tokens"], found["daily_tokens"]),
            agent_name=found["agent_name"],
            is_silent=found["silent"],
            is_busy=bool(found["busy"]),
            attached=attached,
        )

    def _attached(self, tenant: TenantId, asked: list[DictRow], texts: list[str]) -> Iterator[Attached]:
        for place, (row, text) in enumerate(zip(asked, texts, strict=True)):
            where = row | {"place": row["id"]}
            if media := references(self.vault, tenant, where):
                yield Attached(row["id"], place, text, media, kept(self.vault, tenant, where))

    async def media_login(self, work: Work) -> Credentials | None:
        """Return what the media of a line is fetched with; None where the line takes none any more."""
        async with self.store.connection(*work.claim.scope) as connection:
            cursor = await connection.execute(sql.MEDIA_LOGIN, (work.claim.line,))
            row = await cursor.fetchone()
            if row is None:
                return None
            await self.store.have_keys(connection, row["holder"])
        return credentials(self.vault, row)

    async def keep_contents(self, work: Work, message: str, contents: SequenceOf[Content]) -> None:
        """Keep what was found in a message's media, unless its text is gone meanwhile."""
        tenant = work.claim.tenant
        sealed = sealed_contents(self.vault, tenant, message, contents)
        async with self.store.connection(tenant) as connection:
            await connection.execute(sql.KEEP_CONTENTS, {"message": message, "sealed": sealed})

    def _history(self, tenant: TenantId, found: DictRow, newest_first: list[DictRow]) -> History:
        spoken = tuple(Spoken(row["seq"], self._said(tenant, row)) for row in reversed(newest_first))
        if found["remembers"] != WHOLE:
            return History(spoken)
        sealed = found["sealed_summary"] if found["summary_seq"] < found["seq"] else None
        summary = self.vault.open(sealed, SUMMARY.at(tenant, found["conversation"])).decode() if sealed else ""
        return History(spoken, summary, found["memory_tokens"])

    async def keep_summary(self, work: Work, summary: str, seq: int) -> None:
        """Keep what stands for a conversation's messages up to here, unless more of it is summarised already."""
        sealed = self.vault.seal(summary.encode(), SUMMARY.at(work.claim.tenant, work.conversation))
        async with self.store.connection(work.claim.tenant) as connection:
            facts = {"conversation": work.conversation, "sealed": sealed, "seq": seq}
            await connection.execute(sql.KEEP_SUMMARY, facts)

    async def exchanges(self, work: Work) -> list[Exchange]:
        """Return the conversation's latest turns, the present one last."""
        facts = {"thread": work.claim.thread, "conversation": work.conversation, "most": LOOKED_AT}
        rows = await self.store.rows(sql.EXCHANGES, facts, *work.claim.scope)
        return [
            Exchange(
                self.vault.open(row["sealed_text"], MESSAGE_TEXT.at(work.claim.tenant, row["message"])).decode()
                if row["sealed_text"]
                else None,
                row["waited"],
            )
            for row in rows
        ]

    def _said(self, tenant: TenantId, row: dict[str, Any]) -> Said:
        if row["role"] == "user":
            text = self.vault.open(row["sealed"], MESSAGE_TEXT.at(tenant, row["place"])).decode()
            opened = with_contents(text, kept(self.vault, tenant, row))
        else:
            opened = orjson.loads(self.vault.open(row["sealed"], REPLY_BODY.at(tenant, row["place"])))["markdown"]
        return {"role": row["role"], "content": opened}

    def _text(self, tenant: TenantId, row: dict[str, Any]) -> str:
        return self.vault.open(row["sealed_text"], MESSAGE_TEXT.at(tenant, row["id"])).decode()


def _reading(claim: Claim) -> dict[str, Any]:
    return {
        "thread": claim.thread,
        "tenant": claim.tenant,
        "line": claim.line,
        "done_seq": claim.done_seq,
        "asked_seq": claim.asked_seq,
        "fewest": FEWEST - 2,
        "most": _MOST_REMEMBERED,
        "default": WHATSAPP_DEFAULT,
        "newest": SHIPPED[WHATSAPP_DEFAULT],
    }


async def open_turn(connection: Connection, claim: Claim) -> Opened:
    """Open the turn, or find it again after a crash, and read what belongs to it."""
    return await _read(connection, sql.OPEN_TURN, _reading(claim) | {"turn": new_id("tu")})


async def _read(connection: Connection, turn: str, facts: dict[str, Any]) -> Opened:
    asked = await connection.execute(turn, facts)
    spoken = await connection.execute(sql.SPOKEN, facts)
    return Opened(await asked.fetchall(), await spoken.fetchall())


def _chosen(row: DictRow) -> Chosen:
    """Return the pipeline that a turn runs. Raises GatewayError."""
    name, version = row["pipeline"], row["pipeline_version"]
    try:
        return Chosen(name, version, read_pipeline(row["document"] or shipped(name, version)))
    except NotAPipeline:
        raise GatewayError(PIPELINE_UNFIT) from None
