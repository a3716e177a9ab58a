"""The processes of the cluster `dev`, with the variables and secrets that the manifests give them, on this machine."""

import asyncio
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

from deploy.logins import main as let_in
from dev.embedded import PostgresServer, free_port
from dev.embedded.process import Command, Process
from dev.stack.probe import answers
from shared.store.migrations import upgrade
from tests.deploy.guarded import GuardedNats
from tests.deploy.rendering import BIN, ROOT, Manifest, cluster, containers, environment, find, pod_template
from tests.eventually import eventually

SERVICES = ("ingress", "router", "agent", "egress", "console")
WITH_LOGIN = ("router", "agent", "egress", "console")
HTTP = ("ingress", "console", "simulator", "model")
PERSON = "+15550009"


@pytest.fixture
def database(postgres: PostgresServer, keys: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database as the job of the same name makes it: the schema, then the logins, second ones beside those of other tests."""
    url = postgres.create_database(f"test_{secrets.token_hex(6)}")
    upgrade(url)
    for name in WITH_LOGIN:
        (keys / "logins" / name).rename(keys / "logins" / f"{name}-2")
        password = (keys / "logins" / f"{name}-2").read_text().strip()
        (keys / name / "db-url").unlink()
        (keys / name / "db-url").write_text(postgres.url_for(f"{name}-2", password, url.rpartition("/")[2]))
    monkeypatch.setenv("TRUNKLINE_DB__URL", url)
    let_in(keys / "logins")
    yield url
    postgres.drop_database(url.rpartition("/")[2])


def here(given: Mapping[str, str], places: Mapping[str, str]) -> dict[str, str]:
    """Return a pod's variables with everything that is elsewhere in a cluster put in its place on this machine."""

    def moved(value: str) -> str:
        for there, place in places.items():
            value = value.replace(there, place)
        return value

    return {name: moved(value) for name, value in given.items()}


@pytest.fixture
def ports() -> dict[str, int]:
    return {name: free_port() for name in (*HTTP, *(f"{name}/ops" for name in SERVICES))}


@pytest.fixture
def processes(
    guarded_nats: GuardedNats, database: str, keys: Path, tmp_path: Path, ports: dict[str, int]
) -> Iterator[list[Process]]:
    """Every process of the cluster `dev`, each with the variables of its pod and the secrets that are mounted there."""
    manifests, places = cluster("dev"), _places(guarded_nats, ports)
    started = []
    try:
        for name in (*SERVICES, "simulator", "model"):
            template = pod_template(find(manifests, "Deployment", name))
            assert template
            (container,) = containers(template)
            variables = here(environment(container, manifests), places | {"/run/keys": str(keys / name)}) | _ports(
                name, ports
            )
            if variables.get("TWILIO_AUTH_TOKEN", "").startswith("secret "):
                variables["TWILIO_AUTH_TOKEN"] = (keys / "console/twilio-token").read_text().strip()
            started.append(Process(Command(_argv(name, container, ports), variables, ROOT, tmp_path / f"{name}.log")))
        yield started
    finally:
        for process in started:
            process.kill()


async def test_a_message_is_answered_by_what_the_manifests_describe(
    guarded_nats: GuardedNats, processes: list[Process], ports: dict[str, int]
) -> None:
    """
    Each process has its own secrets, its own user on NATS over TLS and its own login; NATS had nothing to refuse.
    """

    async def all_ready() -> bool:
        probes = [f"http://127.0.0.1:{ports[f'{name}/ops']}/readyz" for name in SERVICES]
        probes += [f"http://127.0.0.1:{ports[name]}/healthz" for name in ("simulator", "model")]
        return all(await asyncio.gather(*(asyncio.to_thread(answers, probe) for probe in probes)))

    await eventually(all_ready, 60)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{ports['simulator']}", trust_env=False) as phone:

        async def taken() -> bool:  # the console tells ingress of the line a moment after it is ready
            sent = await phone.post("/sim/messages", json={"from": PERSON, "body": "hello"})
            return bool(sent.json()["status"] == httpx2.codes.OK)

        async def answered() -> bool:
            wire = (await phone.get("/sim/wire")).json()
            return any(entry["form"].get("Body") == "Hello! You said: hello" for entry in wire)

        await eventually(taken)
        await eventually(answered)
    assert guarded_nats.refusals() == []


def _places(nats: GuardedNats, ports: Mapping[str, int]) -> dict[str, str]:
    addresses = {"simulator:8082": "simulator", "model:8083": "model", "ingress": "ingress", "console": "console"}
    return {
        "tls://nats:4222": nats.login("agent").url,
        "http://nats:8222": f"http://127.0.0.1:{nats.monitor_port}",
        "/run/nats-ca": str(nats.authority.parent),
        "0.0.0.0": "127.0.0.1",
        **{f"http://{there}": f"http://127.0.0.1:{ports[name]}" for there, name in addresses.items()},
    }


def _argv(name: str, container: Manifest, ports: Mapping[str, int]) -> list[str]:
    module = f"services.{name}" if name in SERVICES else f"dev.{name}"
    program, *words = container.get("command") or ["python", "-m", module]
    return [str(BIN / program), *(str(ports["model"]) if word == "8083" else word for word in words)]


def _ports(name: str, ports: Mapping[str, int]) -> dict[str, str]:
    own = {
        "simulator": "TRUNKLINE_SIM__PORT",
        "ingress": "TRUNKLINE_INGRESS__PORT",
        "console": "TRUNKLINE_CONSOLE__PORT",
    }
    variables = {own[name]: str(ports[name])} if name in own else {}
    return (
        variables
        | ({"TRUNKLINE_OPS__PORT": str(ports[f"{name}/ops"])} if name in SERVICES else {})
        | {"PATH": os.defpath}
    )
