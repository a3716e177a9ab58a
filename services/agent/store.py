"""The SQL behind turns: claim with a fence, load, remember tool calls, commit, release."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.agent.budget import Limits
from services.agent.llm_port import Said, ToolRequest
from services.agent.loop import Answer
from services.agent.loop_guard import FEWEST, LOOKED_AT, SILENT_MINUTES, Exchange
from services.agent.memory import WHOLE, History, Spoken
from services.agent.pipelines import Chosen, Course, Setup, Sys
from services.agent.tools import TOOLS, Equipment, Result, ToolContext
from shared import faultpoints
from shared.actions import Identity
from shared.failures import LOOP_NOTICED, NOTHING_ASKED, PIPELINE_UNFIT, TEXTS_GONE, Failure, GatewayError
from shared.fairness import FAIR_ORDER
from shared.faultpoints import Step
from shared.ids import AgentId, ConversationId, LineId, ReplyId, Sequence, TenantId, ThreadKey, TurnId, new_id
from shared.metrics import TAKEOVERS
from shared.pipelines import SHIPPED, WHATSAPP_DEFAULT, NotAPipeline, read_pipeline, shipped
from shared.store.presence import OWNER_IS_DEAD
from shared.store.sealed import FORM_BODY, MESSAGE_TEXT, REPLY_BODY, SUMMARY, TOOL_RESULT, TOOL_SOURCES, SealedColumn
from shared.store.session import Connection, Store
from shared.telemetry import trace_headers
from shared.vault import Vault

_FREE = f"(owner is null or owner = %(owner)s or lease_until < now() or {OWNER_IS_DEAD.format(column='owner')})"
"""A claim of this very process counts as free: it only ever claims a thread that it is not busy with."""

_BURST_OVER = "coalesce(burst_at + %(burst)s * interval '1 s' <= now(), true)"

_LEASE = "15 s"
_CLAIM = """
with claimed as (
  update thread set owner = %(owner)s, fence = fence + 1, lease_until = now() + interval '{lease}'
  where key = %(thread)s and done_seq < asked_seq and run_at <= now() and {alone} and {free}
  returning key, tenant_id, guests, line_id, fence, done_seq, asked_seq, run_at as due_at, old.owner <> %(owner)s as taken_over
)
select thread.root, claimed.* from thread left join claimed on true where thread.key = %(thread)s
"""
"""Takes a thread's due turn. Without one it still tells the root, where the person has several threads on the line."""

_CLAIM_ALONE = _CLAIM.format(lease=_LEASE, free=_FREE, alone="root is null")

_LOCK_GROUP = "select 1 from thread where key = %(root)s for update nowait"
_GUESTS = "select distinct unnest(guests) as guest from thread where root = %(root)s"
_FIRST_ASKED = "(select min(seq) from message where message.thread = {thread}.key and seq > {thread}.done_seq and outcome = 'asked')"
_NONE_BEFORE = f"""
not exists (
  select 1 from thread as other where other.root = %(root)s and other.key <> %(thread)s
    and ((other.owner is not null and other.lease_until >= now() and not {OWNER_IS_DEAD.format(column="other.owner")})
         or (other.done_seq < other.asked_seq
             and {_FIRST_ASKED.format(thread="other")} < {_FIRST_ASKED.format(thread="thread")})))
"""  # noqa: S608 - constants
"""Of a person's threads one has its turn at a time, and first the one that was asked first (ADR 14)."""

_CLAIM_IN_GROUP = _CLAIM.format(lease=_LEASE, free=_FREE, alone=_NONE_BEFORE)
_DUE = FAIR_ORDER.format(
    due=f"""
      select tenant_id, key, run_at as since from thread_schedule
      where done_seq < asked_seq and run_at <= now() - %(patience)s * interval '1 s' and {_FREE}
    """,  # noqa: S608 - constants
    each=50,
)


