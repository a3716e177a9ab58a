"""Pipelines: documents that are checked, drafted, activated and taken back."""

from pathlib import Path
from typing import Any

from cli import asking, records
from cli.api import ask, exchange
from cli.outcome import Exit, fail, is_table, note, say, say_json
from cli.records import Record

_COLUMNS = {
    "id": "id",
    "name": "name",
    "active": "active_version",
    "newest": "newest_version",
    "agents": "agents",
    "tenant": "tenant",
}
_TRIAL_SECONDS = 120.0
_VERSIONS = {"version": "number", "author": "author", "created": "created_at"}


def show_list(tenant: str | None) -> None:
    """Print the pipelines."""
    empty = "No pipelines yet: agents run whatsapp-default. See it: trunkline pipelines show whatsapp-default"
    records.show_list("pipelines", _COLUMNS, empty=empty, tenant=tenant)


def show(pipeline: str, number: int | None) -> None:
    """Print a document; as a record where JSON is asked for."""
    shipped = ask("GET", "pipeline-format")["shipped"]
    if pipeline in shipped:
        _show(shipped[pipeline], {"name": pipeline, "document": shipped[pipeline]})
    elif number is not None:
        version = ask("GET", f"{_path(pipeline)}/versions/{number}")
        _show(version["document"], version)
    else:
        found = ask("GET", _path(pipeline))
        _show(found["draft"], found)


def show_versions(pipeline: str) -> None:
    """Print the versions."""
    records.show_list(f"{_path(pipeline)}/versions", _VERSIONS, empty="None yet: activate the draft to make one.")


def check(file: str) -> None:
    """Print what is wrong with a document; end the command with a failure where something is."""
    faults = ask("POST", "pipeline-checks", {"document": asking.content(file, file)})["faults"]
    if not is_table():
        say_json({"faults": faults})
    for fault in faults if is_table() else ():
        say(f"{file}:{fault['line']}:{fault['column']}: {fault['field'] or 'the document'} {fault['problem']}")
    if faults:
        fail(Exit.FAILURE, f"{file} cannot be used.")
    note("Nothing is wrong.")


def try_out(file: str, conversation: str) -> None:
    """Print what a document came to; end the command with a failure where it came to nothing."""
    document = asking.content(file, file)
    found = exchange(
        "POST", f"conversations/{conversation}/trials", {"document": document}, seconds=_TRIAL_SECONDS
    ).body
    records.show_record(found)
    if found["failure"]:
        fail(Exit.FAILURE, f"It came to nothing: {found['failure']}.")


def put(file: str, name: str | None, tenant: str | None) -> None:
    """Draft a document under a name."""
    draft, called = asking.content(file, file), name or Path(file).stem
    same = [it["id"] for it in records.items("pipelines", None, tenant=tenant) if it["name"] == called]
    if same:
        records.change(f"pipelines/{same[0]}", {"draft": draft}, read=f"pipelines show {called}")
    else:
        records.make("pipelines", {"name": called, "draft": draft, "tenant": tenant})
    note(f"Let it run: trunkline pipelines activate {called}")


def activate(pipeline: str, number: int | None) -> None:
    """Activate a version."""
    _post(pipeline, "activations", {"number": number})


def roll_back(pipeline: str) -> None:
    """Activate what was active before."""
    _post(pipeline, "rollbacks", None)


def remove(pipeline: str, *, sure: bool) -> None:
    """Delete a pipeline."""
    records.remove(_path(pipeline), read=f"pipelines show {pipeline}", sure=sure, what=f"pipeline {pipeline}")


def _post(pipeline: str, below: str, body: dict[str, Any] | None) -> None:
    path = _path(pipeline)
    done = records.versioned("POST", path, body, read=f"pipelines show {pipeline}", below=f"/{below}")
    note(f"Active: version {done['active_version']}.")
    records.show_record(done)


def _show(document: str, record: Record) -> None:
    if is_table():
        say(document.rstrip("\n"))
    else:
        say_json(record)


def _path(pipeline: str) -> str:
    """Return the path of a pipeline, by its id or name."""
    if pipeline.startswith("pl_"):
        return f"pipelines/{pipeline}"
    found = [it["id"] for it in records.items("pipelines", None) if it["name"] == pipeline]
    if len(found) != 1:
        fail(
            Exit.CONFIGURATION, f"{'None is' if not found else 'Several are'} called so. See: trunkline pipelines list"
        )
    return f"pipelines/{found[0]}"
