"""A thread wants its agent: claim it, run the turn, leave the reply; and again while there is more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import structlog

from services.agent.llm import Model
from services.agent.loop import Answer, Loop
from services.agent.store import Claim, ToolLedger, Turns, Work
from services.agent.tools import ToolContext
from shared.bus import Bus, BusUnavailable, Delivery
from shared.events import ReplyReady, TurnRequested, TurnRunning
from shared.failures import TURN_CRASHED, TURN_TIMED_OUT, Failure, GatewayError
from shared.ids import ReplyId, TenantId, ThreadKey
from shared.process import OneAtATime
from shared.sweep import sweep
from shared.telemetry import HOP_TURN, HOPS, TURN_FINISHED, TURN_LOST, TURNS_RUNNING, log, span
from shared.topology import OUT, out_subject, turn_running_subject

APOLOGY = "Sorry, I could not work out an answer just now. Please try again in a moment."

_RENEW_EVERY = 5.0
_RENEW_RETRY = 1.0
_LEASE_MARGIN = 12.0
"""Seconds without a renewal after which a turn gives itself up: before its lease of 15 s ends."""

_TYPING_EVERY = 20.0
_SWEEP_EVERY = 1.0
_MOST_ATTEMPTS = 5
"""Runs of one turn that may die before the person gets an apology."""


@dataclass(frozen=True)
class Agent:
    """The collaborators of a turn."""

    bus: Bus
    turns: Turns
    model: Model
    most_steps: int
    run_limit: float
    busy: OneAtATime[ThreadKey] = field(default_factory=OneAtATime)

    async def on_turn_requested(self, event: TurnRequested, _delivery: Delivery) -> None:
        """Answer what the thread asks. Somebody else's turn is left to them: they look again when they end."""
        await self.answer(event.tenant, event.thread)

    async def answer(self, tenant: TenantId, thread: ThreadKey) -> None:
        """Run the thread's turns until none is due."""
        await self.busy.do(thread, lambda: self._answer(tenant, thread))

    async def sweep(self) -> None:
        """Run turns whose hint was lost or whose owner died. Never ends."""
        await sweep(self.turns.due, self.answer, self.busy, _SWEEP_EVERY)

    async def _answer(self, tenant: TenantId, thread: ThreadKey) -> None:
        while (claim := await self.turns.claim(thread)) is not None:
            with structlog.contextvars.bound_contextvars(tenant=tenant, thread=thread):
                await self._hold(claim)
        await self._hint(tenant, thread)

    async def _hold(self, claim: Claim) -> None:
        """Run a turn while its lease is renewed; a lost lease cancels it, and being cancelled gives the lease back."""
        run = asyncio.create_task(self._run(claim))
        try:
            async with self._lease(claim, run):
                await run
        except asyncio.CancelledError:
            if not _being_cancelled():
                log.warning(TURN_LOST, fence=claim.fence)
                return
            await self._give_back(claim)
            raise
        except Exception:
            await self._give_back(claim)
            raise

    async def _give_back(self, claim: Claim) -> None:
        with suppress(Exception):  # the lease ends by itself where the database is away
            await self.turns.release(claim)

    @asynccontextmanager
    async def _lease(self, claim: Claim, run: asyncio.Task[None]) -> AsyncIterator[None]:
        keeper = asyncio.create_task(self._keep(claim, run))
        try:
            yield
        finally:
            keeper.cancel()

    async def _keep(self, claim: Claim, run: asyncio.Task[None]) -> None:
        """Renew, and keep the typing dots alive, until cancelled."""
        loop = asyncio.get_running_loop()
        renewed = told = loop.time()
        await self._announce(claim)
        while True:
            await asyncio.sleep(_RENEW_EVERY if loop.time() - renewed < _RENEW_EVERY else _RENEW_RETRY)
            with suppress(Exception):
                if not await self.turns.renew(claim):
                    run.cancel()
                    return
                renewed = loop.time()
            if loop.time() - renewed > _LEASE_MARGIN:
                run.cancel()
                return
            if loop.time() - told >= _TYPING_EVERY:
                told = loop.time()
                await self._announce(claim)

    async def _run(self, claim: Claim) -> None:
        work = await self.turns.load(claim)
        with (
            TURNS_RUNNING.track_inprogress(),
            HOPS.labels(HOP_TURN).time(),
            span(
                "invoke_agent",
                parent=work.traces[-1],
                links=work.traces[:-1],
                gen_ai__operation__name="invoke_agent",
                gen_ai__conversation__id=work.conversation,
                trunkline__turn=work.turn,
            ),
        ):
            answer, failure = await self._think(work)
            committed = await self.turns.commit(work, answer, failure.code if failure else None)
        log.info(
            TURN_FINISHED if committed else TURN_LOST,
            turn=work.turn,
            conversation=work.conversation,
            failure=failure.code if failure else None,
            attempts=work.attempts,
            steps=answer.steps,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
        )

    async def _think(self, work: Work) -> tuple[Answer, Failure | None]:
        """Return the answer, or the apology and why."""
        if work.attempts > _MOST_ATTEMPTS:
            return Answer(APOLOGY), TURN_CRASHED
        loop = Loop(
            model=self.model,
            tools=work.pipeline.tools,
            ledger=ToolLedger(self.turns, work),
            context=lambda step: ToolContext(work.claim.tenant, work.conversation, work.turn, step, self.turns),
            most_steps=self.most_steps,
            model_name=work.pipeline.model,
            user=work.conversation,
        )
        try:
            async with asyncio.timeout(self.run_limit):
                return await loop.run(work.messages), None
        except TimeoutError:
            return Answer(APOLOGY, steps=loop.steps), TURN_TIMED_OUT
        except GatewayError as error:
            return Answer(APOLOGY, steps=loop.steps), error.failure

    async def _announce(self, claim: Claim) -> None:
        with suppress(Exception):
            running = TurnRunning(tenant=claim.tenant, thread=claim.thread)
            await self.bus.announce(turn_running_subject(claim.tenant), running)

    async def _hint(self, tenant: TenantId, thread: ThreadKey) -> None:
        reply = await self.turns.newest_reply(thread)
        if reply is not None:
            ready = ReplyReady(tenant=tenant, thread=thread, reply_id=ReplyId(reply))
            with suppress(BusUnavailable):  # only a hint: egress sweeps
                await self.bus.publish(OUT, out_subject(tenant, thread), ready, message_id=f"reply:{reply}")


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
