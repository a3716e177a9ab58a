"""`/v1/dead-letters` and `/v1/held-parts`: what was given up, and what waits."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.console.api.fields import Body, Reason, id_in_path
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.problems import Faults
from services.console.api.routes import Asking, Route, may
from services.console.dead_letters import (
    DeadLetter,
    DeadLetters,
    LetterSettled,
    LetterUnknown,
    NotReplayable,
    held_parts,
)
from shared.bus import BusUnavailable
from shared.failures import Later

FAULTS: Faults = {
    LetterUnknown: (404, "dead_letter_unknown", "There is no such dead letter."),
    LetterSettled: (409, "dead_letter_settled", "It was replayed or discarded already."),
    NotReplayable: (409, "not_replayable", None),
    BusUnavailable: (503, "bus_unavailable", "NATS does not answer. Nothing is lost: try again."),
    Later: (503, "busy", "This conversation is being worked on. Try again in a moment."),
}

Id = Annotated[str, id_in_path("dl")]
Limit = Annotated[int, Query(ge=1, le=200)]


class Letter(Resource):
    """Work that was given up. `payload` names the place where it rests; it holds no content."""

    tenant: str
    thread: str
    stage: str
    reason: str
    attempts: int
    payload: str
    state: Literal["waiting", "replayed", "discarded"]
    created_at: datetime
    settled_at: datetime | None
    settled_note: str | None


class Held(BaseModel):
    """A part that waits: `unknown` for a proof from the provider, `parked` for the person's next message."""

    id: int
    tenant: str
    thread: str
    reply: int
    ordinal: int
    state: Literal["unknown", "parked"]
    tries: int
    resent: bool
    next_look_at: datetime | None
    created_at: datetime


class HeldParts(BaseModel):
    """What is held, the oldest first."""

    items: list[Held]


class Discard(Body):
    """Why it is given up for good."""

    reason: Reason


def dead_letters(letters: DeadLetters) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["dead-letters"], route_class=Route)

    @router.get("/dead-letters", **may("dead-letters:read"))
    async def list_dead_letters(
        who: Asking, page: Paged, state: Literal["waiting", "replayed", "discarded"] = "waiting"
    ) -> Listing[Letter]:
        return page.of([_letter(it) for it in await letters.list(who.sees, state, page.before, page.limit + 1)])

    @router.get("/dead-letters/{letter}", **may("dead-letters:read"))
    async def get_dead_letter(who: Asking, letter: Id) -> Letter:
        return _letter(await letters.show(who.sees, letter))

    @router.post("/dead-letters/{letter}/replays", status_code=201, **may("dead-letters:replay"))
    async def replay_dead_letter(who: Asking, letter: Id) -> Letter:
        return _letter(await letters.replay(who, letter))

    @router.post("/dead-letters/{letter}/discards", status_code=201, **may("dead-letters:write"))
    async def discard_dead_letter(who: Asking, letter: Id, wanted: Discard) -> Letter:
        return _letter(await letters.discard(who, letter, wanted.reason))

    @router.get("/held-parts", **may("dead-letters:read"))
    async def list_held_parts(
        who: Asking, state: Literal["unknown", "parked"] | None = None, limit: Limit = 50
    ) -> HeldParts:
        states = (state,) if state else ("unknown", "parked")
        found: list[dict[str, Any]] = [asdict(it) for it in await held_parts(letters.store, who.sees, states, limit)]
        return HeldParts(items=[Held(**it) for it in found])

    return router


def _letter(found: DeadLetter) -> Letter:
    return Letter(**asdict(found))