_READ = """
select asked.id, asked.seq, asked.sealed_text, asked.trace, asked.received_at, opened.id as turn, opened.attempts,
       opened.conversation, agent.id as agent, agent.name as agent_name, agent.instructions, agent.model, agent.memory,
       agent.fallback_model, agent.remembers, agent.memory_tokens, agent.message_tokens, agent.conversation_tokens,
       opened.pipeline, opened.pipeline_version,
       (select document from pipeline_version where pipeline_id = opened.pipeline and number = opened.pipeline_version),
       handed_off_at is not null as is_handed_off, tenant.daily_tokens, conversation.sealed_summary, conversation.summary_seq, coalesce(conversation.silent_until > now(), false) as silent,
       (select started_at > now() - interval '10 minutes' from turn as earlier where earlier.thread = %(thread)s
        order by from_seq desc offset %(fewest)s limit 1) as busy,
       line.channel, line.provider, tenant.name as tenant, app_user.email, now() as now, conversation.contact_id, conversation.user_id,
       exists (select 1 from action where action.tenant_id = conversation.tenant_id and action.enabled) as has_actions,
       exists (select 1 from mcp_server where mcp_server.tenant_id = conversation.tenant_id and mcp_server.enabled) as has_servers,
       exists (select from knowledge_document where agent_id = agent.id and generation > 0) as documents,
       exists (select from data_source where tenant_id = tenant.id and kind = 'product' and items > 0) as products,
       exists (select from data_source where tenant_id = tenant.id and kind = 'listing' and items > 0) as listings,
       exists (
         select from data_source where tenant_id = tenant.id and kind = 'order' and (items > 0 or origin in ('woocommerce', 'endpoint'))
       ) as orders
from asked cross join opened
join conversation on conversation.id = opened.conversation
join agent on agent.id = conversation.agent_id
join line on line.id = %(line)s
join tenant on tenant.id = conversation.tenant_id
left join app_user on app_user.id = conversation.user_id
order by asked.seq
"""
"""What the model is told of a turn: a row for each message asked."""

_OPEN_TURN = f"""
with asked as (
  select id, seq, conversation_id, sealed_text, trace, received_at from message
  where thread = %(thread)s and seq > %(done_seq)s and seq <= %(asked_seq)s and outcome = 'asked'
),
selected as (
  select pipeline.id as pipeline, active_version from conversation join agent on agent.id = conversation.agent_id
  join pipeline on pipeline.id = agent.pipeline_id
  where conversation.id = (select conversation_id from asked order by seq desc limit 1) and active_version is not null
),
opened as (
  insert into turn (id, tenant_id, thread, conversation_id, from_seq, upto_seq, pipeline, pipeline_version)
  select %(turn)s, %(tenant)s, %(thread)s, (select conversation_id from asked order by seq desc limit 1), min(seq), %(asked_seq)s,
         coalesce((select pipeline from selected), %(default)s), coalesce((select active_version from selected), %(newest)s)
  from asked having count(*) > 0
  on conflict (thread, from_seq) do update set upto_seq = excluded.upto_seq, finished_at = null,
      attempts = case when turn.upto_seq = excluded.upto_seq then turn.attempts + 1 else 1 end,
      pipeline = coalesce(turn.pipeline, excluded.pipeline),
      pipeline_version = coalesce(turn.pipeline_version, excluded.pipeline_version)
  returning id, attempts, (select conversation_id from asked order by seq desc limit 1) as conversation, pipeline, pipeline_version
)
{_READ}
"""  # noqa: S608 - constants
"""
Opens a turn, or finds it again after a crash, and reads it.

A turn keeps the version of the pipeline that it began with, whoever goes on with it.
"""

_STORED_TURN = f"""
with opened as (
  select id, attempts, conversation_id as conversation, thread, from_seq, upto_seq,
         coalesce(pipeline, %(default)s) as pipeline, coalesce(pipeline_version, %(newest)s) as pipeline_version from turn
  where id = %(turn)s and finished_at is not null
),
asked as (
  select message.id, seq, sealed_text, message.trace, received_at from message join opened on message.thread = opened.thread
  where seq between from_seq and upto_seq and outcome = 'asked'
)
{_READ}
"""  # noqa: S608 - constants
"""Reads a turn that has ended."""

