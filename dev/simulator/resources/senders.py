"""WhatsApp senders: Channels/Senders of Messaging v2. An update is answered 202 and settles later."""

import asyncio
from typing import Any

from starlette.responses import JSONResponse, Response

from dev.simulator.answers import Call, Operation, Refusal, is_url, not_found, page_with_meta
from dev.simulator.lines import MESSAGING, Hook, Sender
from dev.simulator.world import World

_PATH = "/v2/Channels/Senders"
_UPDATING = "ONLINE:UPDATING"
_SETTLES_AFTER = 0.5
"""Seconds, times the world's pace."""
_PAGE = 20
_METHODS = {"callback_method": {"POST", "PUT"}, "fallback_method": {"POST", "PUT"}}
_URLS = ("callback_url", "fallback_url", "status_callback_url")
_SECTIONS = {"configuration", "webhook", "profile"}


class Senders:
    """The resource."""

    def __init__(self, world: World) -> None:
        self._world = world

    def operations(self) -> list[Operation]:
        """Return what can be called."""
        return [
            Operation("GET", _PATH, "sender.list", "senders", self._list),
            Operation("GET", f"{_PATH}/{{sid}}", "sender.fetch", "senders", self._fetch),
            Operation("POST", f"{_PATH}/{{sid}}", "sender.update", "senders", self._update),
        ]

    async def _list(self, call: Call) -> Response:
        channel = call.query.get("Channel")
        if channel not in {"whatsapp", "rcs"}:
            raise Refusal(400, 20001, "Channel is required")
        found = [*call.account.senders.values()] if channel == "whatsapp" else []
        return page_with_meta(call, MESSAGING, "senders", found, Sender.record, size=_PAGE)

    async def _fetch(self, call: Call) -> Response:
        return JSONResponse(_sender(call).record())

    async def _update(self, call: Call) -> Response:
        """Take a change of the webhook. The sender keeps its old one until the change has settled."""
        sender = _sender(call)
        if sender.updates == "refuse" or not _SECTIONS & {*call.document}:
            raise Refusal(400, 20001, "The update is invalid")
        hook = _changed(sender.hook, call.document.get("webhook") or {})
        if sender.status in {"ONLINE", _UPDATING}:
            sender.status = _UPDATING
            if sender.updates == "settle":
                self._world.soon(self._settle(sender, hook))
        else:
            sender.hook = hook
        return JSONResponse(sender.record(), 202)

    async def _settle(self, sender: Sender, hook: Hook) -> None:
        await asyncio.sleep(_SETTLES_AFTER * self._world.pace)
        sender.hook, sender.status = hook, "ONLINE"


def _sender(call: Call) -> Sender:
    found = call.account.senders.get(call.part("sid"))
    if found is None:
        raise not_found()
    return found


def _changed(hook: Hook, asked: dict[str, Any]) -> Hook:
    """Return the webhook with what was asked, or refuse it."""
    for name, value in asked.items():
        if name not in vars(hook) or not isinstance(value, str | None):
            raise Refusal(400, 20001, f"webhook.{name} is invalid")
        if value and name in _URLS and not is_url(value):
            raise Refusal(400, 20001, f"webhook.{name} is not a URL")
        if value and value not in _METHODS.get(name, {value}):
            raise Refusal(400, 20001, f"webhook.{name} is invalid")
    return hook.but(**{name: value for name, value in asked.items() if value is not None})
