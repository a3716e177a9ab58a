"""What each process is told through its environment: what it needs, and no secret beyond that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dev.embedded.ports import LOOPBACK
from dev.stack.home import Home
from dev.stack.plan import COMPANIONS, SERVICES, Part

OURS = ("TRUNKLINE_", "TWILIO_", "OPENAI_", "CHANNEL_")
"""Variables that are handed out one by one. All others are inherited."""

_PROBED_AT_HOME = frozenset({"model", "simulator"})
"""They serve their probes on their one port."""

_SCRIPTED_MODEL = "scripted"
_SCRIPTED_KEY = "local"
_OPENAI = "https://api.openai.com/v1"
_EMBEDDINGS = tuple(
    f"TRUNKLINE_EMBEDDINGS__{name}" for name in ("MODEL", "BASE_URL", "API_KEY", "API_KEY_FILE", "LIMIT")
)

_TRANSCRIPTION = tuple(
    f"TRUNKLINE_TRANSCRIPTION__{name}" for name in ("MODEL", "BASE_URL", "API_KEY", "API_KEY_FILE", "LIMIT")
)


@dataclass(frozen=True)
class Setup:
    """Everything that the environments are made of."""

    caller: Mapping[str, str]
    home: Home
    ports: Mapping[str, int]
    parts: tuple[Part, ...]
    nats_url: str
    nats_monitor_url: str
    database_urls: Mapping[str, str]
    """By service; that of the migrations is the owner's."""
    account: Mapping[str, str]

    def url(self, label: str) -> str:
        """Return where a process serves."""
        return f"http://{LOOPBACK}:{self.ports[label]}"

    def ops_url(self, part: Part) -> str | None:
        """Return where a process has its probes; None for the embedded servers, which have none of ours."""
        if part.name in _PROBED_AT_HOME:
            return self.url(part.label)
        own = part.name in SERVICES or part.name in COMPANIONS
        return self.url(f"{part.label}/ops") if own else None

    def has(self, name: str) -> bool:
        """Tell whether the stack has a process of this name."""
        return any(part.name == name for part in self.parts)


def environment_of(part: Part, setup: Setup) -> dict[str, str]:
    """Return the whole environment of a process."""
    inherited = {name: value for name, value in setup.caller.items() if not name.startswith(OURS)}
    own = f"TRUNKLINE_{_GROUPS.get(part.name, part.name).upper()}__"
    passed = {name: value for name, value in setup.caller.items() if name.startswith(own)}
    special = _SPECIAL.get(part.name, _nothing)(part, setup)
    host = {f"{own}HOST": LOOPBACK} if f"{own}PORT" in special else {}
    return inherited | _common(part, setup) | host | passed | special | {"PYTHONUNBUFFERED": "1"}


def chosen_model(caller: Mapping[str, str], scripted_url: str) -> dict[str, str]:
    """
    Return the OPENAI_* variables and TRUNKLINE_MODEL: the caller's choice, else the scripted model.

    A key alone is no choice, since many shells export one: it takes a model's name to spend its owner's money.
    """
    key = _given(caller, "OPENAI_API_KEY", "OPENAI_API_KEY_FILE")
    named = _given(caller, "OPENAI_BASE_URL", "TRUNKLINE_MODEL")
    base_url = _OPENAI if key and "TRUNKLINE_MODEL" in named else scripted_url
    default = {"OPENAI_BASE_URL": base_url, "TRUNKLINE_MODEL": _SCRIPTED_MODEL}
    return default | named | (key if key and named else {"OPENAI_API_KEY": _SCRIPTED_KEY})


def _common(part: Part, setup: Setup) -> dict[str, str]:
    keys = setup.home.keys
    common = {
        "TRUNKLINE_ENVIRONMENT": "local",
        "TRUNKLINE_NATS__URL": setup.nats_url,
        "TRUNKLINE_NATS__MONITOR_URL": setup.nats_monitor_url,
        "TRUNKLINE_KEYS__VAULT_FILE": str(keys / "vault"),
        "TRUNKLINE_KEYS__PEPPER_FILE": str(keys / "pepper"),
        "TRUNKLINE_KEYS__THREAD_PEPPER_FILE": str(keys / "thread-pepper"),
        "TRUNKLINE_LOG__LEVEL": setup.caller.get("TRUNKLINE_LOG__LEVEL") or "info",
    }
    common |= _given(setup.caller, "TRUNKLINE_FAULT_POINTS")
    if setup.has("console") and not _given(setup.caller, *_EXPORTS):
        receiver = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{setup.url('console-1')}/otlp/v1/traces"}
        common |= receiver | {"OTEL_BSP_SCHEDULE_DELAY": "1000"}
    if f"{part.label}/ops" in setup.ports:
        common |= {"TRUNKLINE_OPS__HOST": LOOPBACK, "TRUNKLINE_OPS__PORT": str(setup.ports[f"{part.label}/ops"])}
    if url := setup.database_urls.get(part.name):
        common |= {"TRUNKLINE_DB__URL": url} | _given(setup.caller, "TRUNKLINE_DB__POOL")
    return common


