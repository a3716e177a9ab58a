"""What agents look things up in: files that are sent, and what is found in them."""

from pathlib import Path

from cli import records
from cli.api import ask, exchange
from cli.outcome import Exit, fail, is_table, note, say, say_json
from cli.records import Record

_COLUMNS = {"id": "id", "name": "name", "state": "state", "passages": "passages", "why": "reason"}
_UPLOAD_SECONDS = 120.0


def add(file: str, agent: str | None, name: str | None, language: str | None) -> None:
    """Send a file; one that the agent has under this name is replaced."""
    path = Path(file)
    try:
        content = path.read_bytes()
    except OSError as error:
        fail(Exit.CONFIGURATION, f"{file}: {error.strerror}")
    wanted = {"name": name or path.name, "language": language}
    sent = exchange("PUT", f"{_agent(agent)}/documents", content, query=wanted, seconds=_UPLOAD_SECONDS)
    records.show_record(sent.body)
    note("See what becomes of it: trunkline knowledge list")


def show_list(agent: str | None) -> None:
    """Print an agent's documents."""
    empty = "No documents yet. Add one: trunkline knowledge add FILE"
    records.show_list(f"{_agent(agent)}/documents", _COLUMNS, empty=empty)


def remove(document: str, agent: str | None, *, sure: bool) -> None:
    """Delete a document."""
    path = f"{_agent(agent)}/documents/{document}"
    records.remove(path, read="knowledge list", sure=sure, what=f"document {document}")


def index(document: str, agent: str | None) -> None:
    """Have a document read anew."""
    records.show_record(ask("POST", f"{_agent(agent)}/documents/{document}/indexings"))


def search(query: str, agent: str | None, document: str | None) -> None:
    """Print the passages that the agent would find."""
    found = ask("POST", f"{_agent(agent)}/searches", {"query": query, "document": document})
    if not is_table():
        say_json(found)
        return
    for missing in found["missing"]:
        note(missing)
    if not found["passages"]:
        note("Nothing was found.")
    for passage in found["passages"]:
        say(_place(passage))
        say("\n".join(f"  {line}" for line in [*passage["text"].splitlines(), ""]))


def _place(passage: Record) -> str:
    page = f"page {passage['page']}" if passage["page"] else ""
    return ", ".join(filter(None, (passage["document"], page, passage["heading"])))


def _agent(agent: str | None) -> str:
    """Return the path of the agent asked for, by id or name; without one, of the only one there is."""
    if agent is not None and agent.startswith("ag_"):
        return f"agents/{agent}"
    every = list(records.items("agents", None))
    found = [it["id"] for it in every if agent in {None, it["name"]}]
    if len(found) != 1:
        fail(Exit.CONFIGURATION, f"Say which agent: --agent, one of {', '.join(it['id'] for it in every)}")
    return f"agents/{found[0]}"
