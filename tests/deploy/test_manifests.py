"""The manifests, rendered as a cluster would be given them."""

import re

import pytest

from deploy.nats.users import USERS, variable
from services.agent.settings import AgentSettings
from services.console.settings import ConsoleSettings
from services.egress.settings import EgressSettings
from services.ingress.settings import IngressSettings
from services.router.settings import RouterSettings
from shared.settings import Settings, from_env
from shared.topology import STREAMS
from tests.deploy.checks import faults
from tests.deploy.rendering import KUBERNETES, ROOT, WHOLE, cluster, containers, environment, find, pod_template

SETTINGS: dict[str, type[Settings]] = {
    "ingress": IngressSettings,
    "router": RouterSettings,
    "agent": AgentSettings,
    "egress": EgressSettings,
    "console": ConsoleSettings,
}
_GIBIBYTE = 1024**3
_SECRET = re.compile(r"^\s*(?:password|token|api-key|nkey)\s*:\s*(?![{$\"\[]|/)\S+", re.IGNORECASE | re.MULTILINE)
_RUN_BY_THE_CONSOLE = {"rewrap"}


@pytest.mark.parametrize("name", WHOLE)
def test_a_cluster_is_given_nothing_that_is_wrong(name: str) -> None:
    """
    Schemas, names that lead somewhere, hardened pods, exactly the flows needed, scalers on what waits.
    """
    assert list(faults(cluster(name))) == []


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_starts_with_the_variables_that_its_pod_has(name: str, service: str) -> None:
    """
    None is missing, none is misspelt; ports are those that the pod names.
    """
    manifests = cluster(name)
    template = pod_template(find(manifests, "Deployment", service))
    assert template
    (container,) = containers(template)
    given = environment(container, manifests)
    secret = "postgresql://x" if service != "ingress" else "0" * 64
    files = {key.removesuffix("_FILE"): "0" * 64 for key in given if key.endswith("_FILE")}
    files |= {"TRUNKLINE_DB__URL": secret} if "TRUNKLINE_DB__URL" in files else {}
    settings = from_env(
        SETTINGS[service], {key: value for key, value in given.items() if not key.endswith("_FILE")} | files
    )
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert (settings.ops.host, settings.ops.port) == ("0.0.0.0", ports["ops"])
    if service in {"ingress", "console"}:
        assert (getattr(settings, service).host, getattr(settings, service).port) == ("0.0.0.0", ports["http"])


def test_every_stream_fits_on_the_disk() -> None:
    """
    The sum of what streams may hold is below what the server may use, and that below the volume.
    """
    nats = (KUBERNETES / "components/nats/nats.conf").read_text()
    allowed = int(re.findall(r"max_file_store: (\d+)GB", nats)[0])
    claim = find(cluster("production"), "StatefulSet", "nats")["spec"]["volumeClaimTemplates"][0]
    volume = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi"))
    assert sum(stream.max_bytes for stream in STREAMS) < allowed * 10**9 < volume * _GIBIBYTE


def test_nats_syncs_before_it_confirms() -> None:
    """
    In Compose, too.
    """
    for file in ("k8s/components/nats/nats.conf", "nats/compose.conf"):
        assert re.search(r"^\s*sync_interval: always$", (ROOT / "deploy" / file).read_text(), re.MULTILINE)


def test_the_topology_is_held_by_as_many_servers_as_there_are() -> None:
    """
    In production each stream is on three servers; the first time as at every repetition.
    """
    for name, servers in (("production", 3), ("dev", 1)):
        manifests = cluster(name)
        assert find(manifests, "StatefulSet", "nats")["spec"]["replicas"] == servers
        for kind, job in (("CronJob", "topology"), ("Job", "streams")):
            template = pod_template(find(manifests, kind, job))
            assert template
            assert template["spec"]["containers"][0]["args"] == ["topology", "apply", "--replicas", str(servers)]


def test_the_routes_of_the_cluster_are_its_servers() -> None:
    """
    Their names are those that the StatefulSet and its Service give.
    """
    routes = re.findall(r"nats-route://([a-z0-9.-]+):6222", (KUBERNETES / "components/nats/cluster.conf").read_text())
    assert routes == [f"nats-{number}.nats" for number in range(3)]
    assert find(cluster("production"), "StatefulSet", "nats")["spec"]["serviceName"] == "nats"


def test_every_nats_user_has_a_key_and_a_secret() -> None:
    """
    The server's secret holds the public keys of all users; each user's own secret has its seed.
    """
    manifests = cluster("production")
    users = find(manifests, "ExternalSecret", "nats-users")["spec"]["data"]
    assert {row["secretKey"] for row in users} == {variable(user) for user in USERS}
    for user in USERS:
        own = find(manifests, "ExternalSecret", f"trunkline-{user}")["spec"]["data"]
        assert {"secretKey": "nkey", "remoteRef": {"key": f"trunkline/nkey-{user}"}} in own


def test_every_periodic_job_of_the_api_is_run() -> None:
    """
    But for what the console does by itself.
    """
    routes = "".join(file.read_text() for file in (ROOT / "services/console/api").glob("*.py"))
    known = set(re.findall(r'"/([a-z-]+)/runs"', routes))
    run = set()
    for it in cluster("production"):
        if it["kind"] == "CronJob" and (template := pod_template(it)):
            args = template["spec"]["containers"][0]["args"]
            run |= {args[2]} if args[:2] == ["jobs", "run"] else set()
    assert run == known - _RUN_BY_THE_CONSOLE


def test_migrations_run_before_a_roll_out_without_what_takes_away() -> None:
    """
    Expanding ones come before the logins, which belong to the roles that they make; contracting ones are a job of their own.
    """
    before = find(cluster("production"), "Job", "database")["spec"]["template"]["spec"]
    assert [it["args"] for it in before["initContainers"]] == [["db", "upgrade"]]
    assert before["containers"][0]["command"] == ["python", "-m", "deploy.logins", "/run/logins"]
    after = find(cluster("production"), "Job", "contract")["spec"]["template"]["spec"]
    assert [it["args"] for it in after["containers"]] == [["db", "upgrade", "--contract"]]


def test_no_secret_is_in_the_tree() -> None:
    """
    Manifests name secrets, and hold none.
    """
    for file in (ROOT / "deploy").rglob("*.yaml"):
        assert not _SECRET.search(file.read_text()), file
