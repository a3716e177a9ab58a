"""
Out and in again on a local stack, as the manifests say, while people wait for a slow model.

The supervisor has as many replicas as there may be, all but the least of them kept down. What is looked for is a turn that
was interrupted: a message for which the model was asked twice, or whose answer was lost, doubled or out of order.
"""

import asyncio
import math
import random
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dev.chaos import checker
from dev.chaos.checker.runs import Runs
from dev.chaos.crowd import Crowd
from dev.chaos.stack import Stack
from dev.chaos.unleash import read_to_the_end
from dev.scaling.manifest import Pace, Scaler, scaler
from dev.scaling.readings import read
from dev.scaling.rule import Autoscaler
from dev.stack.control import bring_back, keep_down
from dev.stack.home import Home


@dataclass(frozen=True)
class Settings:
    """`most`: replicas at hand. `hurry`: how much faster than in a cluster. `people` write once each, `per_second` in all."""

    services: tuple[str, ...] = ("agent",)
    most: int = 6
    hurry: float = 5.0
    people: int = 240
    per_second: float = 40.0
    seed: int = 1
    patience: float = 420.0


@dataclass(frozen=True)
class Change:
    """A service got other replicas, after so many seconds, since it was told these figures."""

    at: float
    service: str
    before: int
    after: int
    readings: Mapping[str, float]


@dataclass
class Scaling:
    """Reads, decides and does for every service what KEDA and Kubernetes do."""

    stack: Stack
    settings: Settings
    changes: list[Change] = field(default_factory=list)
    highest: dict[str, float] = field(default_factory=dict)
    """The most that was read of each measure."""

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._rules = {name: Autoscaler(_hurried(scaler(name), self.settings)) for name in self.settings.services}
        self.running = {name: rule.scaler.least for name, rule in self._rules.items()}

    @property
    def at_rest(self) -> bool:
        """Tell whether everything is back at its least, after having been at its most somewhere."""
        least = all(self.running[name] == rule.scaler.least for name, rule in self._rules.items())
        return least and any(change.after == self.settings.most for change in self.changes)

    def begin(self) -> None:
        """Keep down what is beyond the least."""
        for name, count in self.running.items():
            self._keep(name, count, self.settings.most, up=False)

    async def follow(self) -> None:
        """Go on until cancelled."""
        while True:
            await asyncio.gather(*(self._look(rule) for rule in self._rules.values()))
            await asyncio.sleep(min(rule.scaler.poll for rule in self._rules.values()))

    async def _look(self, rule: Autoscaler) -> None:
        name, state = rule.scaler.name, self.stack.status()
        told = [it["ops_url"] for it in state["services"] if it["name"] == name and it["pid"]]
        readings = await read(rule.scaler.targets, state["nats_monitor_url"], told)
        said = {_said(measure): value for measure, value in readings.items()}
        self.highest |= {name: max(value, self.highest.get(name, 0.0)) for name, value in said.items()}
        running = self.running[name]
        wanted = rule.replicas(time.monotonic(), running, readings)
        if wanted != running:
            self.changes.append(Change(round(time.monotonic() - self._began, 1), name, running, wanted, said))
            self.running[name] = wanted
            await asyncio.to_thread(self._keep, name, min(running, wanted), max(running, wanted), up=wanted > running)

    def _keep(self, name: str, low: int, high: int, *, up: bool) -> None:
        home = Home(self.stack.home)
        for number in range(low + 1, high + 1):
            (bring_back if up else keep_down)(home, f"{name}-{number}")


async def scale(stack: Stack, settings: Settings) -> dict[str, Any]:
    """Feed a stack, follow its figures until it is at rest again, and return the report."""
    scaling = Scaling(stack, settings)
    await asyncio.to_thread(scaling.begin)
    async with stack.simulator() as simulator, stack.model() as model:
        crowd = Crowd(
            simulator, settings.people, 1, settings.per_second, random.Random(settings.seed), weights={"slow": 1}
        )
        following = asyncio.create_task(scaling.follow())
        try:
            await crowd.write()
            rested = await _until_rest(scaling, following)
        finally:
            following.cancel()
            await asyncio.wait({following})
        history = await read_to_the_end(stack.forms, simulator, model, settings.patience)
    return _summary(scaling, history, rested=rested)


async def _until_rest(scaling: Scaling, following: "asyncio.Task[None]") -> bool:
    """Wait until all is back where it was; False when it is not in time. Whatever ended the following is raised."""
    until = time.monotonic() + scaling.settings.patience
    while not scaling.at_rest and time.monotonic() < until:
        done, _ = await asyncio.wait({following}, timeout=1)
        for task in done:
            task.result()
    return scaling.at_rest


def _summary(scaling: Scaling, history: Mapping[str, Any], *, rested: bool) -> dict[str, Any]:
    found = checker.check(history["wire"], history["calls"], [], history["effects"])
    runs = Runs.of(history["calls"]).by_mark
    again = sorted(mark for mark, them in runs.items() if len(them) > 1)
    most = {
        name: max((it.after for it in scaling.changes if it.service == name), default=2) for name in scaling.running
    }
    return {
        "settings": asdict(scaling.settings),
        "good": rested and found.verdict.good and not again and found.answered == scaling.settings.people,
        "messages": found.messages,
        "answered": found.answered,
        "turns_run_again": again,
        "verdict": asdict(found.verdict),
        "out_and_in_again": rested,
        "most": most,
        "highest": scaling.highest,
        "latency_p50_s": _middle(found.latencies),
        "changes": [asdict(change) for change in scaling.changes],
    }


def markdown(report: Mapping[str, Any]) -> str:
    """Return the report as a page."""
    settings = ", ".join(f"{name} {value}" for name, value in report["settings"].items())
    rows = "\n".join(
        f"| {it['at']} | {it['service']} | {it['before']} → {it['after']} | {_figures(it['readings'])} |"
        for it in report["changes"]
    )
    broken = sum(len(them) for them in report["verdict"].values())
    return f"""# Scaling: {"out, in again, and no turn interrupted" if report["good"] else "NOT AS IT SHOULD"}

{settings}.

{report["messages"]} messages, {report["answered"]} answered, {len(report["turns_run_again"])} turns run again, {broken} promises broken. Most
replicas: {", ".join(f"{name} {count}" for name, count in report["most"].items())}. Half of the answers came within {report["latency_p50_s"]} s. Highest readings: {_figures(report["highest"])}.

| Second | Service | Replicas | What it read |
|---|---|---|---|
{rows}
"""


def _hurried(it: Scaler, settings: Settings) -> Scaler:
    def faster(pace: Pace) -> Pace:
        return replace(pace, period=pace.period / settings.hurry, window=pace.window / settings.hurry)

    return replace(
        it,
        most=min(it.most, settings.most),
        poll=it.poll / settings.hurry,
        growth=faster(it.growth),
        shrinking=faster(it.shrinking),
    )


def _said(measure: object) -> str:
    return " ".join((type(measure).__name__.lower(), *map(str, vars(measure).values())))


def _figures(readings: Mapping[str, float]) -> str:
    return ", ".join(f"{name}: {value:.1f}" for name, value in readings.items())


def _middle(values: list[float]) -> float:
    return round(sorted(values)[math.ceil(len(values) / 2) - 1], 1) if values else math.nan
