"""Sends whose outcome their sender did not know: seen on the wire by what came after them."""

from collections.abc import Sequence

from dev.chaos.checker.findings import Doubt
from dev.chaos.checker.history import Answer, Entry, Person

_CREATED, _OK, _REFUSED, _UNCLEAR = 201, 200, 400, 500
_AT_MOST = 2
_NOBODY_WAITS = 29_500.0
"""Milliseconds after which an answer reaches nobody."""

BY_CALLBACK = "adopted from callback"
BY_LIST = "adopted from list"
AGAIN = "sent once more"
HELD = "held"
ASIDE = "set aside"


def doubts_of(name: str, person: Person) -> list[Doubt]:
    """Return a person's doubtful sends: those without a clear answer, and those that Twilio was asked for."""
    doubts: list[Doubt] = []
    sends = person.sends
    creates = [place for place, entry in enumerate(sends) if entry["kind"] == "message.create"]
    if sends and (not creates or creates[0] > 0):
        doubts.append(_never_made(name, sends[: creates[0] if creates else None], _at(sends, creates, 0)))
    for number, place in enumerate(creates):
        following = creates[number + 1] if number + 1 < len(creates) else len(sends)
        asked = sends[place + 1 : following]
        after = _at(sends, creates, number + 1)
        if _is_unclear(sends[place]) or asked:
            doubts.append(_doubt(name, person, sends[place], asked, after))
    return doubts


def given_up_on(person: Person) -> list[Answer]:
    """
    Return what was rightly given up: sent twice without a clear answer, of which Twilio took neither, as its list said last.

    A third send would be one too many (safety.md, section 4.7); it is a dead letter for people to decide on.
    """
    sends = person.sends
    creates = [entry for entry in sends if entry["kind"] == "message.create"]
    given_up = []
    for body in dict.fromkeys(entry["form"].get("Body", "") for entry in creates):
        tries = [entry for entry in creates if entry["form"].get("Body", "") == body and _is_unclear(entry)]
        taken = any(entry.get("message_sid") for entry in creates if entry["form"].get("Body", "") == body)
        if len(tries) == _AT_MOST and not taken and _was_looked_for(tries[-1], sends):
            given_up.append(Answer(tries[-1]["at"], body))
    return given_up


def _was_looked_for(send: Entry, sends: Sequence[Entry]) -> bool:
    following = sends[sends.index(send) + 1 :]
    return bool(following) and following[0]["kind"] == "message.list"


def _at(sends: Sequence[Entry], creates: Sequence[int], number: int) -> Entry | None:
    return sends[creates[number]] if number < len(creates) else None


def _is_unclear(send: Entry) -> bool:
    status = send["status"]
    clear = status is not None and (status == _CREATED or _REFUSED <= status < _UNCLEAR)
    return not clear or send.get("ms", 0.0) >= _NOBODY_WAITS


def _doubt(name: str, person: Person, send: Entry, asked: Sequence[Entry], after: Entry | None) -> Doubt:
    sid = send.get("message_sid")
    shown = [it["at"] for it in asked if it["status"] == _OK and sid and sid in str(it.get("response"))]
    if not _is_unclear(send) and len(shown) > 1:
        return _never_made(name, asked, after)  # asked again although this one was there: another was looked for
    why = send.get("fault") or ("sender died" if send["status"] == _CREATED else "no answer")
    told = [at for at in person.reports.get(sid or "", ()) if at >= send["at"]]
    if after is not None and after["form"].get("Body") == send["form"].get("Body"):
        ended, until = AGAIN, after["at"]
    elif shown:
        ended, until = BY_LIST, shown[0]
    elif sid and told:
        ended, until = BY_CALLBACK, told[0]
    elif after is not None:
        ended, until = ASIDE, after["at"]
    else:
        ended, until = HELD, asked[-1]["at"] if asked else send["at"]
    return _made(send["at"], name, str(why), ended=ended, until=until, asked=asked)


def _never_made(name: str, asked: Sequence[Entry], after: Entry | None) -> Doubt:
    """Return the doubt over a send of which nothing reached Twilio: its sender died with it on record."""
    began = asked[0]["at"]
    ended, until = (AGAIN, after["at"]) if after else (HELD, began)
    return _made(began, name, "sender died before it", ended=ended, until=until, asked=asked)


def _made(at: float, name: str, why: str, *, ended: str, until: float, asked: Sequence[Entry]) -> Doubt:
    held = sum(it["status"] != _OK for it in asked)
    return Doubt(at, name, why, ended, seconds=round(until - at, 1), asked=len(asked), held=held)
