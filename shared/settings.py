"""
Configuration, read once per process from the environment into a frozen model.

A field's place gives its variable: `nats.url` is `TRUNKLINE_NATS__URL`; a field marked with `env(...)` keeps a name of its
own (the well-known `TWILIO_*`, `OPENAI_*` and `CHANNEL_*`). Secrets may come from a file instead, named by `…_FILE`.
All faults are told at once, by variable, and never with the value.
"""

import difflib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo

from shared import keyring
from shared.keyring import KeyRing

PREFIX = "TRUNKLINE_"
_NEST = "__"
_FILE = "_FILE"
_EXIT_CONFIG = 2
_KEY = re.compile("[0-9a-fA-F]{64}")

OTHERS_PREFIXES = tuple(
    f"{PREFIX}{name}{_NEST}"
    for name in (
        "INGRESS",
        "ROUTER",
        "AGENT",
        "EGRESS",
        "CONSOLE",
        "OIDC",
        "SIM",
        "MODEL_SERVER",
        "EMBEDDINGS",
        "FALLBACK",
        "TRANSCRIPTION",
    )
)
OTHERS_NAMES = frozenset(
    f"{PREFIX}{name}"
    for name in (
        "HOME", "PORT_OFFSET", "TWILIO_API_BASE", "MODEL", "DEFAULT_LINE_ACCESS", "DEFAULT_LINE_QUIET_MS", "BURST_LIMIT", "CONSOLE_URL", "API_URL", "API_KEY",
        "DB__URL", "DB__POOL", "KEYS__CONSOLE", "OUTBOUND__ALLOW",
    )
)  # fmt: skip
"""Variables of other processes, which may share one environment with this one."""


class Group(BaseModel):
    """A group of variables."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Nats(Group):
    """Where the bus is."""

    url: str = Field(description="NATS address, such as nats://127.0.0.1:4222.")
    monitor_url: str | None = Field(
        None, description="NATS monitoring address; where given, readiness demands its sync_always."
    )
    nkey: SecretStr | None = Field(None, description="Seed of this service's nkey, where NATS asks for one.")
    ca: str | None = Field(
        None, description="File with the authority of NATS' certificate, where no public one signed it."
    )


class Database(Group):
    """Where Postgres is."""

    url: SecretStr = Field(description="Postgres connection URL.")
    pool: int = Field(10, description="Connections that this process may hold.", ge=1, le=200)


def _key(value: SecretStr) -> SecretStr:
    """Refuse at start what would otherwise fail later, without its variable's name."""
    if not _KEY.fullmatch(value.get_secret_value()):
        raise ValueError("must be 32 bytes in hexadecimal")
    return value


def _ring(value: SecretStr) -> SecretStr:
    keyring.parse(value.get_secret_value())
    return value


def _lasting_key(value: SecretStr) -> SecretStr:
    """Refuse a ring: with another pepper everybody's thread would be another one, and what waits in it be lost."""
    if ":" in value.get_secret_value():
        raise ValueError("must be one key without an id: it never rotates, since stream subjects are made with it")
    return _key(value)


Key = Annotated[SecretStr, AfterValidator(_key)]
Ring = Annotated[SecretStr, AfterValidator(_ring)]
LastingKey = Annotated[SecretStr, AfterValidator(_lasting_key)]


class Keys(Group):
    """The keys that stay outside the database, 32 bytes each in hexadecimal."""

    vault: Ring = Field(
        description="Seals secrets, numbers and texts: one key, or a ring of `ID:HEX`, the highest id seals (ADR 11)."
    )
    pepper: Ring = Field(description="Turns addresses into keys for tables: one key, or a ring, as above.")
    thread_pepper: LastingKey = Field(description="Turns addresses into thread keys: one key. Never rotates.")

    @property
    def vault_ring(self) -> KeyRing:
        """The ring that seals."""
        return keyring.parse(self.vault.get_secret_value())

    @property
    def pepper_ring(self) -> KeyRing:
        """The ring that keys addresses."""
        return keyring.parse(self.pepper.get_secret_value())

    @property
    def thread_pepper_key(self) -> bytes:
        """The one key that thread keys are made with."""
        return bytes.fromhex(self.thread_pepper.get_secret_value())


class Embeddings(Group):
    """Where knowledge gets its vectors from. Read by agent and console, which must agree."""

    model: str | None = Field(
        None, description="Model that knowledge is embedded with; unset: only words are compared."
    )
    base_url: str = Field(
        "https://api.openai.com/v1/", description="Address of the OpenAI-compatible API that has this model."
    )
    api_key: SecretStr | None = Field(None, description="Key for that API.")
    limit: float = Field(5.0, description="Seconds that it may take to answer.", gt=0)


class Ops(Group):
    """The port for probes and metrics."""

    host: str = Field("127.0.0.1", description="Address of the ops port.")
    port: int = Field(9090, description="Ops port: /healthz, /readyz, /metrics.", ge=0, le=65535)


class Log(Group):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")


def env(name: str, default: Any = ..., **constraints: Any) -> Any:  # noqa: ANN401 - stands for any field's default
    """Declare a field that is read from the variable `name` exactly."""
    return Field(default, json_schema_extra={"env": name}, **constraints)


BURST_LIMIT = env(
    "TRUNKLINE_BURST_LIMIT",
    20.0,
    ge=0,
    description="Seconds from a burst's first message during which a further one makes its turn start over; 0: never.",
)
"""Read by router and agent, which must agree."""


_PUBLIC_URL = re.compile(
    r"https?://(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~:/-]*)?(?:#.*)?", re.ASCII
)


