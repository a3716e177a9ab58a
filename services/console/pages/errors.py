"""What a page says when it cannot be shown: what failed, and that nothing was changed."""

from collections.abc import Awaitable, Callable

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from services.console.api.problems import Problem
from services.console.dead_letters import LetterSettled, LetterUnknown
from services.console.pages.forms import Wrong
from services.console.pages.navigation import _
from services.console.pages.routes import Door
from services.console.pages.view import View
from services.console.records import Dangling, InUse, Stale, Taken, Unknown
from services.console.takeover import NotOpen
from shared.bus import BusUnavailable
from shared.failures import Later

Teller = Callable[[Request, Exception], Awaitable[Response]]

_NOT_FOUND = (404, _("Not found"), _("There is nothing here, or nothing that you may see."))
_DATABASE = (503, _("The database does not answer"), _("Nothing was changed. Try again in a moment."))
_SAID = {
    Unknown: _NOT_FOUND,
    RequestValidationError: _NOT_FOUND,
    LetterUnknown: _NOT_FOUND,
    Dangling: _NOT_FOUND,
    Wrong: _NOT_FOUND,
    LetterSettled: (409, _("Changed meanwhile"), _("It was replayed or discarded already.")),
    Stale: (409, _("Changed meanwhile"), _("Somebody changed it since you opened this page. Load it again.")),
    Taken: (409, _("Taken"), _("There is one with this already.")),
    InUse: (409, _("Still needed"), _("Something else still needs it.")),
    NotOpen: (409, _("Closed"), _("This conversation is closed: the person's next message opens another.")),
    Later: (503, _("Busy"), _("This conversation is being worked on. Try again in a moment.")),
    BusUnavailable: (503, _("NATS does not answer"), _("Nothing is lost. Try again in a moment.")),
    PoolTimeout: _DATABASE,
    psycopg.OperationalError: _DATABASE,
    Exception: (500, _("Something went wrong"), _("It was our fault. Try again, or tell us the trace.")),
}


def install(pages: FastAPI) -> None:
    """Let every error be a page, or within a page that is open, a toast."""
    for kind, (status, title, detail) in _SAID.items():
        pages.add_exception_handler(kind, _told(status, title, detail))

    @pages.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == _NOT_FOUND[0]:
            return await _answer(request, *_NOT_FOUND)
        return await _answer(request, error.status_code, str(error.detail), "")

    @pages.exception_handler(Problem)
    async def _problem(request: Request, problem: Problem) -> Response:
        return await _answer(request, problem.status, _("That did not work"), problem.detail)


def _told(status: int, title: str, detail: str) -> Teller:
    async def answer(request: Request, _error: Exception) -> Response:
        return await _answer(request, status, title, detail)

    return answer


async def _answer(request: Request, status: int, title: str, detail: str) -> Response:
    view = await _view(request)
    said = {"title": view.text(title), "detail": view.text(detail) if detail else ""}
    if view.is_fragment:
        answer = view.page("toast.html", status, **said)
        answer.headers.update({"HX-Retarget": "#toasts", "HX-Reswap": "beforeend", "HX-Reselect": ".toast"})
        return answer
    return view.page("error.html", status, **said)


async def _view(request: Request) -> View:
    """Return who looks; whose way ends before a route is somebody all the same, unless the database is what failed."""
    if (view := getattr(request.state, "view", None)) is not None:
        found: View = view
        return found
    door: Door = request.app.state.door
    try:
        session = await door.who(request)
    except (psycopg.Error, PoolTimeout):
        session = None
    if session is not None and session.stage != "whole":
        session = None
    return View(request, session, door.is_https)
