"""Each object is what its schema says: Kubernetes' own, or that of a custom resource."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate

from tests.deploy.rendering import Manifest

VERSION = "1.34"
_CONTRACTS = Path(__file__).parents[2] / "contracts/kubernetes"
_BY_HAND = {
    ("cert-manager.io/v1", "Issuer"): ("selfSigned", "ca"),
    ("external-secrets.io/v1", "ExternalSecret"): ("refreshInterval", "secretStoreRef", "target", "data"),
}
"""Resources whose schema we do not have, and the fields that we use of them."""


def faults(manifests: list[Manifest]) -> Iterator[str]:
    """Yield what no API server would take."""
    for manifest in manifests:
        where = f"{manifest['kind']} {manifest['metadata']['name']}"
        yield from (f"{where}: {fault}" for fault in _of(json.dumps(manifest)))


@cache
def _of(text: str) -> list[str]:
    """Return the faults of one object; most objects are asked about again and again."""
    manifest = json.loads(text)
    kind = (manifest["apiVersion"], manifest["kind"])
    if kind in _BY_HAND:
        return [f"unknown field {name}" for name in sorted(set(manifest["spec"]) - set(_BY_HAND[kind]))]
    if (schema := _schema(*kind)) is not None:
        validator = jsonschema.Draft7Validator(schema)
        return [f"{error.json_path} {error.message}" for error in validator.iter_errors(manifest)]
    return list(_built_in(manifest))


def _built_in(manifest: Manifest) -> Iterator[str]:
    try:
        kubernetes_validate.validate(manifest, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield error.message
    except kubernetes_validate.SchemaNotFoundError:
        yield "no such resource"


@cache
def _schema(api_version: str, kind: str) -> Manifest | None:
    file = _CONTRACTS / f"{api_version.replace('/', '_')}_{kind}.json"
    return json.loads(file.read_text()) if file.exists() else None
