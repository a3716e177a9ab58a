"""Prints `docs/configuration.md` from the services' settings: `python -m dev.configuration > docs/configuration.md`."""

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from services.agent.settings import AgentSettings
from services.console.settings import ConsoleSettings
from services.egress.settings import EgressSettings
from services.ingress.settings import IngressSettings
from services.router.settings import RouterSettings
from shared.settings import Settings, is_secret, variables

SERVICES: dict[str, type[Settings]] = {
    "ingress": IngressSettings,
    "router": RouterSettings,
    "agent": AgentSettings,
    "egress": EgressSettings,
    "console": ConsoleSettings,
}

_HEAD = """# Configuration

Every variable, made from the services' settings. A secret may come from a file instead, named by the variable with `_FILE`
at its end. A service that is started with a wrong, missing or misspelt variable names all of them and ends with status 2.
Traces are exported where `OTEL_EXPORTER_OTLP_ENDPOINT` is set.
"""


def reference() -> str:
    """Return the page."""
    shared = [set(_rows(model)) for model in SERVICES.values()]
    everywhere = set.intersection(*shared)
    tables = [_table("Every service", [row for row in _rows(Settings) if row in everywhere])]
    for name, model in SERVICES.items():
        tables.append(_table(name.capitalize(), [row for row in _rows(model) if row not in everywhere]))
    return "\n".join([_HEAD, *tables])


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    lines = [f"| `{name}` | {default} | {meaning} |" for name, default, meaning in rows]
    return "\n".join([f"## {title}", "", "| Variable | Default | Meaning |", "|---|---|---|", *lines, ""])


def _rows(model: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    for name, _, field in variables(model):
        if field.default is PydanticUndefined:
            default = "required"
        elif isinstance(field.default, tuple):
            default = f"`{','.join(f'{item:g}' for item in field.default)}`"
        else:
            default = f"`{field.default}`" if field.default not in (None, {}) else "unset"
        yield name, default, (field.description or "") + (" Secret." if is_secret(field) else "")


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - printing is its work
