"""What a server is, and which of its tools can be offered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from shared.actions import Parameters, Unfit
from shared.outbound import Allowed, Refused, parse
from shared.outbound.guard import may_be_sent
from shared.store.sealed import MCP_HEADERS
from shared.vault import Vault

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_OFFERED_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_DESCRIPTION = 1000
_MOST_TOOLS, _MOST_HEADERS = 32, 20
_OURS = frozenset({"accept", "content-type", "mcp-protocol-version", "mcp-session-id", "last-event-id"})
_ORNAMENTS = frozenset({"$schema", "$comment", "title", "default", "examples", "deprecated"})
"""What a schema may say that restricts nothing."""

_NULL = {"type": "null"}


@dataclass(frozen=True)
class Server:
    """A server of a tenant's. `name`: what its tools' names begin with. `tools`: the only ones. `headers`: secret."""

    name: str
    url: str
    tools: tuple[str, ...]
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, row: Mapping[str, Any], headers: Mapping[str, str]) -> Self:
        """Read a definition as its row, or the API, holds it. Raises Unfit."""
        if not _NAME.fullmatch(row["name"]):
            raise Unfit("name: of at most 31 small letters, digits and _.")
        if len(row["tools"]) > _MOST_TOOLS or not all(map(_TOOL_NAME.fullmatch, row["tools"])):
            raise Unfit(f"tools: at most {_MOST_TOOLS} names of the server's tools.")
        if len(headers) > _MOST_HEADERS or len({name.lower() for name in headers}) < len(headers):
            raise Unfit(f"headers: at most {_MOST_HEADERS}, each once.")
        if not all(may_be_sent(name, value) and name.lower() not in _OURS for name, value in headers.items()):
            raise Unfit("headers: one of them may not be sent, or not with this value.")
        return cls(row["name"], row["url"], tuple(row["tools"]), headers)

    def check_url(self, allowed: Allowed) -> None:
        """Raise Unfit for a server that must not be called, by the looks of its address."""
        try:
            parse(self.url, allowed)
        except Refused as refused:
            raise Unfit(f"url: {refused.failure.words}") from None


@dataclass(frozen=True)
class RemoteTool:
    """
    A tool as a server describes it. `offered`: its name to models.

    `side_effect`: something may happen through it; so it is unless the server says that it only reads. `idempotent`: the
    server says that to repeat it changes nothing more.
    """

    name: str
    offered: str
    description: str
    parameters: Parameters
    side_effect: bool
    idempotent: bool


@dataclass(frozen=True)
class LeftOut:
    """A tool that is not offered, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Listed:
    """A server's tools. `left_out`: those that are wanted or there, but not both and fit."""

    tools: tuple[RemoteTool, ...]
    left_out: tuple[LeftOut, ...]


def sorted_out(server: Server, described: Mapping[str, Mapping[str, Any]]) -> Listed:
    """Return which of a server's tools can be offered. `described`: their descriptions on the wire, by name."""
    tools, left_out = (
        [],
        [LeftOut(name, "The server has no such tool.") for name in server.tools if name not in described],
    )
    for name, told in described.items():
        try:
            tools.append(_tool(server, name, told))
        except Unfit as unfit:
            left_out.append(LeftOut(name, str(unfit)))
    return Listed(tuple(tools), tuple(left_out))


def _tool(server: Server, name: str, told: Mapping[str, Any]) -> RemoteTool:
    offered = f"{server.name}_{name}"
    if name not in server.tools:
        raise Unfit("It is not among the tools that may be used.")
    if not _OFFERED_NAME.fullmatch(offered):
        raise Unfit("Its name is too long, or has signs that models cannot say.")
    hints = told.get("annotations") or {}
    reads = hints.get("readOnlyHint") is True
    return RemoteTool(
        name,
        offered,
        (told.get("description") or name)[:_LONGEST_DESCRIPTION],
        Parameters(plain(told.get("inputSchema") or {})),
        side_effect=not reads,
        idempotent=hints.get("idempotentHint") is True,
    )


def plain(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a schema without what restricts nothing; what may be null need not be there instead."""
    if not isinstance(schema, dict):
        return schema
    told = {name: value for name, value in schema.items() if name not in _ORNAMENTS}
    for word in ("anyOf", "oneOf"):
        choices = [it for it in told.get(word, ()) if it != _NULL]
        if len(choices) == 1 and isinstance(choices[0], dict):
            told = {**{name: value for name, value in told.items() if name != word}, **plain(choices[0])}
    if isinstance(told.get("type"), list):
        kinds = [kind for kind in told["type"] if kind != "null"]
        told["type"] = kinds[0] if len(kinds) == 1 else kinds
    if isinstance(told.get("properties"), dict):
        told["properties"] = {name: plain(inner) for name, inner in told["properties"].items()}
    return {**told, "items": plain(told["items"])} if "items" in told else told


def seal_headers(vault: Vault, tenant: str, server: str, headers: Mapping[str, str]) -> bytes | None:
    """Seal a server's secret headers for its row."""
    return vault.seal(orjson.dumps(dict(headers)), MCP_HEADERS.at(tenant, server)) if headers else None


def open_headers(vault: Vault, tenant: str, server: str, sealed: bytes | None) -> dict[str, str]:
    """Undo `seal_headers`. Raises as the vault does."""
    return dict(orjson.loads(vault.open(sealed, MCP_HEADERS.at(tenant, server)))) if sealed else {}
