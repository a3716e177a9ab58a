"""What an action is, and what makes a definition fit for use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import orjson

from shared.actions.mapping import check_paths
from shared.actions.parameters import SCALARS, Parameters, Unfit
from shared.actions.templates import SYSTEM, UrlTemplate, system_only
from shared.outbound import Allowed, Refused, parse
from shared.outbound.guard import may_be_sent
from shared.store.sealed import ACTION_HEADERS
from shared.vault import Vault

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
RESERVED: Final = frozenset({"contact_form", "find_listing", "find_product", "order_status", "semantic_search"})
"""Names of tools of our own."""

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
_OURS = frozenset({"accept", "content-type", "idempotency-key"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MOST_HEADERS = 20
_LONGEST_HEADERS = 4096


@dataclass(frozen=True)
class Identity:
    """Whose call it is, by ids. `contact`, `user`: empty where there is none."""

    tenant: str
    contact: str = ""
    user: str = ""

    @property
    def values(self) -> dict[str, str]:
        """The facts as placeholders name them."""
        return {"sys.tenant": self.tenant, "sys.contact": self.contact, "sys.user": self.user}


@dataclass(frozen=True)
class Action:
    """
    A tool of a tenant's own. Made by `of`, which raises `Unfit`.

    `side_effect`: something happens through it, so it happens once. `idempotent`: the service knows a repeated
    Idempotency-Key, so that a call whose outcome is unknown may be repeated.
    """

    name: str
    description: str
    parameters: Parameters
    method: str
    url: UrlTemplate
    headers: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    results: tuple[str, ...]
    side_effect: bool
    idempotent: bool

    @classmethod
    def of(cls, row: Mapping[str, Any], secrets: Mapping[str, str]) -> Self:
        """Read a definition as its row, or the API, holds it. Raises Unfit."""
        name, method = row["name"], row["method"]
        if not _NAME.fullmatch(name) or name in RESERVED:
            raise Unfit("name: of small letters, digits and _, and none of our own tools'.")
        if method not in METHODS:
            raise Unfit(f"method: one of {', '.join(METHODS)}.")
        headers = {header: system_only(value, "headers") for header, value in row["headers"].items()}
        _check_headers(headers, secrets)
        parameters, url = Parameters(row["parameters"]), UrlTemplate(row["url"])
        _check_placeholders(parameters, url)
        return cls(
            name,
            row["description"],
            parameters,
            method,
            url,
            headers,
            secrets,
            check_paths(row["results"]),
            row["side_effect"],
            row["idempotent"],
        )

    def check_host(self, allowed: Allowed) -> str:
        """Return the host that is called. Raises Unfit where it must not be, by its looks."""
        try:
            return parse(self.url.origin, allowed).raw_host.decode()
        except Refused as refused:
            raise Unfit(f"url: {refused.failure.words}") from None


def seal_secrets(vault: Vault, tenant: str, action: str, secrets: Mapping[str, str]) -> bytes | None:
    """Seal an action's secret headers for its row."""
    return vault.seal(orjson.dumps(dict(secrets)), ACTION_HEADERS.at(tenant, action)) if secrets else None


def open_secrets(vault: Vault, tenant: str, action: str, sealed: bytes | None) -> dict[str, str]:
    """Undo `seal_secrets`. Raises as the vault does."""
    return dict(orjson.loads(vault.open(sealed, ACTION_HEADERS.at(tenant, action)))) if sealed else {}


def _check_headers(headers: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    names = [name.lower() for name in (*headers, *secrets)]
    if len(set(names)) < len(names) or _OURS & set(names):
        raise Unfit(f"headers: each once, and not {', '.join(sorted(_OURS))}.")
    both = {**headers, **secrets}
    if len(names) > _MOST_HEADERS or sum(map(len, both.values())) > _LONGEST_HEADERS:
        raise Unfit(f"headers: at most {_MOST_HEADERS}, of {_LONGEST_HEADERS} signs in all.")
    for name, value in both.items():
        if not may_be_sent(name, value):
            raise Unfit("headers: one of them may not be sent, or not with this value.")


def _check_placeholders(parameters: Parameters, url: UrlTemplate) -> None:
    arguments = url.names - SYSTEM
    if any(parameters.type_of(name) not in SCALARS for name in arguments):
        raise Unfit("url: a placeholder is no declared argument of a simple type.")
    if (url.in_path & arguments) - parameters.required:
        raise Unfit("url: an argument that stands in the path has to be required.")