_ENDED = """
select turn.thread, line_id, from_seq, upto_seq from turn join conversation on conversation.id = conversation_id
where turn.id = %s and finished_at is not null
"""

_SPOKEN = """
with opened as (
  select turn.conversation_id as conversation, from_seq,
         case when remembers = 'whole' and summary_seq < from_seq then summary_seq else 0 end as behind,
         case when remembers = 'whole' then %(most)s else memory end as most from turn
  join conversation on conversation.id = turn.conversation_id join agent on agent.id = conversation.agent_id
  where turn.thread = %(thread)s and from_seq > %(done_seq)s order by from_seq limit 1
)
select * from (
  select 'user' as role, id::text as ref, seq, 0 as side, id::text as place, sealed_text as sealed, 0::bigint as rank
  from message, opened
  where conversation_id = conversation and seq > behind and seq < from_seq and outcome = 'asked' and sealed_text is not null
  union all
  select 'assistant', id::text, after_seq, 1, public_id, sealed_body, id
  from reply, opened
  where conversation_id = conversation and turn_id is not null and after_seq > behind and after_seq < from_seq
    and sealed_body is not null
) spoken order by seq desc, side desc, rank desc limit (select most from opened)
"""
"""The last messages of the conversation, either side's, before the turn that was just opened; the newest first."""

_EXCHANGES = """
select latest.message, message.sealed_text, extract(epoch from message.received_at - answered.created_at)::float8 as waited
from (
  select from_seq, (select id from message where thread = turn.thread and seq = from_seq and outcome = 'asked' limit 1) as message
  from turn where thread = %(thread)s and conversation_id = %(conversation)s order by from_seq desc limit %(most)s
) as latest
join message on message.id = latest.message
left join lateral (
  select created_at from reply where thread = %(thread)s and after_seq < latest.from_seq and turn_id is not null
  order by after_seq desc limit 1
) as answered on true
order by latest.from_seq
"""
"""The first message of each of the latest turns, and how long after our last answer it came."""

_KEEP_SUMMARY = """
update conversation set sealed_summary = %(sealed)s, summary_seq = %(seq)s
where id = %(conversation)s and summary_seq < %(seq)s
"""

_END_TURN = f"""
with settled as (
  update thread set done_seq = greatest(done_seq, %(asked)s), owner = null, send_at = now(), run_at = now(),
                    burst_at = case when asked_seq > %(asked)s then now() else burst_at end
  where key = %(thread)s and fence = %(fence)s and (asked_seq = %(asked)s or {_BURST_OVER})
  returning asked_seq > %(asked)s as more
),
finished as (
  update turn set finished_at = now(), upto_seq = %(asked)s, failure = %(failure)s, model = %(model)s, steps = %(steps)s,
                  input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s, trail = %(trail)s, cost = %(cost)s
  from settled where turn.id = %(turn)s
),
handed_off as (
  update conversation set handed_off_at = now() from settled
  where %(handed_off)s and conversation.id = %(conversation)s and handed_off_at is null
),
listed as (
  insert into dead_letter (id, tenant_id, thread, stage, reason, attempts, payload)
  select %(letter)s, %(tenant)s, %(thread)s, 'agent', %(failure)s, %(attempts)s, %(payload)s
  from settled where %(is_work)s on conflict do nothing
),
silenced as (
  update conversation set silent_until = now() + %(silence)s * interval '1 minute' from settled
  where conversation.id = %(conversation)s and %(silence)s > 0
),
replied as (
  insert into reply (public_id, tenant_id, thread, conversation_id, turn_id, after_seq, kind, sealed_body, trace, received_at)
  select %(reply)s, %(tenant)s, %(thread)s, %(conversation)s, %(turn)s, %(asked)s, %(kind)s, %(sealed)s, %(trace)s,
         coalesce(%(received_at)s, now())
  from settled where %(speaks)s returning id
)
select settled.more, replied.id as reply from settled left join replied on true
"""  # noqa: S608 - constants
"""
Ends a turn with a reply, if it says anything, and with a dead letter where it left work; nothing where the fence has moved on.
"""

