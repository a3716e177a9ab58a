"""Dead letters: what was given up, why, and how it is tried again or discarded."""

from typing import Literal, NamedTuple

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api.routes import may
from services.console.dead_letters import DeadLetters, LetterSettled, LetterUnknown, NotReplayable
from services.console.pages import causes
from services.console.pages.navigation import _
from services.console.pages.paging import ROWS, paged, place
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from shared.bus import BusUnavailable
from shared.failures import Later

_MOST = 500
_AT_ONCE = 25
_COUNTED = 99
_LONGEST_REASON = 500
TABS = {"waiting": _("Needs attention"), "replayed": _("Replayed"), "discarded": _("Discarded")}
_STAGES = {
    "router": _("taking in"),
    "agent": _("the agent's answer"),
    "egress": _("sending"),
    "status": _("delivery report"),
    "form": _("contact form"),
}
_FAILED = {
    LetterUnknown: _("There is no such dead letter."),
    LetterSettled: _("It was replayed or discarded already."),
    BusUnavailable: _("NATS does not answer. Nothing is lost: try again."),
    Later: _("This conversation is being worked on. Try again in a moment."),
}


class Result(NamedTuple):
    """What became of one letter."""

    letter: str
    is_done: bool
    text: str


def dead_letters(letters: DeadLetters) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/dead-letters", **may("dead-letters:read"))
    async def letter_list(view: Looking) -> Response:
        state = _state(view)
        found = await letters.list(view.who.sees, state, place(view), ROWS + 1)
        behind = found[ROWS - 1].id if len(found) > ROWS else None
        return view.page(
            "dead_letters.html",
            list=paged(view, found[:ROWS], behind),
            state=state,
            tabs=TABS,
            stages=_STAGES,
            cause_of=causes.of,
            most=_MOST,
        )

    @router.get("/dead-letters/count", **may("dead-letters:read"))
    async def count(view: Looking) -> Response:
        """Return how many need attention, for the sidebar; more than 99 are not counted."""
        found = len(await letters.list(view.who.sees, "waiting", None, _COUNTED + 1))
        return view.page("count.html", count=found, most=_COUNTED)

    @router.get("/dead-letters/{letter}/discards", **may("dead-letters:write"))
    async def discard_page(view: Looking, letter: str) -> Response:
        return view.page(
            "discard.html", letter=await letters.show(view.who.sees, letter), error=None, cause_of=causes.of
        )

    @router.post("/dead-letters/{letter}/discards", **may("dead-letters:write"))
    async def discard(view: Looking, letter: str) -> Response:
        reason = str(view.form.get("reason", "")).replace("\x00", "").strip()[:_LONGEST_REASON]
        if not reason:
            found = await letters.show(view.who.sees, letter)
            error = view.text(_("Say why, for whoever looks at it later."))
            return view.page("discard.html", 422, letter=found, error=error, cause_of=causes.of)
        await letters.discard(view.who.sees, letter, reason)
        return view.go("/dead-letters", done="discarded")

    @router.post("/dead-letters/replays", **may("dead-letters:replay"))
    async def replay(view: Looking) -> Response:
        """
        Replay those that were ticked, or all that need attention, one after the other; a failure stops no other.

        A few at a time: the answer tells of these, and has the form that goes on with the rest, which sends itself.
        """
        chosen = [str(value) for value in view.form.getlist("letter")][:_MOST]
        if view.form.get("every"):
            chosen = [it.id for it in await letters.list(view.who.sees, "waiting", None, _MOST)]
        results = [await _replayed(letters, view, letter) for letter in chosen[:_AT_ONCE]]
        good = _number(view, "good") + sum(it.is_done for it in results)
        done = _number(view, "done") + len(results)
        return view.page("replayed.html", results=results, rest=chosen[_AT_ONCE:], done=done, good=good)

    return router


async def _replayed(letters: DeadLetters, view: View, letter: str) -> Result:
    try:
        await letters.replay(view.who.sees, letter)
    except NotReplayable as why:
        return Result(letter, False, str(why))
    except (LetterUnknown, LetterSettled, BusUnavailable, Later) as error:
        return Result(letter, False, view.text(_FAILED[type(error)]))
    return Result(letter, True, view.text(_("Handed to the stage that failed.")))


def _number(view: View, name: str) -> int:
    """Return how far the forms before came, which is for whoever looks at it alone."""
    given = str(view.form.get(name, ""))
    return min(int(given), _MOST) if given.isascii() and given.isdigit() and len(given) <= len(str(_MOST)) else 0


def _state(view: View) -> Literal["waiting", "replayed", "discarded"]:
    asked = view.request.query_params.get("state")
    return "replayed" if asked == "replayed" else "discarded" if asked == "discarded" else "waiting"
