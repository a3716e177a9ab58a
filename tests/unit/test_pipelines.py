"""What pipelines' documents may say, and what is told about those that say something else."""

from datetime import UTC, datetime

import jsonschema
import pytest
import yaml

from shared.pipelines import SCHEMA, SHIPPED, Branch, NotAPipeline, filled, read_pipeline, shipped
from shared.pipelines.opening_hours import OpeningHours
from shared.pipelines.yaml_reading import read

EVERYTHING = """
description: All there is.
steps:
  - step: retrieve
    query: "{message}"
    document: prices.pdf
  - step: tool
    name: order_status
    arguments: {number: "{message}", deep: [{who: "{sys.user}"}]}
  - step: branch
    cases:
      - when:
          sys.channel: [whatsapp, web]
          sys.user: "*@example.org"
          language: no
          opening_hours:
            time_zone: Europe/Rome
            monday: ["09:00-13:00", "22:00-02:00"]
            closed_on: [2026-12-25]
        steps:
          - step: model
            instructions: Help {sys.tenant} on {sys.channel}.
            tools: []
            temperature: 1
            most_tokens: 200
      - when: {sys.tenant: "?*"}
        steps:
          - step: handoff
            text: {en: One moment., it: Un attimo.}
    otherwise:
      - step: reply
        text: {en: Closed.}
"""

MISTAKES = {
    "not yaml": ("steps: [", "line 1, column 9: the document"),
    "empty": ("", "line 1, column 1: the document is empty"),
    "alias": ("a: &x [1]\nb: *x", "line 1, column 4: the document uses an anchor or an alias"),
    "tag": ("a: !!python/none x", "line 1, column 4: the document uses a tag"),
    "twice": ("steps: []\nsteps: []", "line 2, column 1: the document has the same key twice"),
    "deep": ("[" * 40, "nested more than 24 deep"),
    "two documents": ("a: 1\n---\nb: 1", "more than one document"),
    "no mapping": ("hello", "line 1, column 1: the document must be a mapping"),
    "no steps": ("description: x", "line 1, column 1: steps is missing"),
    "none": ("steps: []", "line 1, column 1: steps is empty"),
    "no kind": ("steps:\n  - text: {en: x}", "line 2, column 5: steps[0] must say which step it is: retrieve, model,"),
    "unknown kind": ("steps:\n  - step: dance", "line 2, column 5: steps[0].step must be one of retrieve, model,"),
    "unknown field": ("steps:\n  - step: model\n    wings: 2", "line 3, column 5: steps[0].wings is not known here"),
    "wrong kind": (
        "steps:\n  - step: model\n    temperature: warm",
        "line 3, column 5: steps[0].temperature must be a number",
    ),
    "too hot": ("steps:\n  - step: model\n    temperature: 3", "steps[0].temperature must be at most 2"),
    "unknown name": (
        "steps:\n  - step: model\n    instructions: Help {sys.nobody}.",
        "line 3, column 5: steps[0].instructions may hold only {sys.channel}, {sys.tenant}, {sys.user}",
    ),
    "message in a prompt": (
        "steps:\n  - step: model\n    instructions: Do {message}",
        "steps[0].instructions may hold only",
    ),
    "name deep in arguments": (
        "steps:\n  - step: tool\n    name: t\n    arguments: {a: [{b: '{sys.secret}'}]}\n  - step: model",
        "line 4, column 5: steps[0].arguments may hold only",
    ),
    "no language": ("steps:\n  - step: reply\n    text: {English: x}", "line 3, column 12: steps[0].text.English"),
    "nothing must hold": (
        "steps:\n  - step: branch\n    cases: [{when: {}, steps: [{step: model}]}]\n  - step: model",
        "line 3, column 14: steps[0].cases[0].when must name something",
    ),
    "no time zone": (
        "steps:\n  - step: branch\n    cases:\n      - when:\n          opening_hours: {time_zone: Mars/Base}",
        "line 5, column 27: steps[0].cases[0].when.opening_hours.time_zone must be a time zone",
    ),
    "never reached": ("steps:\n  - step: model\n  - step: model", "line 3, column 5: steps[1] is never reached"),
    "no answer": ("steps:\n  - step: retrieve", "line 1, column 1: steps may end without an answer"),
    "a way without an answer": (
        "steps:\n  - step: branch\n    cases: [{when: {sys.channel: web}, steps: [{step: model}]}]",
        "steps may end without an answer",
    ),
}


