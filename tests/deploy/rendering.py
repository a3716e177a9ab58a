"""The manifests as a cluster would be given them."""

import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy/k8s"
BIN = Path(sys.executable).parent
OVERLAYS = ("dev", "dev/setup", "production", "production/setup", "production/contract")
WHOLE = {"dev": ("dev", "dev/setup"), "production": ("production", "production/setup", "production/contract")}
"""What is applied to one cluster, in all."""


@cache
def _rendered(overlay: str) -> list[Manifest]:
    argv = [str(BIN / "kubectl"), "kustomize", str(KUBERNETES / "overlays" / overlay)]
    made = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    return list(yaml.safe_load_all(made))


def rendered(*overlays: str) -> list[Manifest]:
    """Return what kustomize makes of overlays; each call returns objects of its own, which a test may spoil."""
    return [deepcopy(document) for overlay in overlays for document in _rendered(overlay)]


def cluster(name: str) -> list[Manifest]:
    """Return everything that one cluster is given."""
    return rendered(*WHOLE[name])


def find(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Return one object."""
    return next(it for it in manifests if _is(it, kind, name))


def pod_template(manifest: Manifest) -> Manifest | None:
    """Return the template of the pods that an object makes; None where it makes none."""
    match manifest["kind"]:
        case "Deployment" | "StatefulSet" | "Job":
            template: Manifest = manifest["spec"]["template"]
            return template
        case "CronJob":
            nested: Manifest = manifest["spec"]["jobTemplate"]["spec"]["template"]
            return nested
    return None


def containers(template: Manifest) -> Iterator[Manifest]:
    """Yield a pod's containers, those that run first, too."""
    yield from template["spec"].get("initContainers", ())
    yield from template["spec"]["containers"]


def environment(container: Manifest, manifests: list[Manifest]) -> dict[str, str]:
    """Return the variables of a container; those from secrets by what they are read from."""
    variables: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            name = source["configMapRef"]["name"]
            variables |= next((it["data"] for it in manifests if _is(it, "ConfigMap", name)), {})
    for variable in container.get("env", ()):
        secret = variable.get("valueFrom", {}).get("secretKeyRef")
        variables[variable["name"]] = (
            f"secret {secret['name']} {secret['key']}" if secret else variable.get("value", "")
        )
    return variables


def _is(manifest: Manifest, kind: str, name: str) -> bool:
    return bool(manifest["kind"] == kind and manifest["metadata"]["name"] == name)
