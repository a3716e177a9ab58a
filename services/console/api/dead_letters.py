"""`/v1/dead-letters` and `/v1/held-parts`: what was given up, and what waits."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from services.console.api.problems import Faults
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

Id = Annotated[str, Path(pattern="^dl_[0-9a-f]{32}$")]
Limit = Annotated[int, Query(ge=1, le=200)]


class Letter(BaseModel):
    """Work that was given up. `payload` names the place where it rests; it holds no content."""

    id: str
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


class Letters(BaseModel):
    """A page of letters. `next_cursor`: what the next page is asked for with; null on the last one."""

    items: list[Letter]
    next_cursor: str | None


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


class Discard(BaseModel):
    """Why it is given up for good."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reason: str = Field(min_length=1, max_length=500)


def dead_letters(letters: DeadLetters) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1")

    @router.get("/dead-letters")
    async def every(
        state: Literal["waiting", "replayed", "discarded"] = "waiting",
        cursor: Annotated[str | None, Query(pattern="^dl_[0-9a-f]{32}$")] = None,
        limit: Limit = 50,
    ) -> Letters:
        found = await letters.list(state, cursor, limit + 1)
        more = len(found) > limit
        return Letters(items=[_letter(it) for it in found[:limit]], next_cursor=found[limit - 1].id if more else None)

    @router.get("/dead-letters/{letter}")
    async def one(letter: Id) -> Letter:
        return _letter(await letters.show(letter))

    @router.post("/dead-letters/{letter}/replays", status_code=201)
    async def replay(letter: Id) -> Letter:
        return _letter(await letters.replay(letter))

    @router.post("/dead-letters/{letter}/discards", status_code=201)
    async def discard(letter: Id, wanted: Discard) -> Letter:
        return _letter(await letters.discard(letter, wanted.reason))

    @router.get("/held-parts")
    async def held(state: Literal["unknown", "parked"] | None = None, limit: Limit = 50) -> HeldParts:
        states = (state,) if state else ("unknown", "parked")
        found: list[dict[str, Any]] = [asdict(it) for it in await held_parts(letters.store, states, limit)]
        return HeldParts(items=[Held(**it) for it in found])

    return router


def _letter(found: DeadLetter) -> Letter:
    return Letter(**asdict(found))
