"""Turns of agents: listed, one by one, and run again."""

from cli.api import ask
from cli.outcome import Exit, fail, is_table, printable, say, say_json, say_table
from cli.records import Record, cell, show_record
from cli.records import show_list as list_records
from cli.times import between

_COLUMNS = {
    "id": "id",
    "time": "started_at",
    "model": "model",
    "steps": "steps",
    "in": "input_tokens",
    "out": "output_tokens",
    "failure": "failure",
    "conversation": "conversation",
}
_REPLAY_SECONDS = 120.0
_COUNTED = ("model", "steps", "input_tokens", "output_tokens")
_WHY = {
    "history_off": "the company keeps no history, so its texts are not shown",
    "removed": "its texts are not kept any more",
    "texts_gone": "its texts are not kept any more",
    "unreadable": "no key opens its texts",
    "no_agent": "no agent answered",
}


def show_list(tenant: str | None, conversation: str | None, since: str | None, until: str | None) -> None:
    """List turns."""
    span = between("created_at", since, until)
    list_records("turns", _COLUMNS, tenant=tenant, conversation=conversation, **span)


def show(turn: str) -> None:
    """Print a turn and its texts."""
    found = ask("GET", f"turns/{turn}")
    if not is_table():
        say_json(found)
        return
    show_record({name: value for name, value in found.items() if name not in {"asked", "answer", "tools"}})
    say()
    for text in found["asked"]:
        say(f"< {_text(text)}")
    for tool in found["tools"]:
        say(f"  {tool['step']}. {tool['name']}")
    if found["answer"] is not None:
        say(f"> {_text(found['answer'])}")


def replay(turn: str, model: str | None) -> None:
    """Run a turn again, and print what is different."""
    found = ask("POST", f"turns/{turn}/replays", {} if model is None else {"model": model}, seconds=_REPLAY_SECONDS)
    if found["failure"] is not None:
        fail(Exit.CONFLICT, f"It was not run again: {_WHY.get(found['failure'], found['failure'])}.")
    if not is_table():
        say_json(found)
        return
    before, after = found["before"] or {}, found["after"]
    say_table(("", "BEFORE", "NOW"), [[name, cell(before.get(name)), cell(after[name])] for name in _COUNTED])
    say()
    say(printable(after["text"] if found["diff"] is None else found["diff"] or "The answer is the same."))


def _text(said: Record) -> str:
    if said["text"] is None:
        return f"({_WHY[said['text_withheld']]})"
    return printable(said["text"])
