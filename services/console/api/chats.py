"""`/v1/agents/{agent}/chats`: talk with an agent on the web, as its people do on their phones."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, StringConstraints

from services.console.api.agents import Id as AgentInPath
from services.console.api.fields import Body
from services.console.api.routes import Asking, Route, may
from services.console.chats import MOST, Chats
from shared.channels.web.addresses import CHANNEL
from shared.ids import AgentId, new_id

Id = Annotated[str, Path(pattern=r"^ch_[0-9a-f]{32}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")]


class NewChat(BaseModel):
    """A chat that begins. `id`: whoever knows it, and may see the agent, can read and write in it."""

    id: str
    agent: str
    channel: Literal["web"] = CHANNEL


class NewMessage(Body):
    """What is written to the agent; commands such as /reset are commands here, too."""

    text: Text


class Sent(BaseModel):
    """A message on its way. `provider_sid`: by which it is found among the messages."""

    provider_sid: str


class Line(BaseModel):
    """
    What one side said. `text`: Markdown in answers; null once it is not kept any more. `status`: what became of a message, or
    how far an answer is.
    """

    id: str
    direction: Literal["inbound", "outbound"]
    provider_sid: str | None
    status: str
    text: str | None
    sources: list[str]
    turn: str | None
    at: datetime


class Chat(NewChat):
    """A chat as it is now. `answering`: whether the agent is at an answer."""

    answering: bool
    messages: list[Line] = Field(description=f"The oldest first; at most the newest {MOST} of either side.")


def chats(found: Chats) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/agents/{agent}/chats", tags=["chats"], route_class=Route)

    @router.post("", status_code=201, **may("chats:write"))
    async def create_chat(who: Asking, agent: AgentInPath) -> NewChat:
        await found.owner(who, AgentId(agent))
        return NewChat(id=new_id("ch"), agent=agent)

    @router.get("/{chat}", **may("chats:read"))
    async def get_chat(who: Asking, agent: AgentInPath, chat: Id) -> Chat:
        now = await found.read(who, AgentId(agent), chat)
        said = [Line(direction="outbound" if row["side"] else "inbound", **row) for row in now.said]
        return Chat(id=chat, agent=agent, answering=now.answering, messages=said)

    @router.post("/{chat}/messages", status_code=202, **may("chats:write"))
    async def write_in_chat(who: Asking, agent: AgentInPath, chat: Id, wanted: NewMessage) -> Sent:
        return Sent(provider_sid=await found.write(who, AgentId(agent), chat, wanted.text))

    return router
