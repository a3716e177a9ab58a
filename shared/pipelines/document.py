"""
What a pipeline says: the steps that a turn takes, until one of them answers.

`retrieve` and `tool` look something up for the model; `branch` chooses; `model`, `reply` and `handoff` answer, and end the turn.
The JSON schema that is published is made from these classes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from shared.pipelines import placeholders
from shared.pipelines.opening_hours import OpeningHours
from shared.pipelines.part import Part
from shared.pipelines.placeholders import MESSAGE, SYSTEM

KINDS = ("retrieve", "model", "tool", "branch", "handoff", "reply")

_IN_ARGUMENTS = SYSTEM | {MESSAGE}


def _only(known: frozenset[str]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:  # noqa: ANN401 - a text, or JSON that holds some
        for text in _texts(value):
            for name in placeholders.names(text):
                if name not in known:
                    told = {"known": ", ".join(f"{{{it}}}" for it in sorted(known))}
                    raise PydanticCustomError("unknown_name", "may hold only {known}; write other braces twice", told)
        return value

    return check


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Prompt = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_only(SYSTEM))]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=4_000), AfterValidator(_only(SYSTEM))]
Query = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_only(_IN_ARGUMENTS))]
Arguments = Annotated[dict[str, JsonValue], Field(max_length=32), AfterValidator(_only(_IN_ARGUMENTS))]
ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Pattern = Annotated[str, StringConstraints(max_length=200)]
Texts = Annotated[
    dict[Language, Sentence],
    Field(min_length=1, max_length=40, description="By language (ISO 639-1). The first is for all other languages."),
]
Patterns = Annotated[
    list[Pattern],
    Field(min_length=1, max_length=50, description="One of these; * stands for any characters, ? for one."),
    BeforeValidator(
        _listed,
        json_schema_input_type=Pattern | Annotated[list[Pattern], Field(min_length=1, max_length=50)],
    ),
]
Languages = Annotated[
    list[Language],
    Field(min_length=1, max_length=40, description="The person writes in one of these (ISO 639-1)."),
    BeforeValidator(
        _listed,
        json_schema_input_type=Language | Annotated[list[Language], Field(min_length=1, max_length=40)],
    ),
]


class Retrieve(Part):
    """Looks the message up in the agent's documents and tells the model what was found; nothing where it has none."""

    step: Literal["retrieve"]
    query: Query = Field("{message}", description="May hold {message} and {sys.…}.")
    document: str | None = Field(None, min_length=1, max_length=200, description="The only document to look in.")


class Tool(Part):
    """Calls a tool and tells the model what came of it."""

    step: Literal["tool"]
    name: ToolName
    arguments: Arguments = Field({}, description="Texts in it may hold {message} and {sys.…}.")


class Model(Part):
    """Lets the model answer, with tools of its own choice. What is left out is the agent's own."""

    step: Literal["model"]
    instructions: Prompt | None = Field(None, description="In place of the agent's. May hold {sys.…}.")
    addition: Prompt = Field("", description="Behind the instructions. May hold {sys.…}.")
    model: str | None = Field(None, min_length=1, max_length=200)
    tools: list[ToolName] | None = Field(None, max_length=64, description="Those that it may call. Default: all.")
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False)
    most_tokens: int | None = Field(None, ge=1, le=100_000, description="Of one answer; at most the platform's.")


class Reply(Part):
    """Answers with a fixed text."""

    step: Literal["reply"]
    text: Texts


class Handoff(Part):
    """Gives the conversation to a person: the agent is silent until it is given back. `text`: what is said at once."""

    step: Literal["handoff"]
    text: Texts


class When(Part):
    """What must hold: all that is named."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    channel: Patterns | None = Field(None, alias="sys.channel")
    tenant: Patterns | None = Field(None, alias="sys.tenant")
    user: Patterns | None = Field(None, alias="sys.user", description="E-mail address of a paired user; else empty.")
    language: Languages | None = None
    opening_hours: OpeningHours | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("nothing_named", "must name something that has to hold")
        return self

    def facts_hold(self, facts: Mapping[str, str]) -> bool:
        """Tell whether the session's facts are of the wanted kind; by their names."""
        wanted = {"sys.channel": self.channel, "sys.tenant": self.tenant, "sys.user": self.user}
        return all(
            any(fnmatchcase(facts[name], pattern) for pattern in patterns)
            for name, patterns in wanted.items()
            if patterns is not None
        )


class Case(Part):
    """Steps that are taken where something holds."""

    when: When
    steps: list["Step"] = Field(min_length=1, max_length=50)


class Branch(Part):
    """Takes the steps of the first case that holds, else `otherwise`; then it goes on behind the branch."""

    step: Literal["branch"]
    cases: list[Case] = Field(min_length=1, max_length=20)
    otherwise: list["Step"] = Field([], max_length=50)


Step = Annotated[Retrieve | Model | Tool | Branch | Handoff | Reply, Field(discriminator="step")]


class Pipeline(Part):
    """A document."""

    description: str = Field("", max_length=1_000)
    steps: list[Step] = Field(min_length=1, max_length=50)


Case.model_rebuild()
Branch.model_rebuild()

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **Pipeline.model_json_schema(by_alias=True),
    "title": "Pipeline",
}
"""The JSON schema of a document. What else must hold, `reading.read_pipeline` tells."""

Path = tuple[str | int, ...]


def ends(step: Step) -> bool:
    """Tell whether nothing behind this step is ever reached."""
    if isinstance(step, Branch):
        return all(_end(case.steps) for case in step.cases) and _end(step.otherwise)
    return isinstance(step, Model | Reply | Handoff)


def flaws(steps: Sequence[Step], path: Path) -> Iterator[tuple[Path, str]]:
    """Yield what is wrong with steps that are each well formed, and where: what is never reached."""
    for number, step in enumerate(steps):
        here = (*path, number)
        if isinstance(step, Branch):
            for choice, case in enumerate(step.cases):
                yield from flaws(case.steps, (*here, "cases", choice, "steps"))
            yield from flaws(step.otherwise, (*here, "otherwise"))
        if ends(step) and number + 1 < len(steps):
            yield (*path, number + 1), "is never reached: the step before it ends the turn"


def lacks_an_end(steps: Sequence[Step]) -> bool:
    """Tell whether the steps may all be taken without an answer."""
    return not _end(steps)


def _end(steps: Sequence[Step]) -> bool:
    return any(map(ends, steps))