_MOST_REMEMBERED = 400
"""Messages that are read of a whole conversation, beyond what is summarised: the newest."""

_END_SILENTLY = """
with settled as (
  update thread set done_seq = greatest(done_seq, %(asked)s), owner = null, run_at = now(),
                    burst_at = case when asked_seq > %(asked)s then now() else burst_at end
  where key = %(thread)s and fence = %(fence)s
  returning asked_seq > %(asked)s as more
),
finished as (
  update turn set finished_at = now(), upto_seq = %(asked)s from settled where turn.id = %(turn)s
)
select more from settled
"""
"""Ends a turn of a conversation that a person has: what was asked before the agent knew that is theirs to answer."""


@dataclass(frozen=True)
class Opened:
    """A turn's rows as they were read: what is asked, and what was spoken before, the newest first."""

    asked: list[DictRow]
    spoken: list[DictRow]


@dataclass(frozen=True)
class Claim:
    """
    The right to run one turn of a thread. Whoever claims next gets a higher fence, and this one cannot commit.

    `tenant`: whose conversation it is. `scope`: all whose rows it may touch: the line's tenant first, that one last.
    """

    thread: ThreadKey
    tenant: TenantId
    scope: tuple[TenantId, ...]
    line: LineId
    fence: int
    done_seq: Sequence
    asked_seq: Sequence
    opened: Opened | None = field(default=None, compare=False, repr=False)
    """What was read with the claim; None once more was asked."""
    due_at: datetime | None = field(default=None, compare=False)
    """Since when the turn waited; None where it did not."""


@dataclass(frozen=True)
class Work:
    """A turn, loaded: what the model is told, and where its answer goes."""

    claim: Claim
    turn: TurnId
    attempts: int
    agent: AgentId
    conversation: ConversationId
    channel: str
    provider: str
    pipeline: Chosen
    setup: Setup
    is_handed_off: bool
    traces: tuple[dict[str, str], ...]
    received_at: datetime
    identity: Identity
    has_actions: bool
    has_servers: bool
    history: History
    asked: tuple[Said, ...]
    limits: Limits
    agent_name: str
    is_silent: bool
    """Another automatic service seemed to write, and nothing is answered for a while."""
    is_busy: bool
    """There were several turns lately: enough for a look whether a person writes."""

    @property
    def question(self) -> str:
        """What is asked, in one text."""
        return "\n".join(message["content"] for message in self.asked)


@dataclass(frozen=True)
class Committed:
    """The reply that a turn left, if it said anything, and whether its thread was asked more since."""

    reply: ReplyId | None
    more: bool


