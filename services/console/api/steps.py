"""The steps of a message's timeline, as the API shows them. Times are the database's, but for the arrival."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.console.timeline import Timeline


class Received(BaseModel):
    """
    The webhook was verified and the message stored, by the clock of the stream. `ms`: what that took ingress; null where the
    message was found or tried again later, and for messages from before this was kept.
    """

    step: Literal["received"] = "received"
    at: datetime
    provider_sid: str
    ms: int | None


class Routed(BaseModel):
    """The message was taken in. `outcome`: what became of it. `ms`: since it was received."""

    step: Literal["routed"] = "routed"
    at: datetime
    outcome: str
    ms: int


class TakenStep(BaseModel):
    """A step of a pipeline that was taken. `path`: where it stands in the document. `took`: the way that it went on."""

    step: str
    path: str
    took: str | None = None
    tool: str | None = None


class Turn(BaseModel):
    """
    The agent's run. `ms`: null while it lasts. `tools`: what it called. `failure`: why it was given up.

    `pipeline`: its id, or the name of one that is shipped; `trail`: which of its steps were taken. `cost`: in the currency of the
    platform's prices; null where a model has none.
    """

    step: Literal["turn"] = "turn"
    at: datetime
    id: str
    ms: int | None
    model: str | None
    steps: int
    tools: list[str]
    input_tokens: int
    output_tokens: int
    attempts: int
    failure: str | None
    pipeline: str | None
    pipeline_version: int | None
    trail: list[TakenStep]
    cost: Decimal | None


class Attempt(BaseModel):
    """
    One call to the provider. `part`: which of the answer. `ms`: null while it lasts, or where nobody knows its end. `waited_ms`:
    since the part was cut, or since the try before it ended.
    """

    step: Literal["attempt"] = "attempt"
    at: datetime
    id: str
    part: str
    ordinal: int
    outcome: str
    http_status: int | None
    error_code: int | None
    provider_sid: str | None
    ms: int | None
    waited_ms: int


class Report(BaseModel):
    """A callback of the provider. `reported_at`: when it reached us, by the clock of ingress."""

    step: Literal["report"] = "report"
    at: datetime
    part: str
    ordinal: int
    status: str
    error_code: int | None
    provider_sid: str
    reported_at: datetime


Step = Annotated[Received | Routed | Turn | Attempt | Report, Field(discriminator="step")]


def steps(found: Timeline) -> list[Step]:
    """Return the steps in the order of their times."""
    return sorted(_steps(found), key=lambda step: step.at)


def _steps(found: Timeline) -> Iterator[Step]:
    if (message := found.message) is not None:
        yield Received(at=message["received_at"], provider_sid=message["provider_sid"], ms=message["webhook_ms"])
        ms = _ms(message["received_at"], message["routed_at"]) or 0
        yield Routed(at=message["routed_at"], outcome=message["outcome"], ms=max(0, ms))
    if (turn := found.turn) is not None:
        facts = {name: value for name, value in turn.items() if name not in {"started_at", "finished_at"}}
        yield Turn(at=turn["started_at"], ms=_ms(turn["started_at"], turn["finished_at"]), **facts)
    for row in found.attempts:
        facts = {name: value for name, value in row.items() if name not in {"part", "started_at"}}
        yield Attempt(at=row["started_at"], part=f"pt_{row['part']}", ordinal=found.parts[row["part"]], **facts)
    for row in found.reports:
        facts = {name: row[name] for name in ("status", "error_code", "provider_sid", "reported_at")}
        yield Report(at=row["stored_at"], part=f"pt_{row['part']}", ordinal=found.parts[row["part"]], **facts)


def _ms(since: datetime, until: datetime | None) -> int | None:
    return None if until is None else round((until - since).total_seconds() * 1000)
