"""Where a tenant's products, listings and orders come from, and what makes a definition of it fit for use."""

from collections.abc import Mapping
from typing import Final

import orjson

from shared.actions import Unfit
from shared.actions.templates import UrlTemplate
from shared.outbound import Allowed, Refused, parse
from shared.outbound.guard import may_be_sent
from shared.store.sealed import SOURCE_SECRETS
from shared.vault import Vault

KINDS: Final = ("product", "listing", "order")
ORIGINS: Final = ("upload", "feed", "woocommerce", "endpoint")
"""A file that is sent; one that is fetched; a shop's REST API; for orders, a service of the tenant's that is asked each time."""

FETCHED: Final = {"feed": frozenset(KINDS), "woocommerce": frozenset({"product"})}
"""What is fetched from time to time, by where it comes from."""

LIVE: Final = {"woocommerce": frozenset({"order"}), "endpoint": frozenset({"order"})}
"""What is asked when somebody wants to know, and not kept."""

WOOCOMMERCE_SECRETS: Final = frozenset({"consumer_key", "consumer_secret"})
_OURS = frozenset({"accept", "content-type", "idempotency-key"})
_MOST_HEADERS, _LONGEST_HEADERS = 20, 4096


def check_source(origin: str, kind: str, url: str, secrets: Mapping[str, str], allowed: Allowed) -> None:
    """Raise Unfit for a source that cannot be used. `secrets`: of a shop its key, else headers."""
    if kind not in FETCHED.get(origin, frozenset()) | LIVE.get(origin, frozenset()):
        raise Unfit(f"origin: {kind} cannot come from there.")
    try:
        parse(url, allowed)
    except Refused as refused:
        raise Unfit(f"url: {refused.failure.words}") from None
    if origin == "endpoint" and UrlTemplate(url).names:
        raise Unfit("url: takes no placeholders.")
    if origin == "woocommerce":
        if secrets.keys() != WOOCOMMERCE_SECRETS or not all(map(_is_key, secrets.values())):
            raise Unfit("secrets: a shop has a consumer_key and a consumer_secret.")
    elif not _are_headers(secrets):
        raise Unfit("secrets: one of these headers may not be sent, or not with this value.")


def seal_source(vault: Vault, tenant: str, source: str, secrets: Mapping[str, str]) -> bytes | None:
    """Seal a source's secrets for its row."""
    return vault.seal(orjson.dumps(dict(secrets)), SOURCE_SECRETS.at(tenant, source)) if secrets else None


def open_source(vault: Vault, tenant: str, source: str, sealed: bytes | None) -> dict[str, str]:
    """Undo `seal_source`. Raises as the vault does."""
    return dict(orjson.loads(vault.open(sealed, SOURCE_SECRETS.at(tenant, source)))) if sealed else {}


def _is_key(value: str) -> bool:
    return value.isascii() and value.isprintable() and ":" not in value and " " not in value and bool(value)


def _are_headers(secrets: Mapping[str, str]) -> bool:
    return (
        len({name.lower() for name in secrets}) == len(secrets) <= _MOST_HEADERS
        and sum(map(len, secrets.values())) <= _LONGEST_HEADERS
        and all(may_be_sent(name, value) and name.lower() not in _OURS for name, value in secrets.items())
    )
