"""Which IP addresses may be called. Lists of our own: the library's idea of "global" has changed between versions."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_IPV4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
"""IANA's special-purpose blocks: none of them is somebody's public server."""

_UNICAST = IPv6Network("2000::/3")
"""All that is routed. Outside are loopback, unique local, link-local and multicast addresses, and IPv4 in disguise:
mapped (::ffff:0:0/96), compatible (::/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48)."""

_IPV6 = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20"))
)
"""Within it: Teredo and other protocol assignments, documentation, 6to4, AS112, the old 6bone."""

_ISATAP = (0x00005EFE, 0x02005EFE)
"""The first half of an interface id whose second half is an IPv4 address."""

_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")))
_UNIQUE_LOCAL = IPv6Network("fc00::/7")


def is_public(address: Address) -> bool:
    """Tell whether an address is that of a public server, and holds no IPv4 address in disguise."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _IPV4)
    return (
        address.scope_id is None
        and address in _UNICAST
        and not any(address in block for block in _IPV6)
        and (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP
    )


def is_own(address: Address, *, loopback: bool) -> bool:
    """Tell whether an address is in the platform's own networks, `loopback` included or not; never link-local ones."""
    if address.is_loopback:
        return loopback
    if isinstance(address, IPv4Address):
        return any(address in block for block in _PRIVATE)
    return address.scope_id is None and address in _UNIQUE_LOCAL
