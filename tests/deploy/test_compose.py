"""docker-compose.yml, as Compose understands it without any .env."""

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deploy.image.contents import IMAGES
from deploy.keys import SIMULATED_ACCOUNT, Chest, fill
from dev.simulator.settings import SimulatorSettings
from shared.settings import from_env
from tests.deploy.rendering import BIN, ROOT
from tests.deploy.test_manifests import SETTINGS

Service = dict[str, Any]

_FOREIGN = {"nats", "nats-volume", "postgres", "prometheus", "grafana", "traces"}


@cache
def composed() -> str:
    """Return what Compose makes of the file; raises when it is not Compose's."""
    argv = [str(BIN / "docker-compose"), "--env-file", os.devnull, "--profile", "sim", "--profile", "observe"]
    argv += ["config", "--format", "json"]
    return subprocess.run(argv, cwd=ROOT, env={"PATH": os.defpath}, capture_output=True, text=True, check=True).stdout


def services() -> dict[str, Service]:
    found: dict[str, Service] = json.loads(composed())["services"]
    return found


def keys_of(service: Service) -> dict[str, str]:
    """Return the folders of secrets that a container sees, by where it sees them."""
    volumes = service.get("volumes", ())
    return {
        it["target"]: it["source"].removeprefix("keys-") for it in volumes if it.get("source", "").startswith("keys-")
    }


@pytest.mark.parametrize("name", SETTINGS)
def test_a_service_starts_with_the_variables_that_its_container_has(name: str, keys: Path) -> None:
    """
    Every secret is a file that was made for this container, and nobody else's is in sight.
    """
    service = services()[name]
    assert keys_of(service) == {"/run/keys": name}
    given = {key: value.replace("/run/keys", str(keys / name)) for key, value in service["environment"].items()}
    settings = from_env(SETTINGS[name], given)
    assert settings.ops.host == "0.0.0.0"
    assert settings.nats.nkey
    assert {it.name for it in (keys / name).iterdir()} == {
        Path(value).name for key, value in service["environment"].items() if key.endswith("_FILE")
    }


def test_the_simulator_plays_the_account_that_the_console_has(keys: Path) -> None:
    """
    Same account, same token, same number, same public address.
    """
    token = (keys / "simulator/twilio-token").read_text()
    given = services()["simulator"]["environment"]
    simulator = SimulatorSettings.from_env({**given, "TWILIO_AUTH_TOKEN": token.strip()})
    console = services()["console"]["environment"]
    assert (simulator.account_sid, simulator.webhook_url) == (
        console["TWILIO_ACCOUNT_SID"],
        console["TWILIO_WEBHOOK_URL"],
    )
    assert simulator.account_sid == SIMULATED_ACCOUNT
    assert (keys / "console/twilio-token").read_text() == token


def test_secrets_are_made_once_and_half_an_account_is_refused(tmp_path: Path) -> None:
    """
    A second start changes nothing, so that what was sealed opens; a token without its account is a mistake.
    """
    fill(Chest(tmp_path), {})
    made = {file: file.read_text() for file in tmp_path.rglob("*") if file.is_file()}
    fill(Chest(tmp_path), {})
    assert {file: file.read_text() for file in tmp_path.rglob("*") if file.is_file()} == made
    for half in ({"TWILIO_AUTH_TOKEN": "t" * 32}, {"TWILIO_ACCOUNT_SID": "AC" + "1" * 32}):
        with pytest.raises(ValueError, match="both of an account"):
            fill(Chest(tmp_path), half)


def test_every_folder_of_secrets_can_be_written(keys: Path) -> None:
    """
    The container that makes them has a volume for each, since its image is read-only.
    """
    given = keys_of(services()["keys"])
    assert given == {f"/keys/{it.name}": it.name for it in keys.iterdir()}


def test_every_container_of_ours_is_hardened() -> None:
    """
    Its image cannot be written to, no capability is left, none can be gained, and what it says fills no disk.
    """
    for name, service in services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"]["max-size"], name
        assert not service.get("privileged"), name
        assert name in _FOREIGN or "cap_add" not in service, name
        assert not any(it["type"] == "bind" and not it.get("read_only") for it in service.get("volumes", ())), name


def test_only_those_who_need_it_reach_the_outside() -> None:
    """
    NATS, Postgres, the router and the jobs are on a network without a way out.
    """
    network = json.loads(composed())["networks"]["data"]
    assert network["internal"] is True
    inside = {name for name, it in services().items() if it.get("networks") and set(it["networks"]) == {"data"}}
    assert {"nats", "postgres", "router", "migrations", "logins", "topology"} <= inside
    for name, service in services().items():
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", ())), name


def test_every_image_is_built_with_its_own_lock() -> None:
    """
    The name of the image, the service and the lock belong together.
    """
    built = {it["build"]["args"]["SERVICE"]: it for it in services().values() if "build" in it}
    assert set(built) == set(IMAGES)
    for image, service in built.items():
        assert service["image"] == f"trunkline-{image}:latest"
        assert service["build"]["args"].get("LOCK", f"services/{image}/requirements.txt") == IMAGES[image].lock


def test_nats_understands_what_it_is_given(keys: Path, tmp_path: Path) -> None:
    """
    Its container's own command, with the server's test of a configuration in place of its start.
    """
    nats = services()["nats"]
    places = {it["target"]: it["source"] for it in nats["volumes"] if it["type"] == "bind"}
    (tmp_path / "etc").mkdir()
    for target, source in places.items():
        (tmp_path / "etc" / Path(target).name).write_text(Path(source).read_text())
    (tmp_path / "etc/keys").symlink_to(keys / "nats")
    shell, option, words = nats["entrypoint"]
    words = words.replace("/etc/nats", str(tmp_path / "etc")) + " -t"
    argv = [shell, option, words]
    done = subprocess.run(argv, env={"PATH": f"{BIN}:/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_starts_before_what_it_cannot_do_without() -> None:
    """
    Keys come first; services wait for logins and streams, and come back by themselves when they were too early all the same.
    """
    for name in SETTINGS:
        service = services()[name]
        assert {wait: it["condition"] for wait, it in service["depends_on"].items()} == {
            "logins": "service_completed_successfully",
            "topology": "service_completed_successfully",
        }
        assert service["restart"] == "unless-stopped"
    for name in ("nats", "postgres"):
        assert services()[name]["depends_on"]["keys"]["condition"] == "service_completed_successfully"
        assert services()[name]["healthcheck"]["test"]


def test_the_example_names_only_variables_that_compose_reads() -> None:
    """
    Whatever is set there has an effect.
    """
    named = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    text = (ROOT / "docker-compose.yml").read_text()
    assert named - {"COMPOSE_PROFILES"} <= set(re.findall(r"\$\{([A-Z_]+)", text))
