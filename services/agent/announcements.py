"""What the agent tells whoever listens. All of it is a hint: the tables say the same."""

from contextlib import suppress

from services.agent.store import Claim, Work
from shared import faultpoints
from shared.bus import Bus, BusUnavailable
from shared.events import ConversationHandedOff, ReplyReady, TurnInterrupted, TurnRefused, TurnRunning
from shared.failures import Failure
from shared.faultpoints import Step
from shared.ids import ReplyId, TenantId, ThreadKey
from shared.metrics import TURNS_REFUSED
from shared.telemetry import CONVERSATION_HANDED_OFF, TURN_REFUSED, log
from shared.topology import (
    OUT,
    handed_off_subject,
    out_subject,
    turn_interrupted_subject,
    turn_refused_subject,
    turn_running_subject,
)


async def tell_running(bus: Bus, claim: Claim) -> None:
    """Tell that a turn runs."""
    with suppress(Exception):
        tenant = claim.scope[0]
        await bus.announce(turn_running_subject(tenant, claim.thread), TurnRunning(tenant=tenant, thread=claim.thread))


async def tell_owner(bus: Bus, tenant: TenantId, thread: ThreadKey) -> None:
    """Tell whichever process runs this thread's turn that it was asked more."""
    with suppress(Exception):  # it finds out when it commits
        interrupted = TurnInterrupted(tenant=tenant, thread=thread)
        await bus.announce(turn_interrupted_subject(tenant, thread), interrupted)


async def tell_refused(bus: Bus, work: Work, failure: Failure) -> None:
    """Tell of a limit that ended a turn."""
    if not failure.is_meant:
        return
    tenant = work.claim.scope[0]
    log.warning(TURN_REFUSED, turn=work.turn, conversation=work.conversation, reason=failure.code)
    TURNS_REFUSED.labels(failure.code).inc()
    refused = TurnRefused(tenant=tenant, thread=work.claim.thread, reason=failure.code)
    with suppress(Exception):
        await bus.announce(turn_refused_subject(tenant, work.claim.thread), refused)


async def tell_handoff(bus: Bus, work: Work) -> None:
    """Tell that a person has to go on with a conversation."""
    tenant, conversation = work.claim.tenant, work.conversation
    log.info(CONVERSATION_HANDED_OFF, conversation=conversation, turn=work.turn)
    with suppress(Exception):
        handed = ConversationHandedOff(tenant=tenant, conversation=conversation)
        await bus.announce(handed_off_subject(tenant, conversation), handed)


async def tell_reply(bus: Bus, tenant: TenantId, thread: ThreadKey, reply: ReplyId) -> None:
    """Tell that a reply waits to be sent."""
    ready = ReplyReady(tenant=tenant, thread=thread, reply_id=reply)
    faultpoints.before(Step.AGENT_HINT)
    with suppress(BusUnavailable):  # egress sweeps
        await bus.publish(OUT, out_subject(tenant, thread), ready, message_id=f"reply:{reply}")
    faultpoints.after(Step.AGENT_HINT)
