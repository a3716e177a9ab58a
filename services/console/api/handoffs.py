"""`POST /v1/conversations/{conversation}/handoff`, `…/replies`: a person goes on in the agent's place."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from services.console.api.conversations import Id
from services.console.api.fields import Body
from services.console.api.problems import Faults
from services.console.api.routes import Asking, Route, may
from services.console.takeover import LONGEST, CannotBeTold, NotOpen, NotTaken, Takeover
from shared.ids import new_id

FAULTS: Faults = {
    NotOpen: (409, "conversation_closed", "It is closed: the person's next message opens another."),
    NotTaken: (409, "not_handed_off", "The agent answers here. Take the conversation over first."),
    CannotBeTold: (409, "recipient_unreachable", "The person said STOP, or the line is off."),
}

Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST, pattern=r"^[^\x00]*$")
]


class HandedOff(BaseModel):
    """A conversation that a person has now. `on_its_way`: parts of the agent's whose sending had begun before."""

    on_its_way: int


class NewReply(Body):
    """What a person writes, in Markdown."""

    text: Words


class ReplyQueued(BaseModel):
    """A reply that is sent as any other: in parts, in its order, within 24 hours of the person's last message."""

    id: str


def handoffs(takeover: Takeover) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/conversations", tags=["conversations"], route_class=Route)

    @router.post("/{conversation}/handoff", status_code=201, **may("conversations:write"))
    async def take_conversation_over(who: Asking, conversation: Id) -> HandedOff:
        return HandedOff(on_its_way=(await takeover.take(who, conversation)).on_its_way)

    @router.post("/{conversation}/replies", status_code=201, **may("conversations:write"))
    async def write_in_conversation(who: Asking, conversation: Id, wanted: NewReply) -> ReplyQueued:
        reply = new_id("rp")
        await takeover.write(who, conversation, reply, wanted.text)
        return ReplyQueued(id=reply)

    return router
