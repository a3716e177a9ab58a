"""The chat to try an agent out: channel `web`, the same agent as on phones, and nobody becomes a lead."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api.agents import AGENTS
from services.console.api.chats import Id
from services.console.api.routes import may
from services.console.chats import Chats
from services.console.pages.forms import text
from services.console.pages.routes import Page
from services.console.pages.view import Looking
from services.console.records import Records
from shared.ids import AgentId, new_id

_LONGEST = 4096


def chats(found: Chats) -> APIRouter:
    """Return the pages. Whoever knows a chat's id, and may see the agent, reads and writes in it."""
    router = APIRouter(route_class=Page)
    agents = Records(found.store, AGENTS)

    @router.get("/agents/{agent}/chats", **may("chats:write"))
    async def begin(view: Looking, agent: str) -> Response:
        await found.owner(view.who, AgentId(agent))
        return view.go(f"/agents/{agent}/chats/{new_id('ch')}")

    @router.get("/agents/{agent}/chats/{chat}", **may("chats:read"))
    async def one_chat(view: Looking, agent: str, chat: Id) -> Response:
        now = await found.read(view.who, AgentId(agent), chat)
        return view.page("chat.html", agent=await agents.get(view.who, agent), id=chat, chat=now)

    @router.post("/agents/{agent}/chats/{chat}", **may("chats:write"))
    async def write(view: Looking, agent: str, chat: Id) -> Response:
        said = text(view, "text", _LONGEST).strip()
        if said:
            await found.write(view.who, AgentId(agent), chat, said)
        return view.go(f"/agents/{agent}/chats/{chat}")

    return router
