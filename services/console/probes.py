"""Who asks for what is not there, or not theirs: each try of a company's is in the audit log, on pages and in the API alike."""

import re
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.access import Principal
from services.console.records import Deed, note
from shared.store.session import Store

_NOT_FOUND = 404
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What may stand in the log of what was asked for: nothing else has the form of an id."""


class Probes:
    """
    Audits each 404 that somebody of a company is answered, before they are: they may be trying another company's ids.

    The platform's admins see everything, so what they do not find is not there.
    """

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})

        async def audited(message: Message) -> None:
            who: Principal | None = state.get("principal")
            if message.get("status") == _NOT_FOUND and who is not None and not who.is_platform:
                await self._note(who, scope)
            await send(message)

        await self._app(scope, receive, audited)

    async def _note(self, who: Principal, scope: Scope) -> None:
        path = getattr(scope.get("route"), "path", "")
        asked = {name: str(value) for name, value in scope.get("path_params", {}).items()}
        ids = {name: value if _ID.fullmatch(value) else "…" for name, value in asked.items()}
        told = {"method": scope["method"], "path": path, **ids}
        async with self._store.transaction(who.sees) as connection:
            await note(connection, who, Deed("access.refused", next(iter(ids.values()), path), who.tenant, after=told))
