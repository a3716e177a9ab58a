"""Pods are held as safety.md, section 2, demands, and end in order."""

from collections.abc import Iterator

from tests.deploy.rendering import Manifest, containers, pod_template

_DRAIN = 25
"""Seconds in which a service finishes or hands back its work after SIGTERM."""


def faults(manifests: list[Manifest]) -> Iterator[str]:
    """Yield what a pod may do that it need not."""
    for manifest in manifests:
        where = f"{manifest['kind']} {manifest['metadata']['name']}"
        if template := pod_template(manifest):
            yield from (f"{where}: {fault}" for fault in _pod(template["spec"]))
            for container in containers(template):
                yield from (f"{where}/{container['name']}: {fault}" for fault in _container(container))
        if manifest["kind"] in {"Deployment", "StatefulSet"}:
            yield from (f"{where}: {fault}" for fault in _long_lived(manifest, manifests))
        if manifest["kind"] == "Secret":
            yield f"{where}: a secret in the tree"
        if manifest["kind"] == "Namespace" and "restricted" not in str(
            manifest["metadata"]["labels"].get("pod-security.kubernetes.io/enforce")
        ):
            yield f"{where}: does not enforce the restricted standard"


def _pod(spec: Manifest) -> Iterator[str]:
    context = spec.get("securityContext", {})
    if spec.get("automountServiceAccountToken") is not False:
        yield "is given a token for the API server"
    if spec.get("enableServiceLinks") is not False:
        yield "is given a variable for every Service"
    if not context.get("runAsNonRoot") or not context.get("runAsUser"):
        yield "may run as root"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "may make any system call"
    yield from (f"shares {name} of the node" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name))
    yield from ("mounts a folder of the node" for volume in spec.get("volumes", ()) if "hostPath" in volume)


def _container(container: Manifest) -> Iterator[str]:
    context, resources = container.get("securityContext", {}), container.get("resources", {})
    if context.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    if context.get("readOnlyRootFilesystem") is not True:
        yield "may write to its image"
    if context.get("capabilities", {}).get("drop") != ["ALL"]:
        yield "keeps capabilities"
    if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
        yield "has no requests or limits"
    if ":" not in container["image"].rpartition("/")[2] or container["image"].endswith(":latest"):
        yield f"runs whatever {container['image']} is today"


def _long_lived(manifest: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    template, name = manifest["spec"]["template"], manifest["metadata"]["name"]
    (container, *_) = template["spec"]["containers"]
    if "readinessProbe" not in container:
        yield "has no readiness probe"
    if name in {"simulator", "model"}:
        return
    waits = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    if template["spec"].get("terminationGracePeriodSeconds", 30) < waits + _DRAIN:
        yield "is killed before its work is done"
    if container.get("livenessProbe", {}).get("httpGet", {}).get("path") == "/readyz":
        yield "is restarted when something else is down"
    if not {"startupProbe", "livenessProbe"} <= set(container) or not template["spec"].get("topologySpreadConstraints"):
        yield "lacks a probe, or is not spread"
    budgets = [it for it in manifests if it["kind"] == "PodDisruptionBudget" and it["metadata"]["name"] == name]
    if not budgets:
        yield "has no disruption budget"
    yield from (
        "its budget lets no node be drained"
        for budget in budgets
        if _blocks(budget["spec"], manifest["spec"].get("replicas", 2))
    )


def _blocks(budget: Manifest, replicas: int) -> bool:
    return budget.get("maxUnavailable", 1) in {0, "0%"} or budget.get("minAvailable", 0) in {
        *range(replicas, 100),
        "100%",
    }
