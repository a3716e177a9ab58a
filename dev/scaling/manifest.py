"""What deploy/k8s/components/autoscaling says of a service."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from dev.stack.home import REPOSITORY

_FOLDER = REPOSITORY / "deploy/k8s/components/autoscaling"
_STAGE = re.compile(r'stage:trunkline_oldest_waiting:seconds\{[^}]*stage="(\w+)"')
SCALED = ("router", "agent", "egress")


@dataclass(frozen=True)
class Lag:
    """What a durable has not delivered or not had acknowledged, in messages."""

    stream: str
    durable: str


@dataclass(frozen=True)
class Age:
    """How long the oldest work of a stage has waited, in seconds."""

    stage: str


Measure = Lag | Age


@dataclass(frozen=True)
class Pace:
    """How fast replicas may change. `step`: replicas, or percent of them, in each `period`; `window`: all in seconds."""

    step: int
    period: float
    window: float


@dataclass(frozen=True)
class Scaler:
    """One ScaledObject. `targets`: how much of each measure one replica is there for. `poll`: seconds."""

    name: str
    least: int
    most: int
    poll: float
    targets: Mapping[Measure, float]
    growth: Pace
    shrinking: Pace


def scaler(name: str) -> Scaler:
    """Read a service's ScaledObject. Raises KeyError, ValueError where it says what this module does not know."""
    spec = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["spec"]
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    return Scaler(
        name,
        spec["minReplicaCount"],
        spec["maxReplicaCount"],
        spec["pollingInterval"],
        dict(_target(trigger["type"], trigger["metadata"]) for trigger in spec["triggers"]),
        _pace(behavior["scaleUp"], "Percent"),
        _pace(behavior["scaleDown"], "Pods"),
    )


def _target(kind: str, told: Mapping[str, str]) -> tuple[Measure, float]:
    match kind:
        case "nats-jetstream":
            return Lag(told["stream"], told["consumer"]), float(told["lagThreshold"])
        case "prometheus" if found := _STAGE.search(told["query"]):
            return Age(found[1]), float(told["threshold"])
        case _:
            raise ValueError(kind)


def _pace(told: Mapping[str, Any], kind: str) -> Pace:
    (policy,) = told["policies"]
    if policy["type"] != kind:
        raise ValueError(policy["type"])
    return Pace(policy["value"], policy["periodSeconds"], told["stabilizationWindowSeconds"])
