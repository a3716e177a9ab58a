"""One conversation, with what was said in it."""

from cli.api import ask
from cli.outcome import faint, is_table, printable, say, say_json
from cli.records import Record, cell, items, show_record

_MOST = 1000
_WITHHELD = {
    "history_off": "(not shown: the company keeps no history)",
    "removed": "(removed)",
    "unreadable": "(no key opens it)",
}


def show(conversation: str) -> None:
    """Print a conversation and its messages, the oldest first."""
    facts = ask("GET", f"conversations/{conversation}")
    spoken = list(items(f"conversations/{conversation}/messages", _MOST))[::-1]
    if not is_table():
        say_json({**facts, "messages": spoken})
        return
    show_record(facts)
    say()
    for said in spoken:
        say(in_a_line(said))


def in_a_line(said: Record) -> str:
    """Return a message on one line: when, which way, what, and what became of it."""
    arrow = ">" if said["direction"] == "outbound" else "<"
    text = said["text"] if said["text"] is not None else _WITHHELD.get(said["text_withheld"], "")
    return f"{faint(cell(said['created_at']))}  {arrow} {printable(text)}  {faint('[' + said['status'] + ']')}"
