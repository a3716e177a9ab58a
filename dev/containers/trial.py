"""Images built, Compose brought up, a message answered through it, every container inspected."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import httpx2

from dev.containers.bases import make_bases
from dev.containers.composed import ADDRESS, Composed, composed
from dev.containers.engine import Engine, seconds_since
from dev.containers.hardening import Hardening, hardening_of
from dev.containers.images import build_images, megabytes

_ANSWER_SECONDS = 60.0
_POLL = 0.2
_TEXT = "hello from a container"


@dataclass(frozen=True)
class Trial:
    """What was seen. Times are seconds."""

    megabytes: dict[str, int]
    bases: float
    images: float
    up: float
    answer: float
    hardened: list[Hardening]

    @property
    def good(self) -> bool:
        """Tell whether every container is as hard as it can be: Postgres' entrypoint needs to become another user."""
        return all(it.holds for it in self.hardened if it.service != "postgres")

    def markdown(self) -> str:
        """Return the report as a page."""
        sizes = "\n".join(f"| {image} | {size} |" for image, size in self.megabytes.items())
        rows = "\n".join("| " + " | ".join(_row(it)) + " |" for it in self.hardened)
        return f"""# Containers: {"hardened, and a message answered" if self.good else "NOT HARDENED"}

Stand-ins for foreign images {self.bases} s, images {self.images} s, Compose from nothing to healthy {self.up} s, a message answered
{self.answer} s after it was written.

| Image | MB |
|---|---|
{sizes}

| Container | User | Capabilities | No new privileges | System calls filtered | Read-only root |
|---|---|---|---|---|---|
{rows}
"""

    def data(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {"good": self.good, **asdict(self)}


def try_containers(engine: Engine) -> Trial:
    """Do it all. Raises CalledProcessError, TimeoutError."""
    began = time.monotonic()
    make_bases(engine)
    bases = seconds_since(began)
    images = build_images(engine, "latest")
    with composed(engine, "trunkline-trial") as stack:
        began = time.monotonic()
        stack.up("latest")
        up, answer = seconds_since(began), _written_to()
        return Trial(megabytes(engine, "latest"), bases, images, up, answer, _inspect(stack))


def _inspect(stack: Composed) -> list[Hardening]:
    running = sorted((it["Service"], it["Name"]) for it in stack.containers() if it["State"] == "running")
    return [hardening_of(stack, container, service) for service, container in running]


def _written_to() -> float:
    """Write as a person does, and return the seconds until the answer. Raises TimeoutError."""
    began = time.monotonic()
    with httpx2.Client(base_url=f"http://{ADDRESS}:8082", timeout=60, trust_env=False) as phone:
        while (
            phone.post("/sim/messages", json={"from": "+15550009", "body": _TEXT}).json()["status"] != httpx2.codes.OK
        ):
            _in_time(began)  # the console tells ingress of the line a moment after it is ready
        while not any(_TEXT in str(it["form"].get("Body")) for it in phone.get("/sim/wire").json() if _sent(it)):
            _in_time(began)
    return seconds_since(began)


def _sent(entry: dict[str, Any]) -> bool:
    return bool(entry["kind"] == "message.create")


def _in_time(began: float) -> None:
    if seconds_since(began) > _ANSWER_SECONDS:
        raise TimeoutError(f"no answer within {_ANSWER_SECONDS:g} s")
    time.sleep(_POLL)


def _row(it: Hardening) -> tuple[str, ...]:
    marks = (it.no_new_privileges, it.filtered, it.read_only)
    return (it.service, str(it.uid), f"{it.capabilities:#x}" if it.capabilities else "none", *map(_mark, marks))


def _mark(holds: bool) -> str:  # noqa: FBT001 - the thing said
    return "yes" if holds else "NO"
