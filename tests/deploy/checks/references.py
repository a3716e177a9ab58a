"""What one object calls by name is there in another."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.deploy.rendering import Manifest, containers, environment, pod_template

_BROUGHT = {"webhooks-tls": {"tls.crt", "tls.key"}, "console-tls": {"tls.crt", "tls.key"}}
"""Made by a cluster's own issuer for its Ingress."""

_BY_HAND = "trunkline-"
"""Without the operator for external secrets these are made by hand, with deploy/keys.py."""

_ADDRESS = re.compile(r"[a-z]+://([a-z][a-z0-9-]*)(?:\.trunkline\.svc)?(?::(\d+))?(?:[/,]|$)")


def faults(manifests: list[Manifest]) -> Iterator[str]:
    """Yield names that lead nowhere."""
    secrets, by_hand = provided(manifests), not any(it["kind"] == "ExternalSecret" for it in manifests)
    services = {it["metadata"]["name"]: it for it in manifests if it["kind"] == "Service"}
    for manifest in manifests:
        template, where = pod_template(manifest), f"{manifest['kind']} {manifest['metadata']['name']}"
        if template:
            told = (
                *_pods(template, manifests),
                *_secrets(template, secrets, by_hand=by_hand),
                *_addresses(template, manifests, services),
            )
            yield from (f"{where}: {fault}" for fault in told)
        yield from (f"{where}: {fault}" for fault in _selected(manifest, manifests))
        if manifest["kind"] == "Ingress":
            yield from (f"{where}: {fault}" for fault in _backends(manifest, services))


def labels_of(manifests: list[Manifest]) -> list[dict[str, str]]:
    """Return the labels of every pod that there will be."""
    templates = [template for it in manifests if (template := pod_template(it))]
    operated = [{"cnpg.io/cluster": it["metadata"]["name"]} for it in manifests if it["kind"] == "Cluster"]
    return [template["metadata"]["labels"] for template in templates] + operated


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector chooses a pod."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(rule["key"]) in rule["values"] for rule in selector.get("matchExpressions", ())
    )


def provided(manifests: list[Manifest]) -> dict[str, set[str]]:
    """Return the secrets that somebody makes, and their keys."""
    found = dict(_BROUGHT)
    for it in manifests:
        match it["kind"]:
            case "ExternalSecret":
                template = it["spec"]["target"].get("template", {}).get("data", {})
                found[it["spec"]["target"]["name"]] = set(template) or {row["secretKey"] for row in it["spec"]["data"]}
            case "Certificate":
                found[it["spec"]["secretName"]] = {"tls.crt", "tls.key", "ca.crt"}
            case "Cluster":
                found[f"{it['metadata']['name']}-ca"] = {"ca.crt"}
    return found