@dataclass(frozen=True)
class Turns:
    """Where the agent finds and leaves its work."""

    store: Store
    vault: Vault
    owner: int
    burst_limit: float
    """Seconds from a burst's first message during which a further one makes its turn start over."""

    async def claim(self, tenant: TenantId, thread: ThreadKey) -> Claim | None:
        """Take a thread's due turn and open it, unless somebody alive has it. `tenant`: the line's."""
        async with self.store.transaction(tenant) as connection:
            row = await self._claimed(connection, tenant, thread)
            if row is None:
                return None
            if row["taken_over"]:
                TAKEOVERS.labels("agent").inc()
            scope = (tenant, *row["guests"])
            if row["guests"]:
                await self.store.widen(connection, *scope)
            claim = Claim(
                ThreadKey(row["key"]),
                scope[-1],
                scope,
                LineId(row["line_id"]),
                row["fence"],
                Sequence(row["done_seq"]),
                Sequence(row["asked_seq"]),
                due_at=row["due_at"],
            )
            return replace(claim, opened=await _open(connection, claim))

    async def _claimed(self, connection: Connection, tenant: TenantId, thread: ThreadKey) -> DictRow | None:
        values = {"owner": self.owner, "thread": thread}
        row = await (await connection.execute(_CLAIM_ALONE, values)).fetchone()
        if row is not None and row["root"] is not None:
            return await self._claimed_in_group(connection, tenant, values | {"root": row["root"]})
        return row if row is not None and row["key"] is not None else None

    async def _claimed_in_group(
        self, connection: Connection, tenant: TenantId, values: dict[str, Any]
    ) -> DictRow | None:
        """Claim one of a person's threads, by what the others have to do now: whoever claims one holds their root."""
        await connection.execute(_LOCK_GROUP, values)
        guests = [row["guest"] for row in await (await connection.execute(_GUESTS, values)).fetchall()]
        if guests:
            await self.store.widen(connection, tenant, *guests)
        row = await (await connection.execute(_CLAIM_IN_GROUP, values)).fetchone()
        return row if row is not None and row["key"] is not None else None

    async def renew(self, claim: Claim) -> Claim | None:
        """Prolong the lease. Returns the claim, widened by what was asked since in the same burst; None once it is lost."""
        async with self.store.connection(*claim.scope) as connection:
            cursor = await connection.execute(
                f"""
                update thread set lease_until = now() + interval '{_LEASE}'
                where key = %(thread)s and fence = %(fence)s and owner = %(owner)s
                returning case when {_BURST_OVER} then %(asked)s else asked_seq end as asked_seq
                """,  # noqa: S608 - constants
                self._facts(claim),
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        asked = Sequence(row["asked_seq"])
        return replace(claim, asked_seq=asked, opened=claim.opened if asked == claim.asked_seq else None)

    def _facts(self, claim: Claim) -> dict[str, Any]:
        return {
            "thread": claim.thread,
            "fence": claim.fence,
            "owner": self.owner,
            "asked": claim.asked_seq,
            "burst": self.burst_limit,
        }

    async def release(self, claim: Claim) -> None:
        """Give the thread back unanswered."""
        async with self.store.connection(*claim.scope) as connection:
            await connection.execute(
                "update thread set owner = null, run_at = now() where key = %s and fence = %s",
                (claim.thread, claim.fence),
            )

    async def due(self, patience: float) -> list[tuple[TenantId, ThreadKey]]:
        """Return threads whose turn was due so many seconds ago and that nobody alive runs, each tenant in its turn."""
        async with self.store.connection() as connection:
            cursor = await connection.execute(_DUE, {"owner": self.owner, "patience": patience})
            return [(TenantId(row["tenant_id"]), ThreadKey(row["key"])) for row in await cursor.fetchall()]

    async def load(self, claim: Claim) -> Work:
        """
        Return what the model needs, of a turn that was opened, or opens again now with more.

        Raises `GatewayError`: NOTHING_ASKED for a turn that was cancelled meanwhile, SEALED_UNREADABLE without its key,
        PIPELINE_UNFIT for a document that is none any more.
        """
        opened = claim.opened
        if opened is None:
            async with self.store.transaction(*claim.scope) as connection:
                opened = await _open(connection, claim)
        if not opened.asked:
            raise GatewayError(NOTHING_ASKED)
        return self._work(claim, opened)

    async def load_again(self, tenant: TenantId, turn: TurnId) -> Work:
        """Return a turn that has ended, as it would be told now. Raises GatewayError: TEXTS_GONE where it cannot be."""
        async with self.store.transaction(tenant) as connection:
            row = await (await connection.execute(_ENDED, (turn,))).fetchone()
            if row is None:
                raise GatewayError(TEXTS_GONE)
            done, asked = Sequence(row["from_seq"] - 1), Sequence(row["upto_seq"])
            claim = Claim(ThreadKey(row["thread"]), tenant, (tenant,), LineId(row["line_id"]), 0, done, asked)
            opened = await _read(connection, _STORED_TURN, _reading(claim) | {"turn": turn})
        if not opened.asked or any(it["sealed_text"] is None for it in opened.asked):
            raise GatewayError(TEXTS_GONE)
        return self._work(claim, opened)

    def _work(self, claim: Claim, opened: Opened) -> Work:
        found = opened.asked[0]
        equipment = Equipment(found["documents"], found["products"], found["listings"], found["orders"])
        tools = tuple(tool for tool in TOOLS if tool.suits(equipment))
        facts = Sys(found["channel"], found["tenant"], found["email"] or "")
        setup = Setup(found["instructions"], found["model"], facts, found["now"], tools, found["fallback_model"])
        asked = tuple({"role": "user", "content": self._text(claim.tenant, row)} for row in opened.asked)
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
        )

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
            await connection.execute(_KEEP_SUMMARY, facts)

    async def exchanges(self, work: Work) -> list[Exchange]:
        """Return the conversation's latest turns, the present one last."""
        facts = {"thread": work.claim.thread, "conversation": work.conversation, "most": LOOKED_AT}
        async with self.store.connection(*work.claim.scope) as connection:
            rows = await (await connection.execute(_EXCHANGES, facts)).fetchall()
        return [
            Exchange(
                self.vault.open(row["sealed_text"], MESSAGE_TEXT.at(work.claim.tenant, row["message"])).decode()
                if row["sealed_text"]
                else None,
                row["waited"],
            )
            for row in rows
        ]

    async def commit(self, work: Work, answer: Answer, course: Course, failure: Failure | None) -> Committed | None:
        """
        Leave the answer as a reply, none where it is empty, and finish the turn; None when it came too late, and nothing was done.
        """
        return await self._end(
            work.claim,
            answer,
            course,
            kind="agent",
            turn=work.turn,
            conversation=work.conversation,
            trace=trace_headers() or work.traces[-1],
            received_at=work.received_at,
            failure=failure.code if failure else None,
            is_work=failure is not None and not failure.is_meant,
            silence=SILENT_MINUTES if failure is LOOP_NOTICED else 0,
            payload=f"turn/{work.turn}",
            attempts=work.attempts,
        )

    async def give_up(self, claim: Claim, apology: str, failure: str) -> Committed | None:
        """End a turn that cannot even be read; None when it came too late, and nothing was done."""
        return await self._end(
            claim,
            Answer(apology),
            Course(),
            kind="notice",
            turn=None,
            conversation=None,
            trace={},
            received_at=None,
            failure=failure,
            is_work=True,
            silence=0,
            payload=f"messages/{claim.done_seq + 1}-{claim.asked_seq}",
            attempts=1,
        )

    async def keep_silent(self, work: Work) -> Committed | None:
        """Finish a turn without a reply; None when it came too late, and nothing was done."""
        values = {**self._facts(work.claim), "turn": work.turn}
        async with self.store.connection(*work.claim.scope) as connection:
            row = await (await connection.execute(_END_SILENTLY, values)).fetchone()
        return Committed(None, row["more"]) if row else None

    async def _end(
        self,
        claim: Claim,
        answer: Answer,
        course: Course,
        *,
        trace: dict[str, str],
        **facts: str | int | datetime | None,
    ) -> Committed | None:
        """Count a turn's messages as answered, in one statement, unless it was cancelled, taken over or asked more."""
        public_id = new_id("rp")
        body = orjson.dumps({"markdown": answer.text, "sources": list(answer.sources)})
        values = {
            **self._facts(claim),
            **vars(answer),
            **vars(course),
            "trail": orjson.dumps(course.trail).decode(),
            **facts,
            "tenant": claim.tenant,
            "trace": orjson.dumps(trace).decode(),
            "reply": public_id,
            "sealed": self.vault.seal(body, REPLY_BODY.at(claim.tenant, public_id)),
            "letter": new_id("dl"),
            "speaks": bool(answer.text),
        }
        values.pop("sources")
        faultpoints.before(Step.AGENT_COMMIT)
        async with self.store.connection(*claim.scope) as connection:
            row = await (await connection.execute(_END_TURN, values)).fetchone()
        faultpoints.after(Step.AGENT_COMMIT)
        if row is None:
            return None
        return Committed(ReplyId(row["reply"]) if row["reply"] is not None else None, row["more"])

    async def submit(self, context: ToolContext, body: dict[str, str]) -> None:
        """Store a contact form, once per turn and call."""
        form = new_id("form")
        async with self.store.connection(context.tenant) as connection:
            await connection.execute(
                """
                insert into form_submission (id, tenant_id, conversation_id, turn_id, call, sealed_body, state, next_at)
                select %s, %s, %s, %s, %s, %s, case when wanted then 'waiting' else 'kept' end, case when wanted then now() end
                from (select exists (select 1 from form_delivery where tenant_id = %s and enabled) as wanted) as delivery
                on conflict (turn_id, call) do nothing
                """,
                (
                    form,
                    context.tenant,
                    context.conversation,
                    context.turn,
                    context.call,
                    self.vault.seal(orjson.dumps(body), FORM_BODY.at(context.tenant, form)),
                    context.tenant,
                ),
            )

    def _said(self, tenant: TenantId, row: dict[str, Any]) -> Said:
        if row["role"] == "user":
            opened = self.vault.open(row["sealed"], MESSAGE_TEXT.at(tenant, row["place"])).decode()
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


