"""`trunkline actions` and `forms`: a company's own tools, and what people leave for it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.web import FakeWeb, reply, web_server
from tests.services.console.commands.conftest import CommandLine
from tests.services.console.commands.test_catalogue import ALLOWED

ACTION = {
    "name": "book",
    "description": "Books a table.",
    "parameters": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]},
    "results": ["table.number"],
}


@pytest.fixture
async def service() -> AsyncIterator[FakeWeb]:
    async with web_server(lambda _asked: reply('{"table": {"number": 7}}')) as web:
        yield web


@pytest.mark.parametrize("trunkline", [ALLOWED], indirect=True)
async def test_an_action_is_defined_in_a_file_tried_out_and_removed(
    trunkline: CommandLine, service: FakeWeb, tmp_path: Path
) -> None:
    """
    Its secret comes from a file of its own; the status tells whether it succeeded.
    """
    (tmp_path / "book.json").write_text(json.dumps(ACTION | {"url": f"{service.url}/on/{{day}}"}))
    words = ("actions", "add", str(tmp_path / "book.json"), "--secrets-file", "-")
    made = await trunkline.told(*words, given='{"Authorization": "Bearer s"}\n')
    tried = await trunkline.run("actions", "try", made["id"], '{"day": "Friday"}', "-o", "table")
    assert (tried.returncode, tried.stdout) == (0, "table.number: 7\n")
    assert service.asked[-1].line == "POST /on/Friday HTTP/1.1"
    assert service.asked[-1].headers["authorization"] == "Bearer s"
    changed = await trunkline.told("actions", "set", made["id"], "--disable")
    assert (changed["enabled"], changed["secret_headers"]) == (False, ["Authorization"])
    service.respond = lambda _asked: reply("{}", 500)
    failed = await trunkline.run("actions", "try", made["id"], '{"day": "Friday"}')
    assert (failed.returncode, "did not succeed" in failed.stderr) == (1, True)
    assert (await trunkline.run("actions", "remove", made["id"], "--yes")).returncode == 0
    assert (await trunkline.told("actions", "list"))["items"] == []


@pytest.mark.parametrize("definition", ["{", "[]"])
async def test_a_file_that_is_no_definition_is_named(trunkline: CommandLine, tmp_path: Path, definition: str) -> None:
    """
    The status is that of a wrong usage.
    """
    (tmp_path / "book.json").write_text(definition)
    done = await trunkline.run("actions", "add", str(tmp_path / "book.json"))
    assert (done.returncode, "book.json: " in done.stderr) == (2, True)


async def test_forms_are_sent_to_one_place(trunkline: CommandLine) -> None:
    """
    A mailbox or a webhook; the password comes from a file.
    """
    mail = ("sales@example.org", "--host", "smtp.example.org", "--sender", "bot@example.org", "--username", "bot")
    made = await trunkline.told("forms", "deliveries", "email", *mail, "--password-file", "-", given="secret\n")
    assert (made["kind"], made["secrets"], made["options"]["port"]) == ("email", ["password"], 587)
    assert not (await trunkline.told("forms", "deliveries", "set", made["id"], "--disable"))["enabled"]
    assert (await trunkline.run("forms", "deliveries", "remove", made["id"], "--yes")).returncode == 0
    made = await trunkline.told("forms", "deliveries", "webhook", "https://crm.example.org/forms")
    assert [it["id"] for it in (await trunkline.told("forms", "deliveries", "list"))["items"]] == [made["id"]]
    assert (await trunkline.told("forms", "list"))["items"] == []
