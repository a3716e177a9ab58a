"""Ingress' variables."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.settings import Group, Settings, env

_PUBLIC_URL = re.compile(
    r"https?://(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~:/-]*)?(?:#.*)?", re.ASCII
)


def _public_url(raw: str) -> str:
    """Refuse what Twilio's signature would not survive: credentials, a query, signs that proxies re-encode."""
    if not _PUBLIC_URL.fullmatch(raw):
        raise ValueError("must be an http(s) address of plain signs, without credentials and query")
    return raw


class Ingress(Group):
    """Ingress' own."""

    host: str = Field("127.0.0.1", description="Address of the webhook port.")
    port: int = Field(8080, description="Webhook port.", ge=0, le=65535)


class IngressSettings(Settings):
    """What ingress reads."""

    ingress: Ingress = Ingress()
    webhook_url: Annotated[str, AfterValidator(_public_url)] = env(
        "TWILIO_WEBHOOK_URL",
        description="Public address that Twilio calls, fragment allowed; signatures are computed over it, whatever its path.",
    )
