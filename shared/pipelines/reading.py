"""Reads a pipeline's document, or says what is wrong with it: line, column, field, and what about it, in plain words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.pipelines import document
from shared.pipelines.document import KINDS, Path, Pipeline
from shared.pipelines.yaml_reading import Source, Unreadable, read

_MOST_FAULTS = 20

_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "string_pattern_mismatch": "does not have the right form",
    "string_too_long": "has more than {max_length} characters",
    "string_too_short": "is empty",
    "too_long": "has more than {max_length} entries",
    "too_short": "is empty",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "union_tag_not_found": "must say which step it is: {kinds}",
    "union_tag_invalid": "must be one of {kinds}",
}
"""Of pydantic's errors, by their types."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. `field`: such as steps[0].temperature; empty for the document itself."""

    line: int
    column: int
    field: str
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.field or 'the document'} {self.problem}"


class NotAPipeline(Exception):
    """What is wrong with a document, in the order of its lines. Its text holds no value of the document."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: (fault.line, fault.column))[:_MOST_FAULTS]
        super().__init__("\n".join(map(str, self.faults)))


@lru_cache(maxsize=128)
def read_pipeline(text: str) -> Pipeline:
    """Return what a document says. Raises NotAPipeline."""
    try:
        source = read(text)
    except Unreadable as error:
        raise NotAPipeline([Fault(error.place.line, error.place.column, "", error.problem)]) from None
    try:
        found = Pipeline.model_validate(source.data)
    except ValidationError as error:
        faults = [_fault(source, *_told(it)) for it in error.errors(include_url=False, include_input=False)]
        raise NotAPipeline(faults) from None
    if faults := [_fault(source, path, problem) for path, problem in _flaws(found)]:
        raise NotAPipeline(faults)
    return found


def _flaws(found: Pipeline) -> Iterator[tuple[Path, str]]:
    yield from document.flaws(found.steps, ("steps",))
    if document.lacks_an_end(found.steps):
        yield ("steps",), "may end without an answer: close with model, reply or handoff"


def _told(error: ErrorDetails) -> tuple[Path, str]:
    kind, path = error["type"], error["loc"]
    words: dict[str, Any] = {**error.get("ctx", {}), "kinds": ", ".join(KINDS)}
    known = _WORDS.get(kind)
    problem = known.format(**words) if known else error["msg"]
    return ((*path, "step") if kind == "union_tag_invalid" else path), problem


def _fault(source: Source, path: Path, problem: str) -> Fault:
    place = source.place(path)
    return Fault(place.line, place.column, _name(source.field(path)), problem)


def _name(path: Path) -> str:
    name = ""
    for step in path:
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
    return name
