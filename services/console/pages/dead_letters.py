"""Dead letters: what was given up, why, and how it is tried again or discarded."""

from typing import Literal, NamedTuple

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.api.routes import may
from services.console.dead_letters import DeadLetters, LetterSettled, LetterUnknown, NotReplayable
from services.console.given_up import message_of
from services.console.pages import causes
from services.console.pages.choices import company_names
from services.console.pages.navigation import _
from services.console.pages.paging import ROWS, apart, paged, place, reach, standing
from services.console.pages.routes import Page
from services.console.pages.view import Looking, View
from shared.bus import BusUnavailable
from shared.failures import Later

_MOST = 500
_AT_ONCE = 25
_COUNTED = 99
_LONGEST_REASON = 500
_LONGEST_CODE = 64
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


_NOT_REPLAYABLE = (
    _("The part was delivered meanwhile, is being sent, or its text is gone."),
    _("Its messages are gone."),
    _("The form is gone, or is no longer one that could not be sent."),
    _("It has left the stream %(stream)s."),
    _("It is only a hint: the work it spoke of is found without it."),
    _("It still cannot be read."),
)
"""What `NotReplayable` says, for the catalogues."""


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
        return await _listed(letters, view)

    @router.get("/dead-letters/count", **may("dead-letters:read"))
    async def count(view: Looking) -> Response:
        """Return how many need attention, for the sidebar; more than 99 are not counted."""
        found = len(await letters.list(view.who.sees, "waiting", None, _COUNTED + 1))
        return view.page("count.html", count=found, most=_COUNTED)

    @router.get("/dead-letters/{letter}", **may("dead-letters:read"))
    async def one_letter(view: Looking, letter: str) -> Response:
        found = await letters.show(view.who.sees, letter)
        async with letters.store.connection(found.tenant) as connection:
            message = await message_of(connection, found)
        return view.page(
            "dead_letter.html", letter=found, message=message, cause=causes.of(found.reason), stages=_STAGES, tabs=TABS
        )

    @router.get("/dead-letters/{letter}/discards", **may("dead-letters:write"))
    async def discard_page(view: Looking, letter: str) -> Response:
        return view.page(
            "discard.html", letter=await letters.show(view.who.sees, letter), error=None, cause_of=causes.of
        )

    @router.post("/dead-letters/{letter}/discards", **may("dead-letters:write"))
    async def discard(view: Looking, letter: str) -> Response:
        reason = str(view.form.get("reason", "")).strip()[:_LONGEST_REASON]
        if not reason:
            found = await letters.show(view.who.sees, letter)
            error = view.text(_("Say why, for whoever looks at it later."))
            return view.page("discard.html", 422, letter=found, error=error, cause_of=causes.of)
        await letters.discard(view.who, letter, reason)
        return view.go("/dead-letters", done="discarded")

    @router.post("/dead-letters/replays", **may("dead-letters:replay"))
    async def replay(view: Looking) -> Response:
        """
        Replay those that were ticked, or all that need attention and fit the filter, one after the other; a failure stops no other.

        A few at a time: the answer tells of these, and has the form that goes on with the rest, which sends itself.
        """
        chosen = [str(value) for value in view.form.getlist("letter")][:_MOST]
        if view.form.get("every"):
            reason = _reason(str(view.form.get("reason", "")))
            chosen = [it.id for it in await letters.list(view.who.sees, "waiting", None, _MOST, reason)]
        results = [await _replayed(letters, view, letter) for letter in chosen[:_AT_ONCE]]
        good = _number(view, "good") + sum(it.is_done for it in results)
        done = _number(view, "done") + len(results)
        return view.page("replayed.html", results=results, rest=chosen[_AT_ONCE:], done=done, good=good)

    return router


async def _listed(letters: DeadLetters, view: View) -> Response:
    state, reason = _state(view), _reason(view.request.query_params.get("reason", ""))
    found = await letters.list(view.who.sees, state, place(view), reach(view), reason)
    news, kept = apart(view, found, [it.created_at for it in found])
    shown = paged(view, kept[:ROWS], kept[ROWS - 1].id if len(kept) > ROWS else None, news)
    page = view.page(
        "dead_letters.html",
        list=shown,
        state=state,
        reason=reason,
        reasons=sorted({*await letters.reasons(view.who.sees, state), *([reason] if reason else [])}),
        companies=await company_names(letters.store, view, (it.tenant for it in shown.rows)),
        tabs=TABS,
        stages=_STAGES,
        cause_of=causes.of,
        most=_MOST,
    )
    return standing(page, shown)


async def _replayed(letters: DeadLetters, view: View, letter: str) -> Result:
    try:
        await letters.replay(view.who, letter)
    except NotReplayable as why:
        return Result(letter, False, view.text(why.text, **why.values))
    except (LetterUnknown, LetterSettled, BusUnavailable, Later) as error:
        return Result(letter, False, view.text(_FAILED[type(error)]))
    return Result(letter, True, view.text(_("Handed to the stage that failed.")))


def _number(view: View, name: str) -> int:
    """Return how far the forms before came, which is for whoever looks at it alone."""
    given = str(view.form.get(name, ""))
    return min(int(given), _MOST) if given.isascii() and given.isdigit() and len(given) <= len(str(_MOST)) else 0


def _reason(asked: str) -> str | None:
    return asked[:_LONGEST_CODE] or None


def _state(view: View) -> Literal["waiting", "replayed", "discarded"]:
    asked = view.request.query_params.get("state")
    return "replayed" if asked == "replayed" else "discarded" if asked == "discarded" else "waiting"
