"""The checks of the manifests find what is wrong: each fault is planted alone, and named."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy.checks import faults
from tests.deploy.rendering import Manifest, cluster, find

Spoil = Callable[[list[Manifest]], None]


def pod(name: str, kind: str = "Deployment") -> Callable[[list[Manifest]], Manifest]:
    """Return the way to the pods of an object."""

    def of(manifests: list[Manifest]) -> Manifest:
        spec: Manifest = find(manifests, kind, name)["spec"]["template"]["spec"]
        return spec

    return of


def box(name: str, kind: str = "Deployment") -> Callable[[list[Manifest]], Manifest]:
    """Return the way to the one container of an object's pods."""

    def of(manifests: list[Manifest]) -> Manifest:
        container: Manifest = pod(name, kind)(manifests)["containers"][0]
        return container

    return of


def obj(kind: str, name: str) -> Callable[[list[Manifest]], Manifest]:
    """Return the way to an object."""
    return lambda manifests: find(manifests, kind, name)


def put(of: Callable[[list[Manifest]], Manifest], path: str, value: Any) -> Spoil:
    """Return the planting of a value at a dotted path."""

    def spoil(manifests: list[Manifest]) -> None:
        place: Any = of(manifests)
        *steps, last = path.split(".")
        for step in steps:
            place = place[int(step)] if step.isdigit() else place[step]
        place[int(last) if last.isdigit() else last] = value

    return spoil


def without(kind: str, name: str) -> Spoil:
    """Return the loss of an object."""
    return lambda manifests: manifests.remove(find(manifests, kind, name))


