"""Loopback ports that a server can keep over its restarts."""

import random
import socket

LOOPBACK = "127.0.0.1"

# Below the ephemeral range (from 32768 on Linux): no outgoing connection ever takes such a port while its server is down.
_LOWEST, _HIGHEST = 20_000, 32_767

_given: set[int] = set()
_chance = random.SystemRandom()
"""Of the machine's: whoever seeds the common one, as property tests do, would pick the same ports in two processes."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: only a listener is in the way
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a free loopback port outside the ephemeral range, and never the same one twice in a process."""
    while True:
        port = _chance.randint(_LOWEST, _HIGHEST)
        if port not in _given and is_free(port):
            _given.add(port)
            return port