def _ingress(part: Part, setup: Setup) -> dict[str, str]:
    return {
        "TRUNKLINE_INGRESS__PORT": str(setup.ports[part.label]),
        "TWILIO_WEBHOOK_URL": setup.account["TWILIO_WEBHOOK_URL"],
    }


def _router(_part: Part, setup: Setup) -> dict[str, str]:
    return _given(setup.caller, "CHANNEL_INBOUND_RPS_BUCKET", "CHANNEL_INBOUND_RPS_WINDOW", "TRUNKLINE_BURST_LIMIT")


def _agent(_part: Part, setup: Setup) -> dict[str, str]:
    model = chosen_model(setup.caller, f"{setup.url('model-1')}/v1" if setup.has("model") else _OPENAI)
    chosen = _given(setup.caller, "TRUNKLINE_BURST_LIMIT", "TRUNKLINE_OUTBOUND__ALLOW", *_EMBEDDINGS, *_TRANSCRIPTION)
    return model | _twilio(setup) | chosen


def _egress(_part: Part, setup: Setup) -> dict[str, str]:
    return {"TWILIO_WEBHOOK_URL": setup.account["TWILIO_WEBHOOK_URL"], **_twilio(setup)}


def _twilio(setup: Setup) -> dict[str, str]:
    # Without the simulator too: that may be `trunkline sim` in another window, and nothing real is sent by accident.
    return {"TRUNKLINE_TWILIO_API_BASE": setup.caller.get("TRUNKLINE_TWILIO_API_BASE") or setup.url("simulator-1")}


def _console(part: Part, setup: Setup) -> dict[str, str]:
    served = {_short(other, setup): setup.ops_url(other) for other in setup.parts if other.name in SERVICES}
    links = {"Simulator": setup.url("simulator-1")} if setup.has("simulator") else {}
    own = {
        "TRUNKLINE_CONSOLE__PORT": str(setup.ports[part.label]),
        "TRUNKLINE_CONSOLE__SERVICES": ",".join(f"{name}={url}" for name, url in served.items()),
        "TRUNKLINE_CONSOLE__LINKS": ",".join(f"{name}={url}" for name, url in links.items()),
        "TRUNKLINE_KEYS__CONSOLE_FILE": str(setup.home.keys / "console"),
    }
    chosen = (
        "TRUNKLINE_DEFAULT_LINE_ACCESS",
        "TRUNKLINE_DEFAULT_LINE_QUIET_MS",
        "CHANNEL_PAIR_CODE_TTL_MS",
        "CHANNEL_PAIR_RATE_LIMIT",
        "TRUNKLINE_OUTBOUND__ALLOW",
    )
    return own | dict(setup.account) | _twilio(setup) | _given(setup.caller, *chosen, *_EMBEDDINGS)


def _simulator(part: Part, setup: Setup) -> dict[str, str]:
    own = {
        "TRUNKLINE_SIM__PORT": str(setup.ports[part.label]),
        "TRUNKLINE_SIM__INGRESS_URL": setup.url("ingress-1"),
        "TRUNKLINE_CONSOLE_URL": setup.url("console-1"),
    }
    model = {"TRUNKLINE_SIM__MODEL_URL": setup.url("model-1")} if setup.has("model") else {}
    return own | model | dict(setup.account)


def _model(part: Part, setup: Setup) -> dict[str, str]:
    return {"TRUNKLINE_MODEL_SERVER__PORT": str(setup.ports[part.label])}


def _nothing(_part: Part, _setup: Setup) -> dict[str, str]:
    return {}


def _short(part: Part, setup: Setup) -> str:
    alone = sum(other.name == part.name for other in setup.parts) == 1
    return part.name if alone else part.label


def _given(caller: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: caller[name] for name in names if caller.get(name)}


_EXPORTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED")
"""Who sets one of these looks at traces elsewhere, or not at all; else the console keeps them."""

_GROUPS: Mapping[str, str] = {"simulator": "sim", "model": "model_server"}
_SPECIAL: Mapping[str, Callable[[Part, Setup], dict[str, str]]] = {
    "ingress": _ingress,
    "router": _router,
    "agent": _agent,
    "egress": _egress,
    "console": _console,
    "simulator": _simulator,
    "model": _model,
}
