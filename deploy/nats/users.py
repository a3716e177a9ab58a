"""
Who may say and hear what on NATS: a user per service, made from `shared.topology`.

`python -m deploy.nats.users` prints deploy/k8s/components/nats/users.conf, which Compose mounts, too. The users' public keys
are variables there, since they belong to a deployment: `$NATS_USER_ROUTER` and so on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.topology import (
    ADVISORIES,
    AGENT,
    CONFIG_BUCKET,
    CONFIG_REPUBLISH,
    CONSUMERS,
    EGRESS,
    EVT,
    HANDED_OFF_ANY,
    INBOUND,
    INBOUND_SETTLED_ANY,
    OUT,
    ROUTER,
    STATUS,
    STATUS_READER,
    STREAMS,
    TRIAL,
    TURN,
    TURN_INTERRUPTED_ANY,
    TURN_REFUSED_ANY,
    TURN_REPLAY,
    TURN_RUNNING_ANY,
    Consumer,
    Stream,
)

_API = "$JS.API"
_BUCKET = f"KV_{CONFIG_BUCKET}"


@dataclass(frozen=True)
class User:
    """
    What a service does on the bus.

    `consumes`: durables that it makes and reads. `stores`: streams that it publishes into. `looks_up`: streams of which it
    reads single messages; `watches`: of which it asks how full they are, and what waits for their durables; `erases`,
    `empties`: of which it deletes messages one by one, or all of a subject, where a person is to be forgotten. `announces`,
    `hears`: best-effort subjects. `asks`, `answers`: subjects of questions; it is the console that asks. `reads_settings`,
    `writes_settings`: the bucket CONFIG.
    """

    consumes: tuple[Consumer[Any], ...] = ()
    stores: tuple[Stream, ...] = ()
    looks_up: tuple[Stream, ...] = ()
    watches: tuple[Stream, ...] = ()
    erases: tuple[Stream, ...] = ()
    empties: tuple[Stream, ...] = ()
    announces: tuple[str, ...] = ()
    hears: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    reads_settings: bool = False
    writes_settings: bool = False
    makes_streams: bool = False


USERS: Mapping[str, User] = {
    "ingress": User(stores=(INBOUND, STATUS), reads_settings=True),
    "router": User(
        consumes=(ROUTER,),
        stores=(TURN, OUT),
        looks_up=(INBOUND,),
        announces=(INBOUND_SETTLED_ANY, TURN_INTERRUPTED_ANY),
    ),
    "agent": User(
        consumes=(AGENT,),
        stores=(OUT,),
        announces=(TURN_RUNNING_ANY, TURN_INTERRUPTED_ANY, TURN_REFUSED_ANY, HANDED_OFF_ANY),
        hears=(TURN_INTERRUPTED_ANY,),
        answers=(TURN_REPLAY, TRIAL),
    ),
    "egress": User(
        consumes=(EGRESS, STATUS_READER),
        stores=(OUT,),
        looks_up=(STATUS,),  # how old the oldest report is
        hears=(TURN_RUNNING_ANY,),
    ),
    "console": User(
        consumes=(ADVISORIES,),
        stores=(INBOUND, OUT, STATUS),  # gap-fill, and dead letters that are replayed
        looks_up=STREAMS,
        watches=STREAMS,  # its page System
        erases=(INBOUND,),
        empties=(TURN, OUT, EVT),
        announces=(HANDED_OFF_ANY,),
        hears=(
            TURN.subjects[0],
            OUT.subjects[0],
            STATUS.subjects[0],
            INBOUND_SETTLED_ANY,
        ),  # that something changed, for the pages that are open
        asks=(TURN_REPLAY, TRIAL),
        reads_settings=True,
        writes_settings=True,
    ),
    "topology": User(makes_streams=True),
}


def may_say(user: User) -> Iterator[str]:
    """Yield the subjects that a user may publish to."""
    for consumer in user.consumes:
        place = f"{consumer.stream.name}.{consumer.durable}"
        yield from (f"{_API}.CONSUMER.{verb}.{place}" for verb in ("DURABLE.CREATE", "INFO", "MSG.NEXT"))
        yield f"$JS.ACK.{place}.>"
    for stream in user.stores:
        yield from stream.subjects
    yield from (f"{_API}.STREAM.MSG.GET.{stream.name}" for stream in user.looks_up)
    for stream in user.watches:
        yield f"{_API}.STREAM.INFO.{stream.name}"
        yield from (f"{_API}.CONSUMER.INFO.{stream.name}.{it.durable}" for it in CONSUMERS if it.stream is stream)
    for stream in user.erases:
        yield from (f"{_API}.STREAM.{verb}.{stream.name}" for verb in ("INFO", "MSG.DELETE"))
    yield from (f"{_API}.STREAM.PURGE.{stream.name}" for stream in user.empties)
    yield from user.announces
    yield from user.asks
    if user.answers:
        yield "_INBOX.console.>"
    if user.reads_settings:
        yield f"{_API}.STREAM.INFO.{_BUCKET}"
        yield f"{_API}.STREAM.MSG.GET.{_BUCKET}"
        yield from (f"{_API}.CONSUMER.{verb}.{_BUCKET}{rest}" for verb, rest in _ONE_PASS)
    if user.writes_settings:
        yield CONFIG_REPUBLISH[0]
    if user.makes_streams:
        for name in (*(stream.name for stream in STREAMS), _BUCKET):
            yield from (f"{_API}.STREAM.{verb}.{name}" for verb in ("CREATE", "UPDATE", "INFO"))


_ONE_PASS = (("CREATE", ""), ("CREATE", ".>"), ("INFO", ".*"), ("DELETE", ".*"))
"""Reading the whole bucket takes a consumer that is not durable, which nats-py makes and deletes."""


def may_hear(name: str, user: User) -> Iterator[str]:
    """Yield the subjects that a user may subscribe to; answers come below a subject of its own."""
    yield f"_INBOX.{name}.>"
    yield from user.hears
    yield from user.answers
    if user.reads_settings:
        yield CONFIG_REPUBLISH[1]


def variable(name: str) -> str:
    """Return the variable that holds a user's public key."""
    return f"NATS_USER_{name.upper()}"


def configuration() -> str:
    """Return the server's configuration of all users. What is not listed is refused."""
    blocks = "".join(_block(name, user) for name, user in USERS.items())
    return f"# Made by `python -m deploy.nats.users` from shared/topology.py.\nauthorization {{\n  users = [\n{blocks}  ]\n}}\n"


def _block(name: str, user: User) -> str:
    return (
        f"    {{\n      # {name}\n      nkey: ${variable(name)}\n      permissions: {{\n"
        f"        publish: {_list(may_say(user))}\n        subscribe: {_list(may_hear(name, user))}\n"
        "      }\n    }\n"
    )


def _list(subjects: Iterator[str]) -> str:
    return "[\n" + "".join(f'          "{subject}"\n' for subject in dict.fromkeys(subjects)) + "        ]"


if __name__ == "__main__":
    print(configuration(), end="")  # noqa: T201 - that is what it is for
