"""Channels: the lines and their settings (product-ux.md, section 3.2; who sets what: spec.md, section 5)."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from psycopg.rows import DictRow

from services.console.api.agents import AGENTS, AgentChange
from services.console.api.lines import PLATFORMS, LineChange
from services.console.api.routes import may
from services.console.lines import Lines
from services.console.pages.choices import companies
from services.console.pages.conflicts import conflict
from services.console.pages.forms import Wrong, filled, version
from services.console.pages.navigation import _
from services.console.pages.paging import ROWS, paged, place
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from services.console.pipelines import PIPELINES
from services.console.records import Records, Stale, Taken
from services.console.scan import existing
from shared.channels.line_setup import Provisioned
from shared.store.session import Store

_MOST = 100
_TICKS = frozenset({"enabled", "media", "auto_provision", "canary"})
LABELS = {
    "enabled": _("Enabled"),
    "name": _("Name"),
    "sender": _("From address"),
    "agent": _("Agent"),
    "access": _("Who may write"),
    "quiet_ms": _("Quiet window, in milliseconds"),
    "long_replies": _("Long replies"),
    "reply_limit": _("Characters of a part"),
    "media": _("Take media in"),
    "auto_provision": _("Set the webhook at Twilio by itself"),
    "canary": _("Watch it with a canary"),
    "messaging_service_sid": _("Messaging Service SID"),
    "kind": _("Kind"),
    "version": _("Version"),
    "account": _("Account"),
}
OUTCOMES = {
    Provisioned.UNCHANGED: _("Everything was as it should be."),
    Provisioned.CHANGED: _("Written, and read again."),
    Provisioned.PENDING: _("Taken by Twilio, and not settled yet."),
    Provisioned.NOT_FOUND: _("The account has no such sender."),
    Provisioned.REFUSED: _("Twilio refused it."),
    Provisioned.INVALID_CREDENTIALS: _("Twilio refused the login."),
    Provisioned.UNREACHABLE: _("Twilio did not answer: whether it was changed is in doubt."),
    Provisioned.RATE_LIMITED: _("Twilio refuses more requests for the moment."),
}


@dataclass(frozen=True)
class _Pages:
    """The collaborators of the pages."""

    store: Store
    lines: Lines

    async def overview(self, view: View) -> Response:
        """Answer with a company's channels."""
        tenant = await existing(self.store, view.who, view.company(view.request.query_params.get("tenant")))
        rows = await self.lines.records.list(view.who, place(view), ROWS + 1, tenant=tenant)
        agents = await Records(self.store, AGENTS).list(view.who, None, _MOST, tenant=tenant)
        return view.page(
            "channels.html",
            list=paged(view, rows[:ROWS], rows[ROWS - 1]["id"] if len(rows) > ROWS else None),
            agents={it["id"]: it["name"] for it in agents},
            tenant=tenant,
            companies=await companies(self.store, view, "/channels", tenant),
        )

    async def settings(self, view: View, row: DictRow, status: int = 200, **more: Any) -> Response:  # noqa: ANN401 - the template's
        """Answer with one channel's settings; `more`: what is wrong with what was typed."""
        agents, pipelines = Records(self.store, AGENTS), Records(self.store, PIPELINES)
        context: dict[str, Any] = {"errors": {}, "typed": {}, "conflict": None} | more
        return view.page(
            "channel.html",
            status,
            line=row,
            shown={**row, **context["typed"]},
            labels=LABELS,
            outcomes=OUTCOMES,
            agents=await agents.list(view.who, None, _MOST, tenant=row["tenant"]),
            agent=await agents.get(view.who, row["agent"]),
            pipelines=await pipelines.list(view.who, None, _MOST, tenant=row["tenant"]),
            **context,
        )

    async def change(self, view: View, row: DictRow) -> Response:
        """Save what was typed; where somebody was faster, both versions are shown."""
        try:
            values = _typed(view)
        except Wrong as wrong:
            return await self.settings(view, row, 422, errors=wrong.errors)
        try:
            await self.lines.change(view.who, row["id"], version(view), values)
        except Stale:
            now = await self.lines.records.get(view.who, row["id"])
            found = await conflict(self.store, view, now, values)
            return await self.settings(view, now, 409, typed=values, conflict=found)
        except Taken:
            errors = {"sender": view.text(_("Another channel has this number."))}
            return await self.settings(view, row, 409, errors=errors)
        return view.go(f"/channels/{row['id']}", done="saved")

    async def choose_pipeline(self, view: View, row: DictRow) -> Response:
        """Let the line's agent run another pipeline."""
        wanted = {"pipeline": filled(view, AgentChange).pipeline}
        await Records(self.store, AGENTS).change(view.who, row["agent"], version(view), wanted)
        return view.go(f"/channels/{row['id']}", done="saved")


def channels(store: Store, lines: Lines) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)
    pages = _Pages(store, lines)

    @router.get("/channels", **may("lines:read"))
    async def line_list(view: Looking) -> Response:
        return await pages.overview(view)

    @router.get("/channels/{line}", **may("lines:read"))
    async def settings(view: Looking, line: str) -> Response:
        return await pages.settings(view, await lines.records.get(view.who, line))

    @router.post("/channels/{line}", **may("lines:write"))
    async def change(view: Looking, line: str) -> Response:
        return await pages.change(view, await lines.records.get(view.who, line))

    @router.post("/channels/{line}/pipeline", **may("agents:write"))
    async def choose_pipeline(view: Looking, line: str) -> Response:
        return await pages.choose_pipeline(view, await lines.records.get(view.who, line))

    return router


def _typed(view: View) -> dict[str, Any]:
    """Return the settings that were typed, without those that are not the viewer's to set. Raises Wrong."""
    others = frozenset() if view.who.is_platform else PLATFORMS
    values = filled(view, LineChange, ticks=_TICKS - others).model_dump(exclude_unset=True)
    return {name: value for name, value in values.items() if name not in others}