async def _open(connection: Connection, claim: Claim) -> Opened:
    """Open the turn, or find it again after a crash, and read what belongs to it."""
    return await _read(connection, _OPEN_TURN, _reading(claim) | {"turn": new_id("tu")})


async def _read(connection: Connection, turn: str, facts: dict[str, Any]) -> Opened:
    asked = await connection.execute(turn, facts)
    spoken = await connection.execute(_SPOKEN, facts)
    return Opened(await asked.fetchall(), await spoken.fetchall())


def _chosen(row: DictRow) -> Chosen:
    """Return the pipeline that a turn runs. Raises GatewayError."""
    name, version = row["pipeline"], row["pipeline_version"]
    try:
        return Chosen(name, version, read_pipeline(row["document"] or shipped(name, version)))
    except NotAPipeline:
        raise GatewayError(PIPELINE_UNFIT) from None


@dataclass(frozen=True)
class ToolLedger:
    """The tool calls of one turn, kept across restarts."""

    turns: Turns
    work: Work

    async def recall(self, request: ToolRequest) -> Result | None:
        """Return the stored result of an equal call."""
        async with self.turns.store.connection(self.work.claim.tenant) as connection:
            cursor = await connection.execute(
                "select sealed_result, sealed_sources from tool_call where turn_id = %s and call = %s",
                (self.work.turn, request.key),
            )
            row = await cursor.fetchone()
        if row is None or row["sealed_result"] is None:
            return None
        open_ = self.turns.vault.open
        text = open_(row["sealed_result"], self._place(TOOL_RESULT, request)).decode()
        sealed = row["sealed_sources"]
        sources = orjson.loads(open_(sealed, self._place(TOOL_SOURCES, request))) if sealed is not None else ()
        return Result(text, tuple(sources))

    async def remember(self, step: int, request: ToolRequest, result: Result) -> None:
        """Keep a call's result; that of another run of this turn stays as it is."""
        seal, sources = self.turns.vault.seal, orjson.dumps(result.sources)
        async with self.turns.store.connection(self.work.claim.tenant) as connection:
            await connection.execute(
                """
                insert into tool_call (turn_id, call, tenant_id, step, name, sealed_result, sealed_sources)
                values (%s, %s, %s, %s, %s, %s, %s) on conflict (turn_id, call) do nothing
                """,
                (
                    self.work.turn,
                    request.key,
                    self.work.claim.tenant,
                    step,
                    request.name[:64],
                    seal(result.text.encode(), self._place(TOOL_RESULT, request)),
                    seal(sources, self._place(TOOL_SOURCES, request)) if result.sources else None,
                ),
            )

    def _place(self, column: SealedColumn, request: ToolRequest) -> str:
        return column.at(self.work.claim.tenant, self.work.turn, request.key)
