"""Webhook actions: defined in files, tried out before anybody relies on them."""

import json
from typing import Any

from cli import asking, catalogue, records
from cli.api import ask
from cli.outcome import Exit, fail, is_table, say, say_json


def add(file: str, secrets_file: str | None, tenant: str | None) -> None:
    """Define an action as a file says."""
    secrets = {"secret_headers": catalogue.secrets(secrets_file)} if secrets_file else {}
    records.make("actions", {**_object(asking.content(file, file), file), **secrets, "tenant": tenant})


def change(action: str, file: str | None, secrets_file: str | None, *, enabled: bool | None) -> None:
    """Change what a file names, and whether it is offered."""
    told = _object(asking.content(file, "--file"), "--file") if file else {}
    secrets = {"secret_headers": catalogue.secrets(secrets_file)} if secrets_file else {}
    records.change(f"actions/{action}", {**told, **secrets, "enabled": enabled}, read=f"actions show {action}")


def try_out(action: str, arguments: str) -> None:
    """Print what an action answers; end the command with a failure where it does not succeed."""
    outcome = ask("POST", f"actions/{action}/trials", {"arguments": _object(arguments, "arguments")})
    if is_table():
        say(outcome["text"])
    else:
        say_json(outcome)
    if not outcome["ok"]:
        reason = outcome["failure"] or f"status {outcome['status']}"
        fail(Exit.FAILURE, f"The action did not succeed: {reason}.")


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except json.JSONDecodeError as error:
        fail(Exit.CONFIGURATION, f"{where}: no JSON at line {error.lineno}, column {error.colno}")
    if not isinstance(told, dict):
        fail(Exit.CONFIGURATION, f"{where}: a JSON object is wanted")
    return told
