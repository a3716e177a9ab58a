"""A tenant's mail server, and whether it may be connected to by its looks."""

from dataclasses import dataclass
from typing import Literal

from shared.outbound.failures import HOST_REFUSED, URL_PORT, Refused
from shared.outbound.targets import Allowed, is_public_name

PORTS = {"tls": 465, "starttls": 587}


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in. `security`: TLS from the first byte, or from STARTTLS on; never none."""

    host: str
    port: int
    security: Literal["tls", "starttls"]
    username: str = ""


def check_server(server: MailServer, allowed: Allowed) -> None:
    """Raise `Refused` for a server that must not be connected to: a public host, at the port of its kind."""
    if allowed.has(server.host, server.port):
        return
    if server.port != PORTS[server.security]:
        raise Refused(URL_PORT)
    if not is_public_name(server.host):
        raise Refused(HOST_REFUSED)
