"""A conversation is taken over, written in, and given back: the forms of a thread."""

import re

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api.conversations import Id, reader
from services.console.api.problems import Problem
from services.console.api.routes import may
from services.console.pages.navigation import _
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from services.console.scan import owner
from services.console.takeover import LONGEST, CannotBeTold, NotOpen, NotTaken, Takeover
from shared.failures import Later
from shared.store.session import Store

_REPLY = re.compile(r"rp_[0-9a-f]{32}")
_NOT_SENT = {
    NotTaken: _("The agent answers here. Take the conversation over first."),
    NotOpen: _("This conversation is closed: the person's next message opens another."),
    CannotBeTold: _("The person said STOP, or the line is off."),
    Later: _("This conversation is being worked on. Try again in a moment."),
}


def takeover(store: Store, taking_over: Takeover) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Page)

    @router.post("/history/{conversation}/takeovers", **may("conversations:write"))
    async def take(view: Looking, conversation: Id) -> Response:
        taken = await taking_over.take(view.who, conversation)
        return view.go(f"/history/{conversation}", done="taken-late" if taken.on_its_way else "taken")

    @router.post("/history/{conversation}/replies", **may("conversations:write"))
    async def write(view: Looking, conversation: Id) -> Response:
        """Send what was typed; a form that is sent twice is one reply. `take`: take the conversation over before."""
        text = str(view.form.get("text", "")).replace("\r\n", "\n").strip()
        reply = str(view.form.get("reply", ""))
        if not text:
            return view.go(f"/history/{conversation}")
        if len(text) > LONGEST or not _REPLY.fullmatch(reply):
            raise Problem(422, "reply_invalid", f"An answer has 1 to {LONGEST} characters.")
        try:
            if view.form.get("take"):
                await taking_over.take(view.who, conversation)
            await taking_over.write(view.who, conversation, reply, text)
        except (NotTaken, NotOpen, CannotBeTold, Later) as error:
            return _kept(view, conversation, reply, text, error)
        return view.go(f"/history/{conversation}", done="queued")

    @router.post("/history/{conversation}/returns", **may("conversations:write"))
    async def give_back(view: Looking, conversation: Id) -> Response:
        tenant = await owner(store, view.who, "conversation", {"id = %s": conversation})
        await reader(store).give_back(view.who, tenant, conversation)
        return view.go(f"/history/{conversation}", done="given-back")

    return router


def _kept(view: View, conversation: str, reply: str, text: str, error: Exception) -> Response:
    """Say why it was not sent: what was typed is still there."""
    return view.page(
        "not_sent.html",
        503 if isinstance(error, Later) else 409,
        conversation=conversation,
        reply=reply,
        text=text,
        why=_NOT_SENT[type(error)],
        is_closed=isinstance(error, NotOpen),
        is_agents=isinstance(error, NotTaken),
        longest=LONGEST,
    )
