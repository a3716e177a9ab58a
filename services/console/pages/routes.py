"""
What every page does before its own work: whose browser is it, may they, and does the form come from us.

A page is declared as a route of the API is, `**may("messages:read")`; `signed_in()` is for everybody with an account, `anyone()`
for those without. One that declares nothing cannot be made. What somebody may not see answers 404, as if it were not there; the try is
audited (`probes.py`).
"""

import hmac
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from fastapi import Request, Response
from starlette.datastructures import FormData

from services.console.api.problems import Problem
from services.console.deferred import Deferred
from services.console.pages.view import View
from services.console.records import Unknown
from services.console.sessions import Session, Sessions, Stage

_PERMISSION, _PLATFORM = "x-permission", "x-platform-only"
_STAGES = "x-stages"
_SAFE = frozenset({"GET", "HEAD"})
_MOST_FIELDS = 600
_NEXT = re.compile(r"/(?![/\\])[\x21-\x7e]{0,1000}")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def signed_in(*stages: Stage) -> dict[str, Any]:
    """Declare a page for everybody with an account. `stages`: how far they have to be in signing in; wholly, by default."""
    return {"openapi_extra": {_PERMISSION: None, _PLATFORM: False, _STAGES: stages or ("whole",)}}


def anyone() -> dict[str, Any]:
    """Declare a page that needs no account."""
    return {"openapi_extra": {_PERMISSION: None, _PLATFORM: False, _STAGES: None}}


@dataclass(frozen=True)
class Door:
    """The collaborators of every page. `origin`: where the console is reached, where it was told. `is_https`: by TLS alone."""

    sessions: Sessions
    origin: str | None
    is_https: bool

    @property
    def cookie(self) -> str:
        """The name of the session's cookie. Its prefix binds it to this host, which browsers allow over TLS only."""
        return "__Host-session" if self.is_https else "session"

    def let_in(self, answer: Response, secret: str) -> Response:
        """Give the browser its session."""
        answer.set_cookie(self.cookie, secret, httponly=True, secure=self.is_https, samesite="lax", path="/")
        return answer

    def let_out(self, answer: Response) -> Response:
        """Take the session from the browser."""
        answer.delete_cookie(self.cookie, httponly=True, secure=self.is_https, samesite="lax", path="/")
        return answer

    async def who(self, request: Request, *, is_busy: bool = True) -> Session | None:
        """Return whose browser it is. `is_busy`: a person asks, and not a page that is open and looks what is new."""
        secret = request.cookies.get(self.cookie)
        return await self.sessions.find(secret, is_busy=is_busy) if secret else None

    def is_ours(self, request: Request) -> bool:
        """Tell whether a form was sent by a page of this console."""
        origin = request.headers.get("origin", "")
        if self.origin is not None:
            return origin == self.origin
        return urlsplit(origin).netloc == request.headers.get("host")


class Page(Deferred):
    """A page, or what its forms are sent to."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:  # noqa: ANN401 - FastAPI's own
        super().__init__(path, endpoint, **{**more, "response_model": None})
        declared = more["openapi_extra"] or {}
        self.scope: str | None = declared[_PERMISSION]
        self.platform: bool = declared[_PLATFORM]
        self.stages: tuple[Stage, ...] | None = declared.get(_STAGES, ("whole",))

    def get_route_handler(self) -> Handler:
        """Return FastAPI's handler behind the door."""
        own = super().get_route_handler()

        async def behind_the_door(request: Request) -> Response:
            door: Door = request.app.state.door
            session = await door.who(request, is_busy=not (request.method in _SAFE and "hx-request" in request.headers))
            view = View(request, session, door.is_https)
            request.state.view = view
            if session is not None:
                request.state.principal = session.principal
            if (elsewhere := self._elsewhere(view)) is not None:
                return elsewhere
            self._check(view)
            try:
                if request.method not in _SAFE:
                    form = await _form(door, request, None if self.stages is None else session)
                    request.state.view = View(request, session, door.is_https, form)
                return await own(request)
            finally:
                await request.close()  # files that came with the form

        return behind_the_door

    def _elsewhere(self, view: View) -> Response | None:
        """Return the way to what has to come first: signing in, or the rest of it."""
        if self.stages is None or (view.session is not None and view.session.stage in self.stages):
            return None
        if view.session is None:
            wanted = _wanted(view)
            query = {"next": wanted} if wanted != "/" else {}
            return _told_over(view, query) if view.is_fragment else view.go("/sign-in", **query)
        return view.go({"code": "/sign-in/code", "enrol": "/account/second-factor", "whole": "/"}[view.session.stage])

    def _check(self, view: View) -> None:
        if any("\x00" in it for it in (view.request.url.path, *view.request.query_params.values())):
            raise Unknown  # no row has it in a text
        if self.scope is not None and not (view.who.may(self.scope) and (view.who.is_platform or not self.platform)):
            raise Unknown


def _told_over(view: View, query: dict[str, str]) -> Response:
    """Say on the open page that its session is over: to lead away would take along what was typed there."""
    answer = view.page("session_over.html", 401, sign_in="/sign-in" + (f"?{urlencode(query)}" if query else ""))
    answer.headers.update({"HX-Retarget": "#session-over", "HX-Reswap": "innerHTML", "HX-Reselect": ".toast"})
    return answer


def _wanted(view: View) -> str:
    """Return where somebody who has to sign in goes on: to the page that is open, of which htmx asks for a piece."""
    if view.is_fragment:
        open_page = urlsplit(view.request.headers.get("hx-current-url", ""))
        return own_path(urlunsplit(("", "", open_page.path, open_page.query, "")))
    if view.request.method not in _SAFE:
        return "/"
    return own_path(view.request.url.path + (f"?{view.request.url.query}" if view.request.url.query else ""))


async def _form(door: Door, request: Request, session: Session | None) -> FormData:
    """Return what was posted, without what no text in the database may hold. Raises `Problem` 403 for what another site sent."""
    if not door.is_ours(request):
        raise Problem(403, "wrong_origin", "This form was not sent by a page of this console.")
    form = await request.form(max_fields=_MOST_FIELDS)
    token = str(form.get("token") or request.headers.get("x-form-token", ""))
    if session is not None and not hmac.compare_digest(token.encode(), session.form_token.encode()):
        raise Problem(403, "form_expired", "This page was open for too long. Load it again.")
    return FormData([(name, it.replace("\x00", "") if isinstance(it, str) else it) for name, it in form.multi_items()])


def own_path(wanted: str | None) -> str:
    """Return where somebody wanted to go, if that is a page of ours."""
    return wanted if wanted and _NEXT.fullmatch(wanted) else "/"
