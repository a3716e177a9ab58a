"""`/sim …` in a chat: what goes wrong at the simulator, and how it is mended, without leaving the keyboard."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cli.outcome import Exit, fail
from cli.phone import Phone

HELP = """\
/sim                      what is wrong now
/sim list                 every switch, preset and kind
/sim dup on|off           a switch, every time; off again
/sim 429 3                a switch, the next 3 times
/sim latency 2s           a switch with its seconds
/sim refuse 21610         a switch with its code
/sim preset flaky         a preset
/sim off                  everything works again
/sim send button          a kind of message
/sim burst 10 5s          so many messages within so many seconds, else 2
/sim jump 24h             Twilio's clock, so many hours ahead
/sim sandbox on|off       whoever wants to write joins first"""

_HOUR = 3600
_LEAST_CODE = 10_000
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([smh]?)", re.ASCII)
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": float(_HOUR)}


def obey(phone: Phone, words: Sequence[str]) -> str:
    """
    Do what stands behind `/sim`; return what is to be said of it.

    Raises:
        CommandFailed: it makes no sense, which the simulator's own sentence explains, or nobody is there.
    """
    if not words:
        return _wrong(phone.ask("/sim/switches"))
    name, *more = words
    done = _WORDS.get(name)
    return done(phone, more) if done else _thrown(phone, name, more)


def words_of(phone: Phone) -> Mapping[str, Any]:
    """Return what may be typed behind `/sim`, for completion: each word with those that may follow."""
    known = phone.ask("/sim/catalogue")
    names = [switch["name"] for group in known["groups"] for switch in group["switches"]]
    choice = {"preset": [it["name"] for it in known["presets"]], "send": [it["name"] for it in known["kinds"]]}
    following = {name: dict.fromkeys(words) for name, words in choice.items()}
    either = {"on": None, "off": None}
    return (
        dict.fromkeys(("help", "list", "off", "burst", "jump")) | dict.fromkeys((*names, "sandbox"), either) | following
    )


def _wrong(active: Sequence[Mapping[str, Any]]) -> str:
    if not active:
        return "All is well at Twilio."
    return "\n".join(", ".join(filter(None, (it["label"], it["often"]))) for it in active)


def _thrown(phone: Phone, name: str, more: Sequence[str]) -> str:
    order: dict[str, Any] = {"name": name, "on": "off" not in more}
    for word in more:
        if word not in {"on", "off"}:
            order |= _amount(word)
    return _wrong(phone.ask("/sim/switches", order))


def _amount(word: str) -> dict[str, float]:
    """Return what a number is: a code where it has five digits, seconds where it has a unit, else how often."""
    number, unit = _read(word)
    if unit:
        return {"seconds": number * _UNITS[unit]}
    return {"code" if number >= _LEAST_CODE else "times": int(number)}


def _read(word: str) -> tuple[float, str]:
    found = _NUMBER.fullmatch(word)
    if found is None:
        fail(Exit.CONFIGURATION, f"{word} is not on, off or a number. See: /sim help")
    return float(found[1]), found[2]


def _listed(phone: Phone, _more: Sequence[str]) -> str:
    known = phone.ask("/sim/catalogue")
    lines = []
    for group in known["groups"]:
        lines += [f"{group['label']}:", *(f"  {it['name']:<12} {it['label']}" for it in group["switches"])]
    lines += ["Presets:", *(f"  {it['name']:<12} {it['meaning']}" for it in known["presets"])]
    return "\n".join([*lines, "Kinds to send:", *(f"  {it['name']:<12} {it['label']}" for it in known["kinds"])])


def _preset(phone: Phone, more: Sequence[str]) -> str:
    return _wrong(phone.ask("/sim/presets", {"name": " ".join(more)}))


def _off(phone: Phone, _more: Sequence[str]) -> str:
    return _preset(phone, ["happy"])


def _send(phone: Phone, more: Sequence[str]) -> str:
    phone.write("", kind=" ".join(more))
    return ""


def _burst(phone: Phone, more: Sequence[str]) -> str:
    count = int(_read(more[0])[0]) if more else 5
    number, unit = _read(more[1] if len(more) > 1 else "2s")
    phone.ask("/sim/bursts", {"from": phone.address, "count": count, "seconds": number * _UNITS[unit]})
    return f"{count} messages within {number * _UNITS[unit]:g} s."


def _jump(phone: Phone, more: Sequence[str]) -> str:
    number, unit = _read(more[0] if more else "24h")
    ahead = phone.ask("/sim/clock", {"ahead": number * _UNITS[unit or "h"]})["ahead"]
    return f"Twilio's clock is {ahead / _HOUR:g} h ahead."


def _sandbox(phone: Phone, more: Sequence[str]) -> str:
    is_on = phone.ask("/sim/sandbox", {"on": "off" not in more})["on"]
    return "Sandbox: join first, such as: join quick-fox" if is_on else "No sandbox."


def _help(_phone: Phone, _more: Sequence[str]) -> str:
    return HELP


_WORDS: Mapping[str, Callable[[Phone, Sequence[str]], str]] = {
    "list": _listed,
    "help": _help,
    "preset": _preset,
    "off": _off,
    "happy": _off,
    "send": _send,
    "burst": _burst,
    "jump": _jump,
    "sandbox": _sandbox,
}
