"""Who may talk to whom is exactly what is needed."""

from collections.abc import Iterator, Mapping

from tests.deploy.checks.references import labels_of, matches
from tests.deploy.rendering import Manifest

OUTSIDE = {"egress", "console", "agent"}
"""Who may leave the cluster (safety.md, section 2): to Twilio; to models and tools."""

ON_NATS = {"ingress", "router", "agent", "egress", "console", "topology"}
ON_POSTGRES = {"router", "agent", "egress", "console", "migrations", "postgres"}
_OPS, _NATS, _NATS_MONITOR, _POSTGRES = 9090, 4222, 8222, 5432
_PRIVATE = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "127.0.0.0/8"}


def faults(manifests: list[Manifest]) -> Iterator[str]:
    """Yield flows that are open and need not be, and those that are needed and closed."""
    policies = [it for it in manifests if it["kind"] == "NetworkPolicy"]
    pods = labels_of(manifests)
    if not any(
        it["spec"]["podSelector"] == {} and set(it["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        for it in policies
        if not {"ingress", "egress"} & set(it["spec"])
    ):
        yield "nothing denies by default"
    for policy in policies:
        where = f"NetworkPolicy {policy['metadata']['name']}"
        if not any(matches(policy["spec"]["podSelector"], labels) for labels in pods):
            yield f"{where}: selects no pod"
        yield from (f"{where}: {fault}" for fault in _strangers(policy, pods))
    yield from _who("leaves the cluster", _senders(policies, pods, outside=True), OUTSIDE)
    yield from _who("talks to NATS", _senders(policies, pods, port=_NATS), ON_NATS)
    yield from _who("is heard by NATS", _heard(policies, pods, "nats", _NATS), ON_NATS)
    yield from _who("talks to Postgres", _senders(policies, pods, port=_POSTGRES), ON_POSTGRES)
    yield from _who("is heard by Postgres", _heard(policies, pods, "postgres", _POSTGRES), ON_POSTGRES)
    yield from _who("reads the ops port", _heard(policies, pods, "ingress", _OPS), {"namespace monitoring"})
    yield from _who(
        "reads NATS' monitor",
        _heard(policies, pods, "nats", _NATS_MONITOR),
        {"ingress", "namespace keda", "namespace monitoring"},
    )


def name_of(labels: Mapping[str, str]) -> str:
    """Return what a pod is called here."""
    return labels.get("app.kubernetes.io/name") or labels.get("cnpg.io/cluster", "")


def _who(does: str, found: set[str], wanted: set[str]) -> Iterator[str]:
    yield from (f"{name} {does}" for name in sorted(found - wanted))
    yield from (f"{name} should be one that {does}" for name in sorted(wanted - found))


def _strangers(policy: Manifest, pods: list[dict[str, str]]) -> Iterator[str]:
    """Peers in this namespace that no pod is."""
    rules = (*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ()))
    for peer in (peer for rule in rules for peer in (*rule.get("from", ()), *rule.get("to", ()))):
        if (
            "namespaceSelector" not in peer
            and "podSelector" in peer
            and not any(matches(peer["podSelector"], it) for it in pods)
        ):
            yield f"a peer that is nobody: {peer['podSelector']}"
        block = peer.get("ipBlock")
        if block and not set(block.get("except", ())) >= _PRIVATE:
            yield "reaches private addresses"


def _senders(
    policies: list[Manifest], pods: list[dict[str, str]], *, port: int = 443, outside: bool = False
) -> set[str]:
    found = set()
    for policy in policies:
        for rule in policy["spec"].get("egress", ()):
            away = any("ipBlock" in peer for peer in rule.get("to", ()))
            if outside == away and any(it["port"] == port for it in rule.get("ports", ())):
                found |= {name_of(labels) for labels in pods if matches(policy["spec"]["podSelector"], labels)}
    return found


def _heard(policies: list[Manifest], pods: list[dict[str, str]], name: str, port: int) -> set[str]:
    target = next((labels for labels in pods if name_of(labels) == name), {})
    found: set[str] = set()
    for policy in (it for it in policies if matches(it["spec"]["podSelector"], target)):
        for rule in policy["spec"].get("ingress", ()):
            if not rule.get("ports") or any(it["port"] == port for it in rule["ports"]):
                found |= {who for peer in rule.get("from", [{}]) for who in _peers(peer, pods)}
    return found


def _peers(peer: Manifest, pods: list[dict[str, str]]) -> Iterator[str]:
    if "namespaceSelector" in peer:
        yield f"namespace {peer['namespaceSelector'].get('matchLabels', {}).get('kubernetes.io/metadata.name', 'any')}"
    elif "podSelector" in peer:
        yield from (name_of(labels) for labels in pods if matches(peer["podSelector"], labels))
    else:
        yield "anybody"
