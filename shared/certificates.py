"""When certificates end: those that we trust, by their file, and those that servers show, by a handshake."""

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from cryptography import x509

from shared.metrics import CERTIFICATE_EXPIRY

_LOOK_EVERY = 3600.0
"""Seconds for which an answer holds: certificates are renewed weeks before their end."""

_SECONDS = 1.5
_POSTGRES_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""PostgreSQL's protocol, "SSLRequest": its length and its code."""

Opening = Callable[[socket.socket], None]
"""What is said on a connection before its handshake."""


def tls_at_once(_: socket.socket) -> None:
    """Say nothing, as in HTTPS."""


def nats(connection: socket.socket) -> None:
    """Let NATS introduce itself, which it does in one line before it waits for the handshake."""
    while connection.recv(1) not in {b"\n", b""}:
        pass


def postgres(connection: socket.socket) -> None:
    """Ask Postgres for TLS. Raises ConnectionError where it has none."""
    connection.sendall(_POSTGRES_SSL_REQUEST)
    if connection.recv(1) != b"S":
        raise ConnectionError("no TLS")


def trusted_until(file: str) -> datetime:
    """Return when the first of the authorities in a file ends. Raises OSError, ValueError."""
    return min(it.not_valid_after_utc for it in x509.load_pem_x509_certificates(Path(file).read_bytes()))


def shown_until(host: str, port: int, opening: Opening = tls_at_once) -> datetime:
    """
    Return when the certificate ends that a server shows.

    It is looked at and not checked, and nothing is sent: one that has ended is the one to be told of. Raises OSError.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, port), timeout=_SECONDS) as connection:
        opening(connection)
        with context.wrap_socket(connection, server_hostname=host) as secured:
            shown = secured.getpeercert(binary_form=True)
    if shown is None:
        raise ConnectionError("no certificate")
    return x509.load_der_x509_certificate(shown).not_valid_after_utc


def certificate(name: str, until: Callable[[], datetime]) -> Callable[[], Awaitable[None]]:
    """Return what measures a certificate's end, once an hour; one that cannot be told now is asked for again."""
    due = float("-inf")

    async def measure() -> None:
        nonlocal due
        if time.monotonic() >= due:
            CERTIFICATE_EXPIRY.labels(name).set((await asyncio.to_thread(until)).timestamp())
            due = time.monotonic() + _LOOK_EVERY

    return measure
