"""The processes of the cluster `dev`, with the variables and secrets that the manifests give them, on this machine."""

import asyncio
import os
import secrets
import sys
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
from tests.deploy.rendering import ROOT, cluster, containers, environment, find, pod_template
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


async def test_a_message_is_answered_by_what_the_manifests_describe(
    guarded_nats: GuardedNats, database: str, keys: Path, tmp_path: Path
) -> None:
    """
    Each process has its own secrets, its own user on NATS over TLS and its own login; NATS had nothing to refuse.
    """
    manifests = cluster("dev")
    ports = {name: free_port() for name in (*HTTP, *(f"{name}/ops" for name in SERVICES))}
    places = {
        "tls://nats:4222": f"tls://127.0.0.1:{guarded_nats.port}",
        "http://nats:8222": f"http://127.0.0.1:{guarded_nats.monitor_port}",
        "/run/nats-ca": str(guarded_nats.authority.parent),
        "http://simulator:8082": f"http://127.0.0.1:{ports['simulator']}",
        "http://model:8083": f"http://127.0.0.1:{ports['model']}",
        "http://ingress": f"http://127.0.0.1:{ports['ingress']}",
        "http://console": f"http://127.0.0.1:{ports['console']}",
        "0.0.0.0": "127.0.0.1",
    }
    inherited = {"PATH": os.defpath}
    processes = []
    try:
        for name in (*SERVICES, "simulator", "model"):
            template = pod_template(find(manifests, "Deployment", name))
            assert template
            (container,) = containers(template)
            variables = here(environment(container, manifests), places | {"/run/keys": str(keys / name)})
            variables |= _ports(name, ports)
            if variables.get("TWILIO_AUTH_TOKEN", "").startswith("secret "):
                variables["TWILIO_AUTH_TOKEN"] = (keys / "console/twilio-token").read_text().strip()
            command = container.get("command") or [
                "python",
                "-m",
                f"services.{name}" if name in SERVICES else f"dev.{name}",
            ]
            argv = [str(Path(sys.executable).parent / command[0]), *command[1:]]
            argv = [str(ports["model"]) if word == "8083" else word for word in argv]
            processes.append(Process(Command(argv, inherited | variables, ROOT, tmp_path / f"{name}.log")))

        async def all_ready() -> bool:
            probes = [f"http://127.0.0.1:{ports[f'{name}/ops']}/readyz" for name in SERVICES]
            probes += [f"http://127.0.0.1:{ports[name]}/healthz" for name in ("simulator", "model")]
            return all(await asyncio.gather(*(asyncio.to_thread(answers, probe) for probe in probes)))

        await eventually(all_ready, 60)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{ports['simulator']}", trust_env=False) as phone:

            async def taken() -> bool:  # the console tells ingress of the line a moment after it is ready
                sent = await phone.post("/sim/messages", json={"from": PERSON, "body": "hello"})
                return bool(sent.json()["status"] == httpx2.codes.OK)

            await eventually(taken)

            async def answered() -> bool:
                wire = (await phone.get("/sim/wire")).json()
                return any(entry["form"].get("Body") == "Hello! You said: hello" for entry in wire)

            await eventually(answered)
        assert guarded_nats.refusals() == []
    finally:
        for process in processes:
            process.kill()


def _ports(name: str, ports: Mapping[str, int]) -> dict[str, str]:
    own = {
        "simulator": "TRUNKLINE_SIM__PORT",
        "ingress": "TRUNKLINE_INGRESS__PORT",
        "console": "TRUNKLINE_CONSOLE__PORT",
    }
    variables = {own[name]: str(ports[name])} if name in own else {}
    return variables | ({"TRUNKLINE_OPS__PORT": str(ports[f"{name}/ops"])} if name in SERVICES else {})