PLANTED: dict[str, tuple[Spoil, str]] = {
    "a field that Kubernetes does not know": (put(obj("Deployment", "router"), "spec.replica", 2), "replica"),
    "a field that an operator does not know": (put(obj("Cluster", "postgres"), "spec.instance", 3), "instance"),
    "a number where text belongs": (put(box("router"), "env.0.value", 1), "Deployment router: "),
    "a ConfigMap that is not there": (without("ConfigMap", "trunkline"), "Deployment agent: no ConfigMap trunkline"),
    "a secret that nobody makes": (
        without("ExternalSecret", "trunkline-agent"),
        "nobody makes the secret trunkline-agent",
    ),
    "a key that a secret lacks": (
        lambda it: find(it, "ExternalSecret", "trunkline-console")["spec"]["data"].pop(),
        "TWILIO_AUTH_TOKEN_FILE: no file /run/keys/twilio-token",
    ),
    "an item that a secret lacks": (put(pod("router"), "volumes.0.secret.items.0.key", "root.crt"), "has no root.crt"),
    "an API key that a secret lacks": (
        put(obj("ExternalSecret", "trunkline-periodic"), "spec.data.0.secretKey", "key"),
        "CronJob gap-fill: secret trunkline-periodic has no api-key",
    ),
    "a volume that is not declared": (put(box("egress"), "volumeMounts.0.name", "elsewhere"), "no volume elsewhere"),
    "a probe of no port": (
        put(box("agent"), "readinessProbe.httpGet.port", "health"),
        "readinessProbe: no port health",
    ),
    "an account that is not there": (without("ServiceAccount", "router"), "no ServiceAccount router"),
    "a selector of other pods": (
        put(obj("Deployment", "router"), "spec.selector.matchLabels", {"app.kubernetes.io/name": "rooter"}),
        "Deployment router: its selector is not that of its pods",
    ),
    "a Service without pods": (
        put(obj("Service", "ingress"), "spec.selector", {"app": "ingress"}),
        "Service ingress: selects no pod",
    ),
    "a Service of no port": (put(obj("Service", "console"), "spec.ports.0.targetPort", "web"), "no pod has a port web"),
    "an Ingress to nowhere": (without("Service", "console"), "Ingress console: no Service console with a port http"),
    "an address of no Service": (
        put(obj("ConfigMap", "trunkline"), "data.TRUNKLINE_NATS__URL", "tls://nats-client:4222"),
        "no Service nats-client at 4222",
    ),
    "an address at a wrong port": (
        put(obj("ConfigMap", "trunkline"), "data.TRUNKLINE_NATS__URL", "tls://nats:4223"),
        "no Service nats at 4223",
    ),
    "a budget that blocks every drain": (
        put(
            obj("PodDisruptionBudget", "egress"),
            "spec",
            {"minAvailable": "100%", "selector": {"matchLabels": {"app.kubernetes.io/name": "egress"}}},
        ),
        "its budget lets no node be drained",
    ),
    "a budget of no pods": (
        put(obj("PodDisruptionBudget", "agent"), "spec.selector.matchLabels", {"app": "agent"}),
        "PodDisruptionBudget agent: selects no pod",
    ),
    "a monitor of no pods": (
        put(obj("PodMonitor", "postgres"), "spec.selector.matchLabels", {"a": "b"}),
        "PodMonitor postgres: selects no pod",
    ),
    "a pod that may be root": (put(pod("router"), "securityContext.runAsNonRoot", value=False), "may run as root"),
    "a token for the API server": (put(pod("ingress"), "automountServiceAccountToken", value=True), "is given a token"),
    "variables of every Service": (
        put(pod("ingress"), "enableServiceLinks", value=True),
        "is given a variable for every Service",
    ),
    "a folder of the node": (
        lambda it: pod("agent")(it)["volumes"].append({"name": "node", "hostPath": {"path": "/"}}),
        "mounts a folder of the node",
    ),
    "an image that may be written to": (
        put(box("console"), "securityContext.readOnlyRootFilesystem", value=False),
        "may write to its image",
    ),
    "capabilities that are kept": (
        put(box("nats", "StatefulSet"), "securityContext.capabilities", {}),
        "keeps capabilities",
    ),
    "an image without a version": (
        put(box("agent"), "image", "trunkline/agent"),
        "runs whatever trunkline/agent is today",
    ),
    "no limit of memory": (put(box("egress"), "resources.limits", {"cpu": "1"}), "has no requests or limits"),
    "too little time to end": (
        put(pod("console"), "terminationGracePeriodSeconds", 20),
        "is killed before its work is done",
    ),
    "a restart when Postgres is down": (
        put(box("router"), "livenessProbe.httpGet.path", "/readyz"),
        "is restarted when something else is down",
    ),
    "a secret in the tree": (
        lambda it: it.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}),
        "Secret s: a secret in the tree",
    ),
    "no denial by default": (without("NetworkPolicy", "deny-all"), "nothing denies by default"),
    "a router that leaves the cluster": (
        lambda it: find(it, "NetworkPolicy", "to-twilio")["spec"]["podSelector"]["matchExpressions"][0][
            "values"
        ].append("router"),
        "router leaves the cluster",
    ),
    "the cluster's own addresses let out": (
        put(obj("NetworkPolicy", "to-models-and-tools"), "spec.egress.0.to.0.ipBlock.except", []),
        "NetworkPolicy to-models-and-tools: reaches private addresses",
    ),
    "an ops port for anybody": (
        put(obj("NetworkPolicy", "ops"), "spec.ingress.0.from", [{}]),
        "anybody reads the ops port",
    ),
    "a flow that is needed and closed": (
        lambda it: find(it, "NetworkPolicy", "to-nats")["spec"]["podSelector"]["matchExpressions"][0]["values"].remove(
            "egress"
        ),
        "egress should be one that talks to NATS",
    ),
    "a policy for nobody": (
        put(obj("NetworkPolicy", "webhooks"), "spec.podSelector.matchLabels", {"app": "x"}),
        "NetworkPolicy webhooks: selects no pod",
    ),
    "a scaler of nothing": (
        put(obj("ScaledObject", "agent"), "spec.scaleTargetRef.name", "agents"),
        "no Deployment agents",
    ),
    "replicas that fight with a scaler": (
        put(obj("Deployment", "router"), "spec.replicas", 2),
        "would set the replicas back",
    ),
    "a key that KEDA does not know": (
        put(obj("ScaledObject", "router"), "spec.triggers.0.metadata.lag", "5"),
        "unknown key lag",
    ),
    "a durable of another service": (
        put(obj("ScaledObject", "egress"), "spec.triggers.1.metadata.consumer", "egress"),
        "ScaledObject egress: reads the lag of",
    ),
    "a metric that nobody records": (
        put(obj("PrometheusRule", "waiting"), "spec.groups.0.rules.0.record", "stage:other:seconds"),
        "asks for what no rule records",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str) -> None:
    """
    Whoever makes this mistake is told of it by name.
    """
    manifests = cluster("production")
    spoil, told = PLANTED[name]
    spoil(manifests)
    assert any(told in fault for fault in faults(manifests)), list(faults(manifests))
