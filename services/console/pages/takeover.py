"""A conversation is taken over, written in, and given back: the forms of a thread."""

import re

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api.conversations import Id, reader
from services.console.api.problems import Problem
from services.console.api.routes import may
from services.console.pages.routes import Page
from services.console.pages.view import Looking
from services.console.scan import owner
from services.console.takeover import LONGEST, Takeover
from shared.store.session import Store

_REPLY = re.compile(r"rp_[0-9a-f]{32}")


def takeover(store: Store, taking_over: Takeover) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Page)

    @router.post("/history/{conversation}/takeovers", **may("conversations:write"))
    async def take(view: Looking, conversation: Id) -> Response:
        taken = await taking_over.take(view.who, conversation)
        return view.go(f"/history/{conversation}", done="taken-late" if taken.on_its_way else "taken")

    @router.post("/history/{conversation}/replies", **may("conversations:write"))
    async def write(view: Looking, conversation: Id) -> Response:
        """Send what was typed; a form that is sent twice is one reply."""
        text = str(view.form.get("text", "")).strip()
        reply = str(view.form.get("reply", ""))
        if not text:
            return view.go(f"/history/{conversation}")
        if len(text) > LONGEST or not _REPLY.fullmatch(reply):
            raise Problem(422, "reply_invalid", f"An answer has 1 to {LONGEST} characters.")
        await taking_over.write(view.who, conversation, reply, text)
        return view.go(f"/history/{conversation}", done="queued")

    @router.post("/history/{conversation}/returns", **may("conversations:write"))
    async def give_back(view: Looking, conversation: Id) -> Response:
        tenant = await owner(store, view.who, "conversation", {"id = %s": conversation})
        await reader(store).give_back(view.who, tenant, conversation)
        return view.go(f"/history/{conversation}", done="given-back")

    return router
