"""What a turn leaves: a reply, a dead letter where there is work left, or nothing."""

from datetime import datetime

import orjson

from services.agent.loop import Answer
from services.agent.loop_guard import SILENT_MINUTES
from services.agent.pipelines import Course
from services.agent.store.rows import BURST_OVER, TurnRows
from services.agent.store.work import Claim, Committed, Work
from shared import faultpoints
from shared.failures import LOOP_NOTICED, Failure
from shared.faultpoints import Step
from shared.ids import ReplyId, new_id
from shared.store.sealed import REPLY_BODY
from shared.telemetry import trace_headers

_END_TURN = f"""
with settled as (
  update thread set done_seq = greatest(done_seq, %(asked)s), owner = null, send_at = now(), run_at = now(),
                    burst_at = case when asked_seq > %(asked)s then now() else burst_at end
  where key = %(thread)s and fence = %(fence)s and (asked_seq = %(asked)s or {BURST_OVER})
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


class Ending(TurnRows):
    """Ends turns."""

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
        values = {**self.facts(work.claim), "turn": work.turn}
        rows = await self.store.rows(_END_SILENTLY, values, *work.claim.scope)
        return Committed(None, rows[0]["more"]) if rows else None

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
            **self.facts(claim),
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
        rows = await self.store.rows(_END_TURN, values, *claim.scope)
        faultpoints.after(Step.AGENT_COMMIT)
        if not rows:
            return None
        reply = rows[0]["reply"]
        return Committed(ReplyId(reply) if reply is not None else None, rows[0]["more"])
