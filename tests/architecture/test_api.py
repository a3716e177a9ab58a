"""The API's description: committed, current, and complete."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.description import document

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"
DESCRIPTION: dict[str, Any] = json.loads(FILE.read_text())


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_the_committed_description_is_current() -> None:
    """
    It is what `trunkline openapi` prints; run `trunkline openapi > docs/openapi.json`.
    """
    assert FILE.read_text() == document() + "\n"


def test_the_description_is_openapi_3_1_of_v1_alone() -> None:
    """
    Pages of the console are not in it.
    """
    assert DESCRIPTION["openapi"].startswith("3.1.")
    assert all(path.startswith("/v1/") for path in DESCRIPTION["paths"])


def test_operations_have_names_of_their_own() -> None:
    """
    Those of the functions behind them: clients that are generated call their methods so.
    """
    names = [operation["operationId"] for _, operation in operations()]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def test_each_operation_says_what_it_answers_and_what_it_needs() -> None:
    """
    Every body has a schema, errors that of a problem; every route its scope.
    """
    for name, operation in operations():
        assert operation["x-permission"], name
        problem = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]
        assert problem == {"$ref": "#/components/schemas/Problem"}, name
        for status, answer in operation["responses"].items():
            bodies = answer.get("content", {})
            assert bodies or status == "204", f"{name} {status}"
            assert all(body.get("schema") for body in bodies.values()), f"{name} {status}"


def test_nothing_personal_is_asked_for_in_a_url() -> None:
    """
    URLs are logged on their way: numbers, names, e-mail addresses and texts travel in headers and bodies.
    """
    personal = ("number", "phone", "email", "address", "text", "reason")
    for name, operation in operations():
        named = [it["name"] for it in operation.get("parameters", ()) if it["in"] in {"path", "query"}]
        assert not [it for it in named if any(word in it for word in personal)], name
