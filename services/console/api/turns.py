"""`/v1/turns`: what agents were asked and answered, and what they would answer now."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from psycopg.rows import DictRow
from pydantic import BaseModel, Field

from services.console.api.agents import ModelName
from services.console.api.fields import Body, Created, OneTenant, id_in_path, id_pattern, whose
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.routes import Asking, Route, may
from services.console.api.texts import Withheld, opened
from services.console.scan import Scan, existing, owner
from services.console.turns import Contents, Turns, difference
from shared.bus import Bus
from shared.ids import TenantId
from shared.store.sealed import MESSAGE_TEXT, REPLY_BODY
from shared.store.session import Store
from shared.vault import Vault

_TURNS = Scan(
    "turn",
    ("started_at", "id"),
    """
    turn.id, turn.tenant_id as tenant, turn.conversation_id as conversation, turn.thread, turn.from_seq, turn.upto_seq,
    turn.attempts, turn.failure, turn.model, turn.steps, turn.input_tokens, turn.output_tokens, turn.started_at,
    turn.finished_at, history
    """,
    "join tenant on tenant.id = turn.tenant_id",
)
_FACTS = (
    "id", "tenant", "conversation", "model", "failure", "attempts", "steps", "input_tokens", "output_tokens", "started_at",
    "finished_at",
)  # fmt: skip

Id = Annotated[str, id_in_path("tu")]
OneConversation = Annotated[
    str | None, Query(alias="conversation", pattern=id_pattern("cv"), description="Only this conversation's.")
]


class Turn(Resource):
    """One run of an agent. `failure`: why it was given up, or which limit ended it. `steps`: tools that it called."""

    tenant: str
    conversation: str
    model: str | None
    failure: str | None
    attempts: int
    steps: int
    input_tokens: int
    output_tokens: int
    started_at: datetime
    finished_at: datetime | None


class Text(BaseModel):
    """What was said; null where it is withheld, for the reason in `text_withheld`."""

    text: str | None
    text_withheld: Withheld | None


class ToolCall(BaseModel):
    """A tool that was called."""

    step: int
    name: str


class TurnWithTexts(Turn):
    """A turn with what it answers, what it answered (null: nothing), and its tools."""

    asked: list[Text]
    answer: Text | None
    tools: list[ToolCall]


class WantedReplay(Body):
    """A repetition. `model`: which is asked; left out, the one that the agent has today."""

    model: ModelName | None = None


class Outcome(BaseModel):
    """What a run came to."""

    model: str | None
    text: str
    steps: int
    input_tokens: int
    output_tokens: int


class Replay(BaseModel):
    """
    A turn that was run again: nothing was sent or stored, tools answered what was recorded.

    `failure`: why it was not: history_off, removed or unreadable (its texts cannot be shown), no_agent (none answered in time),
    or what it failed for. `diff`: of the texts, unified; empty where they are the same.
    """

    turn: str
    failure: str | None
    before: Outcome | None
    after: Outcome | None
    diff: str | None = Field(description="Null where one of the two is missing.")


def turns(store: Store, vault: Vault, bus: Bus) -> APIRouter:
    """Return the routes."""
    found = Turns(store, vault, bus, _TURNS)
    router = APIRouter(prefix="/v1/turns", tags=["turns"], route_class=Route)

    @router.get("", **may("turns:read"))
    async def list_turns(
        who: Asking, page: Paged, created: Created, tenant: OneTenant = None, conversation: OneConversation = None
    ) -> Listing[Turn]:
        theirs = await existing(store, who, whose(who, tenant))
        within = {"conversation_id = %s": conversation, **created.within("started_at")}
        part = await found.read(theirs, within, page.mark, page.limit + 1)
        rows, mark = part.page(page.limit, _TURNS.order)
        return page.until([Turn(**_facts(row)) for row in rows], mark)

    @router.get("/{turn}", **may("turns:read"))
    async def get_turn(who: Asking, turn: Id) -> TurnWithTexts:
        tenant = await owner(store, who, "turn", {"id = %s": turn})
        return _shown(vault, tenant, *await found.one(tenant, turn))

    @router.post("/{turn}/replays", status_code=201, **may("turns:write"))
    async def replay_turn(who: Asking, turn: Id, wanted: WantedReplay) -> Replay:
        tenant = await owner(store, who, "turn", {"id = %s": turn})
        now = _shown(vault, tenant, *await found.one(tenant, turn))
        withheld = next((text.text_withheld for text in now.asked if text.text_withheld), None)
        before = _before(now)
        if withheld is not None:
            return Replay(turn=turn, failure=withheld, before=before, after=None, diff=None)
        again = await found.again(tenant, turn, wanted.model)
        if again.text is None:
            return Replay(turn=turn, failure=again.failure, before=before, after=None, diff=None)
        after = Outcome(text=again.text, **_counted(again.replayed.model_dump()))
        diff = difference(before.text, after.text) if before else None
        return Replay(turn=turn, failure=None, before=before, after=after, diff=diff)

    return router


def _facts(row: DictRow) -> dict[str, Any]:
    return {name: row[name] for name in _FACTS}


def _counted(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("model", "steps", "input_tokens", "output_tokens")}


def _before(now: TurnWithTexts) -> Outcome | None:
    if now.answer is None or now.answer.text is None:
        return None
    return Outcome(text=now.answer.text, **_counted(now.model_dump()))


def _shown(vault: Vault, tenant: TenantId, row: DictRow, contents: Contents) -> TurnWithTexts:
    history = row["history"]
    asked = [
        opened(vault, it["sealed_text"], MESSAGE_TEXT.at(tenant, it["id"]), history=history) for it in contents.asked
    ]
    reply = contents.reply
    answer = (
        opened(vault, reply["sealed_body"], REPLY_BODY.at(tenant, reply["public_id"]), history=history, read=_markdown)
        if reply
        else None
    )
    return TurnWithTexts(
        **_facts(row),
        asked=[Text(**it._asdict()) for it in asked],
        answer=Text(**answer._asdict()) if answer else None,
        tools=[ToolCall(**it) for it in contents.tools],
    )


def _markdown(body: bytes) -> str:
    return str(orjson.loads(body)["markdown"])