def _public_url(raw: str) -> str:
    """Refuse what Twilio's signature would not survive: credentials, a query, signs that proxies re-encode."""
    if not _PUBLIC_URL.fullmatch(raw):
        raise ValueError("must be an http(s) address of plain signs, without credentials and query")
    return raw


PublicUrl = Annotated[str, AfterValidator(_public_url)]

WEBHOOK_URL = env(
    "TWILIO_WEBHOOK_URL",
    description="Public address that Twilio calls, fragment allowed; signatures are computed over it, whatever its path.",
)
"""Read by ingress, which verifies over it, by egress, whose callbacks follow it, and by the console, which provisions it."""


class Settings(Group):
    """What every service reads."""

    environment: Literal["local", "production"] = Field(
        "production", description="`local` allows the simulator; anywhere else start-up refuses it."
    )
    nats: Nats
    keys: Keys
    ops: Ops = Ops()
    log: Log = Log()
    fault_points: str | None = env(
        "TRUNKLINE_FAULT_POINTS",
        None,
        description="Directory of orders to die at a named place. For tests; local only.",
    )

    @model_validator(mode="after")
    def _no_fault_points_in_production(self) -> Self:
        if self.fault_points is not None and self.environment != "local":
            raise ValueError("TRUNKLINE_FAULT_POINTS is allowed only where TRUNKLINE_ENVIRONMENT is local")
        return self


class TwilioSettings(Settings):
    """What a service reads that asks Twilio."""

    twilio_api_base: str | None = env(
        "TRUNKLINE_TWILIO_API_BASE", None, description="Base address that stands for all of Twilio's. Local only."
    )

    @model_validator(mode="after")
    def _no_simulator_in_production(self) -> Self:
        if self.twilio_api_base is not None and self.environment != "local":
            raise ValueError("TRUNKLINE_TWILIO_API_BASE is allowed only where TRUNKLINE_ENVIRONMENT is local")
        return self


S = TypeVar("S", bound=Settings)


def variables(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...], FieldInfo]]:
    """Yield every variable of a settings model: its name, the path of its field, the field."""
    for name, field in model.model_fields.items():
        here = (*path, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group):
            yield from variables(field.annotation, here)
        else:
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            yield str(extra.get("env") or PREFIX + _NEST.join(here).upper()), here, field


def is_secret(field: FieldInfo) -> bool:
    """Tell whether a field holds a secret."""
    return "SecretStr" in str(field.annotation)


def from_env(model: type[S], environ: Mapping[str, str]) -> S:
    """Build the settings, or print every fault by its variable and exit with status 2."""
    settings, faults = _build(model, environ)
    if settings is None or faults:
        refuse(faults)
    return settings


def faults_of(model: type[Settings], environ: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the variables, one fault each, by their names."""
    return _build(model, environ)[1]


def _build(model: type[S], environ: Mapping[str, str]) -> tuple[S | None, list[str]]:
    faults: list[str] = []
    names = {path: name for name, path, _ in variables(model)}
    values: dict[str, Any] = {}
    for name, path, field in variables(model):
        raw = _read(name, environ, faults, secret=is_secret(field))
        if raw is not None:
            _put(values, path, raw)
        elif len(path) > 1:
            values.setdefault(path[0], {})
    faults.extend(_unknown(set(names.values()), environ))
    try:
        settings = model.model_validate(values)
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_context=False):
            path = tuple(str(step) for step in fault["loc"])
            name = next((names[path[:end]] for end in range(len(path), 0, -1) if path[:end] in names), "")
            faults.append(f"{name}: {fault['msg']}" if name else fault["msg"])
        return None, faults
    return settings, faults


def refuse(faults: list[str]) -> NoReturn:
    """Print configuration faults, one a line, and exit with status 2."""
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201 - logging is not set up yet, and this is for a person
    raise SystemExit(_EXIT_CONFIG)


def describe(settings: BaseModel) -> dict[str, str]:
    """Return every variable and its value for the start-up log, secrets only as `set` or `unset`."""
    described = {}
    for name, path, field in variables(type(settings)):
        value: Any = settings
        for step in path:
            value = getattr(value, step)
        described[name] = ("set" if value else "unset") if is_secret(field) or "_URL" in name else str(value)
    return described


def _read(name: str, environ: Mapping[str, str], faults: list[str], *, secret: bool) -> str | None:
    raw = environ.get(name)
    if raw is None and secret and (file := environ.get(name + _FILE)):
        try:
            raw = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            faults.append(f"{name}{_FILE}: {error.strerror}")
        except UnicodeDecodeError:
            faults.append(f"{name}{_FILE}: not a text file")
    return raw or None


def _put(values: dict[str, Any], path: tuple[str, ...], raw: str) -> None:
    for step in path[:-1]:
        values = values.setdefault(step, {})
    values[path[-1]] = raw


def _unknown(known: set[str], environ: Mapping[str, str]) -> Iterator[str]:
    accepted = known | OTHERS_NAMES
    near = {name.removeprefix(PREFIX): name for name in sorted(accepted)}
    for name in sorted(environ):
        bare = name.removesuffix(_FILE)
        mine = bare.startswith(PREFIX) and not any(
            bare.startswith(prefix) and not any(own.startswith(prefix) for own in known) for prefix in OTHERS_PREFIXES
        )
        if mine and bare not in accepted:
            close = difflib.get_close_matches(bare.removeprefix(PREFIX), near, n=1)
            yield f"{name}: unknown variable" + (f"; did you mean {near[close[0]]}?" if close else "")
