"""Where a connection is made: the host is resolved once, every address is checked, and a checked one is connected to."""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Protocol

import httpcore2

from shared.outbound.addresses import Address, is_own, is_public
from shared.outbound.failures import HOST_NOT_PUBLIC, HOST_UNKNOWN, UNREACHABLE, Refused
from shared.outbound.targets import Allowed

MOST_TRIED = 3
_RESOLVERS = 16


class Resolver(Protocol):
    """Finds a host's addresses."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return them, the best first; a link-local one may carry its zone. Raises OSError."""


class SystemResolver:
    """The machine's. Its threads are its own: a tenant's slow name server must not hold up anything else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVERS, "resolver")

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Ask the machine."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)


class CheckedDialer(httpcore2.AsyncNetworkBackend):
    """
    Connects to hosts all of whose addresses may be called.

    The connection pool goes on naming the host, so that TLS asks for it and checks its certificate.
    """

    def __init__(self, allowed: Allowed, resolver: Resolver, dialer: httpcore2.AsyncNetworkBackend) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._dialer = dialer

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to one of the host's addresses. Raises `Refused`, or as the dialer does."""
        addresses = (await checked(host, port, self._allowed, self._resolver, timeout))[:MOST_TRIED]
        share = timeout / len(addresses) if timeout is not None else None
        error: Exception = Refused(UNREACHABLE)
        for address in addresses:
            try:
                return await self._dialer.connect_tcp(str(address), port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                error = failed
        raise error


async def checked(host: str, port: int, allowed: Allowed, resolver: Resolver, timeout: float | None) -> list[Address]:
    """Return the addresses of a host, all of which may be connected to. Raises `Refused`."""
    try:
        async with asyncio.timeout(timeout):
            found = [ip_address(address) for address in await resolver.resolve(host, port)]
    except (OSError, ValueError):  # of which a time-out is one
        raise Refused(HOST_UNKNOWN) from None
    if not found:
        raise Refused(HOST_UNKNOWN)
    own = allowed.has(host, port)
    if not all(is_public(one) or (own and is_own(one, loopback=allowed.loopback)) for one in found):
        raise Refused(HOST_NOT_PUBLIC)
    return found


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
