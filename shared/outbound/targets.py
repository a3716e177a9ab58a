"""Which URLs may be called, by their looks alone: https, port 443, a public host's name."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

import httpx2

from shared.outbound.failures import (
    HOST_NOT_LISTED,
    HOST_REFUSED,
    URL_MALFORMED,
    URL_PORT,
    URL_SCHEME,
    URL_USERINFO,
    Refused,
)

_LONGEST_URL = 4096
_LONGEST_HOST = 253
_PORTS = {"https": 443, "http": 80}
_UNSEEN = re.compile(r"[\s\\\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ud800-\udfff]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NEVER_PUBLIC = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa", "onion")
_ENTRY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_MOST_PORT = 65535


@dataclass(frozen=True)
class Allowed:
    """
    Hosts that the platform, never a tenant, lets be called over http as well, at other ports, and in its own networks.

    `hosts`: by name, the ports; none: all. `loopback`: whether they may be on this very machine.
    """

    hosts: Mapping[str, frozenset[int]] = field(default_factory=dict)
    loopback: bool = False

    @classmethod
    def of(cls, text: str, *, loopback: bool = False) -> Self:
        """Read `name`, `name:port`, … Raises ValueError for anything else."""
        ports: dict[str, set[int]] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            match = _ENTRY.fullmatch(entry)
            if match is None or int(match["port"] or 1) not in range(1, _MOST_PORT + 1):
                raise ValueError("must be names with optional ports, such as model.internal:8080, separated by commas")
            named = ports.setdefault(match["host"].strip("[]").lower(), set())
            named.update({int(match["port"])} if match["port"] else range(1, _MOST_PORT + 1))
        return cls({host: frozenset(of) for host, of in ports.items()}, loopback)

    def has(self, host: str, port: int) -> bool:
        """Tell whether a host may be called so."""
        return port in self.hosts.get(host, ())

    @property
    def names_loopback(self) -> bool:
        """Tell whether a host is this machine by its very name."""
        return any(map(_is_loopback, self.hosts))


def parse(url: str, allowed: Allowed, hosts: Collection[str] | None = None) -> httpx2.URL:
    """
    Return a URL that may be called, as far as its looks tell. Raises `Refused`.

    `hosts`: where given, the only ones. Its fragment is left out; dots in its path are resolved.
    """
    if len(url) > _LONGEST_URL or _UNSEEN.search(url):
        raise Refused(URL_MALFORMED)
    try:
        authority = urlsplit(url).netloc
        parsed = httpx2.URL(url, fragment=None)
    except (httpx2.InvalidURL, ValueError):
        raise Refused(URL_MALFORMED) from None
    if "@" in authority:
        raise Refused(URL_USERINFO)
    check(parsed, allowed, hosts)
    return parsed


def check(url: httpx2.URL, allowed: Allowed, hosts: Collection[str] | None = None) -> None:
    """Raise `Refused` for a URL that must not be called, by its looks."""
    if url.scheme not in _PORTS:
        raise Refused(URL_SCHEME)
    host, port = url.raw_host.decode("ascii"), url.port if url.port is not None else _PORTS[url.scheme]
    if url.userinfo:
        raise Refused(URL_USERINFO)
    if hosts is not None and host not in hosts:
        raise Refused(HOST_NOT_LISTED)
    if allowed.has(host, port):
        return
    if url.scheme != "https":
        raise Refused(URL_SCHEME)
    if port != _PORTS["https"]:
        raise Refused(URL_PORT)
    if not is_public_name(host):
        raise Refused(HOST_REFUSED)


def is_public_name(host: str) -> bool:
    """Tell whether a name is that of a public host: no address, however it is written, and no name for inside."""
    labels = host.split(".")
    return (
        len(host) <= _LONGEST_HOST
        and len(labels) > 1
        and all(map(_LABEL.fullmatch, labels))
        and not _NUMBER.fullmatch(labels[-1])
        and not any(host.endswith(f".{inside}") for inside in _NEVER_PUBLIC)
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return bool(_NUMBER.fullmatch(host.rpartition(".")[2]))  # 127.1 and the like, however written