def _pods(template: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    spec, names = template["spec"], {(it["kind"], it["metadata"]["name"]) for it in manifests}
    claims = (claim for it in manifests for claim in it.get("spec", {}).get("volumeClaimTemplates", ()))
    volumes = {volume["name"] for volume in spec.get("volumes", ())} | {claim["metadata"]["name"] for claim in claims}
    account = spec.get("serviceAccountName")
    if account and ("ServiceAccount", account) not in names:
        yield f"no ServiceAccount {account}"
    sources = [source for container in containers(template) for source in container.get("envFrom", ())]
    maps = [source["configMapRef"]["name"] for source in sources if "configMapRef" in source]
    maps += [volume["configMap"]["name"] for volume in spec.get("volumes", ()) if "configMap" in volume]
    yield from (f"no ConfigMap {name}" for name in maps if ("ConfigMap", name) not in names)
    for container in containers(template):
        mounts = {mount["name"] for mount in container.get("volumeMounts", ())}
        yield from (f"no volume {name}" for name in sorted(mounts - volumes))
        yield from _probes(container)


def _probes(container: Manifest) -> Iterator[str]:
    ports = {port["name"] for port in container.get("ports", ())}
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        port = container.get(kind, {}).get("httpGet", {}).get("port")
        if port is not None and port not in ports:
            yield f"{kind}: no port {port}"


def _secrets(template: Manifest, secrets: Mapping[str, set[str]], *, by_hand: bool) -> Iterator[str]:
    """Every secret is somebody's to make, and every variable that names a file names one that is mounted."""
    mounted: dict[str, dict[str, set[str] | None]] = {}
    for volume in template["spec"].get("volumes", ()):
        if name := volume.get("secret", {}).get("secretName"):
            keys = secrets.get(name)
            if keys is None and not (by_hand and name.startswith(_BY_HAND)):
                yield f"nobody makes the secret {name}"
            items = {item["key"] for item in volume["secret"].get("items", ())}
            if keys is not None and items - keys:
                yield f"secret {name} has no {', '.join(sorted(items - keys))}"
            mounted[volume["name"]] = {name: items or keys}
    for container in containers(template):
        for variable in container.get("env", ()):
            ref = variable.get("valueFrom", {}).get("secretKeyRef")
            if (
                ref
                and not (by_hand and ref["name"].startswith(_BY_HAND))
                and ref["key"] not in secrets.get(ref["name"], ())
            ):
                yield f"secret {ref['name']} has no {ref['key']}"
        yield from _files(container, mounted)


def _files(container: Manifest, mounted: Mapping[str, Mapping[str, set[str] | None]]) -> Iterator[str]:
    held = {
        f"{mount['mountPath']}/{key}" if keys else mount["mountPath"]
        for mount in container.get("volumeMounts", ())
        for keys in mounted.get(mount["name"], {}).values()
        for key in keys or [""]
    }
    for variable in container.get("env", ()):
        value = variable.get("value", "")
        known = any(value == place or ("/" in place and value.rpartition("/")[0] == place) for place in held)
        if value.startswith("/run/") and not known:
            yield f"{variable['name']}: no file {value}"


def _addresses(template: Manifest, manifests: list[Manifest], services: Mapping[str, Manifest]) -> Iterator[str]:
    """An address inside the cluster is that of a Service, at one of its ports."""
    for container in containers(template):
        for name, value in environment(container, manifests).items():
            for host, port in _ADDRESS.findall(value):
                ports = {it["port"] for it in services[host]["spec"]["ports"]} if host in services else set()
                if not ports or int(port or 80) not in ports:
                    yield f"{name}: no Service {host} at {port or 80}"


def _selected(manifest: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    selector = manifest.get("spec", {}).get("selector") if "spec" in manifest else None
    pods = labels_of(manifests)
    match manifest["kind"]:
        case "Deployment" | "StatefulSet":
            if not matches(selector or {}, manifest["spec"]["template"]["metadata"]["labels"]):
                yield "its selector is not that of its pods"
        case "Service":
            chosen = [
                it
                for it in manifests
                if (made := pod_template(it)) and matches({"matchLabels": selector}, made["metadata"]["labels"])
            ]
            if not chosen:
                yield "selects no pod"
            yield from _target_ports(manifest, chosen)
        case "PodDisruptionBudget" | "PodMonitor":
            if not any(matches(selector or {}, labels) for labels in pods):
                yield "selects no pod"


def _target_ports(service: Manifest, chosen: Iterable[Manifest]) -> Iterator[str]:
    names = {
        port["name"] for it in chosen for one in containers(pod_template(it) or {}) for port in one.get("ports", ())
    }
    for port in service["spec"]["ports"]:
        if port["targetPort"] not in names:
            yield f"no pod has a port {port['targetPort']}"


def _backends(ingress: Manifest, services: Mapping[str, Manifest]) -> Iterator[str]:
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            ports = {port["name"] for port in services.get(backend["name"], {"spec": {"ports": []}})["spec"]["ports"]}
            if backend["port"]["name"] not in ports:
                yield f"no Service {backend['name']} with a port {backend['port']['name']}"
