"""What has to be done once per deployment, before the services start; and what is done from time to time."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cli.api import ask
from cli.outcome import Exit, fail, is_table, note, say, say_json

_JOB_SECONDS = 600.0


def upgrade_database(*, contract: bool) -> None:
    """Run the migrations that the database has not seen, the contracting ones only where asked for."""
    from shared.store import migrations

    url = _required("TRUNKLINE_DB__URL")
    for step in migrations.upgrade(url, contract=contract):
        note(step)
    if waiting := migrations.pending(url):
        note(f"Waiting for --contract: {', '.join(waiting)}")


def apply_topology(replicas: int) -> None:
    """Make or update every stream; running it again changes nothing."""
    from pydantic import SecretStr

    from shared import bus
    from shared.settings import Nats

    url, nkey = _required("TRUNKLINE_NATS__URL"), _given("TRUNKLINE_NATS__NKEY")
    server = Nats(url=url, nkey=SecretStr(nkey) if nkey else None, ca=_given("TRUNKLINE_NATS__CA"))
    bus.apply_topology(server, replicas, first=time.time_ns() // 1000)  # a later stream begins above an earlier one


def show_database() -> None:
    """Print the migrations that the database has not seen; end with status 1 where an expanding one is among them."""
    from shared.store import migrations

    waiting = migrations.pending(_required("TRUNKLINE_DB__URL"))
    due = migrations.due(waiting, contract=False)
    if is_table():
        for revision in waiting:
            say(f"{revision}  {'due' if revision in due else 'waits for --contract'}")
    else:
        say_json({"pending": waiting, "due": due})
    if due:
        fail(Exit.FAILURE, "Services of this version wait for it: trunkline db upgrade")
    note("The schema is as this version needs it.")


def run(name: str) -> None:
    """Let the console run a periodic job, and print what it came to."""
    if name not in _WORDS:
        fail(Exit.NOT_FOUND, f"There is no job {name}, but {', '.join(_WORDS)}.")
    done = ask("POST", f"jobs/{name}/runs", seconds=_JOB_SECONDS)
    if is_table():
        for line in _WORDS[name](done):
            say(line)
    else:
        say_json(done)
    if done.get("failed"):
        fail(
            Exit.UNAVAILABLE, f"Twilio could not be asked for {done['failed']} of the lines; the next run looks again."
        )
    if done.get("stuck"):
        where = ", ".join(f"{stage} {lines}" for stage, lines in sorted(done["stuck"].items()))
        fail(Exit.UNAVAILABLE, f"Not answered, by where that got stuck: {where}. See docs/runbooks/CanarySilent.md.")
    if done.get("unreadable"):
        fail(Exit.UNAVAILABLE, f"No key opens {sum(done['unreadable'].values())} values; they were left as they are.")


def _filled(done: dict[str, Any]) -> Iterator[str]:
    yield f"{done['found']} of {done['listed']} messages were missing and are taken in; lines: {done['lines']}."


def _watched(done: dict[str, Any]) -> Iterator[str]:
    yield f"{done['answered']} of {done['lines']} canaries were answered."


def _rewrapped(done: dict[str, Any]) -> Iterator[str]:
    yield f"{sum(done['done'].values())} values were sealed anew, {done['rekeyed']} addresses keyed anew."
    for ring in ("keys", "peppers"):
        for key_id, named in sorted(done[ring].items(), key=lambda item: int(item[0])):
            yield f"{ring} {key_id}: " + ", ".join(f"{what} {rows}" for what, rows in named.items())


def _provisioned(done: dict[str, Any]) -> Iterator[str]:
    yield f"{done['provisioned']} of {done['lines']} lines were set up anew at Twilio; {done['drifted']} had drifted."


def _dropped(done: dict[str, Any]) -> Iterator[str]:
    yield f"{done['addresses']} contacts' addresses and {done['texts']} texts that nobody needs any more were dropped."


def _expired(done: dict[str, Any]) -> Iterator[str]:
    yield f"{sum(done['rows'].values())} rows were too old to be kept."
    for table, rows in sorted(done["rows"].items()):
        yield f"{table}: {rows}"


_WORDS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "canary": _watched,
    "gap-fill": _filled,
    "privacy": _dropped,
    "provisioning": _provisioned,
    "retention": _expired,
    "rewrap": _rewrapped,
}


def _required(name: str) -> str:
    return _given(name) or fail(Exit.CONFIGURATION, f"{name}: Field required")


def _given(name: str) -> str | None:
    file = os.environ.get(f"{name}_FILE")
    return Path(file).read_text(encoding="utf-8").strip() if file else os.environ.get(name)
