"""Switches and presets: what a person at the simulator makes go wrong, by names that are easy to type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dev.simulator.faults import KINDS, Fault
from dev.simulator.world import World


@dataclass(frozen=True)
class Switch:
    """
    One switch. `order`: the fault that it orders.

    `amounts`: the numbers of the order that whoever throws it may choose; `codes`: the codes that suit it.
    """

    name: str
    label: str
    order: Mapping[str, Any]
    amounts: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()


GROUPS: Mapping[str, Sequence[Switch]] = {
    "Webhooks to the gateway": (
        Switch("dup", "Twice, with one token", {"kind": "duplicate"}),
        Switch("fallback", "Again, as a fallback", {"kind": "fallback"}),
        Switch("swap", "Swapped with the next", {"kind": "swapped", "seconds": 5}),
        Switch("delay", "Late", {"kind": "webhook_delay", "seconds": 2}, ("seconds",)),
        Switch("badsig", "Wrong signature", {"kind": "bad_signature"}),
        Switch("nosig", "No signature", {"kind": "no_signature"}),
        Switch("url", "Signed for another URL", {"kind": "wrong_url"}),
        Switch("port", "Signed for another port", {"kind": "wrong_port"}),
        Switch("portform", "Port left off, or written out", {"kind": "port_variant"}),
        Switch("extra", "Unknown extra fields", {"kind": "extra_fields"}),
        Switch("blank", "Blank Body", {"kind": "blank_body"}),
        Switch("get", "GET in place of POST", {"kind": "get"}),
    ),
    "Answers to its sends": (
        Switch("latency", "Slow", {"kind": "latency", "seconds": 1, "jitter": 1}, ("seconds", "jitter")),
        Switch("429", "429, not taken", {"kind": "429"}),
        Switch("500", "500, not taken", {"kind": "500_before"}),
        Switch("500after", "500, though taken", {"kind": "500_after"}),
        Switch("hang", "Hangs, though taken", {"kind": "hang", "seconds": 40}, ("seconds",)),
        Switch("drop", "Disconnected, not taken", {"kind": "drop_before"}),
        Switch("dropafter", "Disconnected, though taken", {"kind": "drop_after"}),
        Switch("401", "401, wrong credentials", {"kind": "401"}),
        Switch("refuse", "400 with", {"kind": "error", "code": 21211}, ("code",), (21211, 21610, 21617)),
    ),
    "Receipts": (
        Switch("lost", "201, then none", {"kind": "callback_lost"}),
        Switch("twice", "Each twice", {"kind": "callback_duplicated"}),
        Switch("reversed", "In reverse order", {"kind": "callback_reordered"}),
        Switch("late", "Late", {"kind": "callback_late", "seconds": 5}, ("seconds",)),
        Switch("early", "Before the 201", {"kind": "callback_before_201"}),
        Switch(
            "undelivered",
            "Undelivered",
            {"kind": "undelivered", "code": 63016},
            ("code",),
            (63016, 63018, 63024, 63015),
        ),
        Switch("failed", "Failed", {"kind": "failed", "code": 63016}, ("code",), (63016, 63018, 63024, 63015)),
    ),
}
_SWITCHES = {switch.name: switch for group in GROUPS.values() for switch in group}
_SLOW_SECONDS = 8


class UnknownSwitch(ValueError):
    """There is no such switch or preset; names those that there are."""


@dataclass(frozen=True)
class Preset:
    """
    Several things at once. `switches`: by name, what of the order differs.

    `burst`: messages from each phone, within how many seconds.
    """

    label: str
    meaning: str
    switches: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    slow_agent: bool = False
    burst: tuple[int, float] | None = None


_OFTEN, _AT_TIMES = {"probability": 0.33}, {"probability": 0.15}

PRESETS: Mapping[str, Preset] = {
    "happy": Preset("Happy", "All is well at Twilio."),
    "flaky": Preset(
        "Flaky Twilio",
        "Slow answers, some 429 and 500, lost connections, doubled and reversed receipts.",
        {
            "latency": {},
            "429": _OFTEN,
            "500after": _AT_TIMES,
            "dropafter": _AT_TIMES,
            "dup": _OFTEN,
            "reversed": _OFTEN,
        },
    ),
    "closed": Preset("Window closed", "Nothing is delivered: 63016.", {"undelivered": {}}),
    "optedout": Preset("Opted out", "Each send is refused: 21610.", {"refuse": {"code": 21610}}),
    "storm": Preset(
        "Storm",
        "Ten messages from each phone within five seconds, each twice; a third of the sends meets a 429.",
        {"dup": {}, "429": _OFTEN},
        burst=(10, 5.0),
    ),
    "slowagent": Preset("Slow agent", f"The scripted model takes {_SLOW_SECONDS} s for each answer.", slow_agent=True),
    "crash": Preset(
        "Crash mid-send",
        "The next send is taken, but its answer is lost, as when egress dies in between.",
        {"dropafter": {"times": 1}},
    ),
}


def throw(world: World, name: str, *, on: bool, **how: Any) -> None:  # noqa: ANN401 - the order's own fields
    """
    Throw a switch; one that is on already is thrown anew.

    `how`: what of its order differs: `times` or `probability`, else it strikes every time.

    Raises:
        UnknownSwitch: there is none of this name.
        pydantic.ValidationError: a number is out of range.
    """
    if name not in _SWITCHES:
        raise UnknownSwitch(f"name is none of: {', '.join(_SWITCHES)}")
    chosen = {key: value for key, value in how.items() if value is not None}
    always = {} if "times" in chosen else {"probability": 1.0}
    order = Fault.model_validate({**_SWITCHES[name].order, **always, **chosen, "switch": name})
    world.faults.drop(name)
    if on:
        world.faults.add(order.model_dump())


async def set_preset(world: World, name: str) -> None:
    """Mend everything, then do what a preset says. Raises UnknownSwitch."""
    if name not in PRESETS:
        raise UnknownSwitch(f"name is none of: {', '.join(PRESETS)}")
    preset = PRESETS[name]
    await be_happy(world)
    if preset.slow_agent:
        await slow_down(world)
    for switch, how in preset.switches.items():
        throw(world, switch, on=True, **how)


async def be_happy(world: World) -> None:
    """Take every order back, and mend Twilio, its clock and, where a condition was seeded, its accounts."""
    world.faults.drop()
    if world.agent_is_slow:
        await world.ask_model("/script/reset")
    if world.seeded or world.trouble:
        world.mend()
    world.agent_is_slow, world.clock_skew, world.sandbox.is_on = False, 0.0, False
    world.news.tell()


async def slow_down(world: World) -> None:
    """Let the scripted model take its time."""
    await world.ask_model("/script/faults", {"kind": "delay", "times": 10_000, "seconds": _SLOW_SECONDS})
    world.agent_is_slow = True
    world.news.tell()


def active(world: World) -> list[dict[str, Any]]:
    """Return what is wrong now: in words, and by the switch where it is one."""
    found = [
        {"switch": order.switch, "label": _label(order), "often": _often(order), **_chosen(order)}
        for order in world.faults.orders
        if order.is_live
    ]
    found += [{"switch": None, "label": f"Condition {name}", "often": ""} for name in world.seeded if name != "healthy"]
    for is_so, label in (
        (world.sandbox.is_on, "Sandbox"),
        (world.agent_is_slow, "Slow agent"),
        (world.clock_skew != 0 and not world.seeded, f"Twilio's clock {world.clock_skew / 3600:+.4g} h"),
    ):
        found += [{"switch": None, "label": label, "often": ""}] if is_so else []
    return found


def catalogue() -> dict[str, Any]:
    """Return all switches by group, and all presets."""
    return {
        "groups": [
            {"label": label, "switches": [vars(switch) | {"order": dict(switch.order)} for switch in group]}
            for label, group in GROUPS.items()
        ],
        "presets": [{"name": name, "label": it.label, "meaning": it.meaning} for name, it in PRESETS.items()],
    }


def _label(order: Fault) -> str:
    switch = _SWITCHES.get(order.switch or "")
    if switch is None:
        return KINDS[order.kind]
    return f"{switch.label} {order.code}" if "code" in switch.amounts else switch.label


def _often(order: Fault) -> str:
    if order.probability is None:
        return "once more" if order.times == 1 else f"{order.times} more"
    return "each" if order.probability == 1 else f"{order.probability:.0%}"


def _chosen(order: Fault) -> dict[str, float]:
    switch = _SWITCHES.get(order.switch or "")
    return {name: getattr(order, name) for name in switch.amounts} if switch else {}