def test_everything_that_documents_may_say_is_read() -> None:
    """
    Also what YAML of old takes for something else: Norwegian is no boolean, a time no number, a day no date.
    """
    document = read_pipeline(EVERYTHING)
    branch = document.steps[2]
    assert isinstance(branch, Branch)
    when = branch.cases[0].when
    assert (when.language, when.channel) == (["no"], ["whatsapp", "web"])


@pytest.mark.parametrize(("text", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_place_and_field(text: str, told: str) -> None:
    """
    In plain words, with line, column and field, and none of the document's values.
    """
    with pytest.raises(NotAPipeline) as caught:
        read_pipeline(text)
    assert told in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    """
    In the order of their lines.
    """
    with pytest.raises(NotAPipeline) as caught:
        read_pipeline("steps:\n  - step: model\n    wings: 2\n  - step: reply")
    assert [fault.line for fault in caught.value.faults] == [3, 4]


def test_what_is_long_is_not_read() -> None:
    """
    64 KiB are the most.
    """
    with pytest.raises(NotAPipeline, match="longer than 64 KiB"):
        read_pipeline("# " + "x" * 65_536)


@pytest.mark.parametrize("text", [EVERYTHING, *(shipped(name, newest) for name, newest in SHIPPED.items())])
def test_the_published_schema_takes_what_is_read(text: str) -> None:
    """
    Whoever validates by the JSON schema alone refuses none of it.
    """
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(read(text).data, SCHEMA)
    read_pipeline(text)


@pytest.mark.parametrize(
    "name", ["no steps", "none", "unknown kind", "unknown field", "wrong kind", "too hot", "nothing must hold"]
)
def test_the_published_schema_refuses_what_is_of_another_form(name: str) -> None:
    """
    It is the form that the reader asks for.
    """
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(MISTAKES[name][0]), SCHEMA)


def test_placeholders_are_filled_once() -> None:
    """
    A value that looks like one stays as it is; doubled braces and braces around anything but names stand for themselves.
    """
    text = '{sys.tenant} {{sys.tenant}} {"a": {"b": 1}} {sys.unknown}'
    assert filled(text, {"sys.tenant": "{sys.user}", "sys.user": "u"}) == (
        '{sys.user} {sys.tenant} {"a": {"b": 1}} {sys.unknown}'
    )


HOURS = OpeningHours.model_validate(
    {
        "time_zone": "Europe/Rome",
        "monday": ["09:00-13:00", "22:00-02:00"],
        "friday": ["08:00-24:00"],
        "closed_on": ["2026-12-28"],
    }
)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-23T07:59", False),
        ("2026-11-23T08:00", True),
        ("2026-11-23T11:59", True),
        ("2026-11-23T12:00", False),
        ("2026-11-23T21:30", True),
        ("2026-11-24T00:59", True),
        ("2026-11-24T01:00", False),
        ("2026-07-20T07:00", True),
        ("2026-11-27T22:59", True),
        ("2026-11-27T23:00", False),
        ("2026-12-28T09:00", False),
        ("2026-12-28T23:30", False),
    ],
)
def test_opening_hours_are_those_of_their_place(moment: str, *, is_open: bool) -> None:
    """
    In winter and summer time; what ends before it begins lasts until the next day, and a day off has no hours at all.
    """
    assert HOURS.hold(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is is_open
