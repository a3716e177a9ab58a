"""Secrets for services of a tenant's own: they go in, stay until they are replaced, and never come out."""

from collections.abc import Mapping
from urllib.parse import urlsplit

Secrets = Mapping[str, str | None]
"""Secrets as they are given, by name; None takes one away."""


def staying(secrets: dict[str, str], before: str, now: str) -> dict[str, str]:
    """Return the secrets that stay when an address changes: another host is told none that it was not meant for."""
    return secrets if urlsplit(before).netloc == urlsplit(now).netloc else {}
