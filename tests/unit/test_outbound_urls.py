"""What the outbound guard calls and what it refuses, without a network: names are answered and connections noted by hand."""

import ssl
from collections.abc import Mapping, Sequence

import pytest

from shared.outbound import Allowed, OutboundFailure, open_guard
from tests.fakes.web import PUBLIC, FakeResolver, NotedDialer

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing is connected to; loading the trusted authorities takes a while."""

BY_LOOKS = {
    "": "url_scheme",
    "https://": "host_refused",
    "https:///path": "host_refused",
    "https:example.org": "host_refused",
    "//example.org/": "url_scheme",
    "/path": "url_scheme",
    "http://example.org/": "url_scheme",
    "HTTP://example.org/": "url_scheme",
    "ftp://example.org/": "url_scheme",
    "file:///etc/passwd": "url_scheme",
    "gopher://example.org/_x": "url_scheme",
    "data:text/plain,x": "url_scheme",
    "unix:///var/run/docker.sock": "url_scheme",
    "https+unix://x/": "url_scheme",
    "wss://example.org/": "url_scheme",
    "https://example.org:80/": "url_port",
    "https://example.org:8443/": "url_port",
    "https://example.org:22/": "url_port",
    "https://example.org:0/": "url_port",
    "https://example.org:65536/": "url_port",
    "https://example.org:-1/": "url_port",
    "https://user@example.org/": "url_userinfo",
    "https://user:secret@example.org/": "url_userinfo",
    "https://@example.org/": "url_userinfo",
    "https://example.org@169.254.169.254/": "url_userinfo",
    "https://example.org%40evil.example.com@127.0.0.1/": "url_userinfo",
    "https://example.org\\@127.0.0.1/": "url_malformed",
    "https://example.org\\.evil.example.com/": "url_malformed",
    "https://example .org/": "url_malformed",
    "https://example.org\n.evil.example.com/": "url_malformed",
    "https://example.org/\r\nHost: evil": "url_malformed",
    "https://example.org\t/": "url_malformed",
    "https://exa\u200bmple.org/": "url_malformed",
    "https://example.org\u202e/": "url_malformed",
    "https://\ud800.example.org/": "url_malformed",
    "https://example.org/" + "x" * 5000: "url_malformed",
    "https://127.0.0.1/": "host_refused",
    "https://127.1/": "host_refused",
    "https://127.0.0.1./": "host_refused",
    "https://2130706433/": "host_refused",
    "https://0x7f000001/": "host_refused",
    "https://0x7f.0.0.1/": "host_refused",
    "https://0177.0.0.1/": "url_malformed",
    "https://017700000001/": "host_refused",
    "https://10.0.0.0x1/": "host_refused",
    "https://example.0x/": "host_refused",
    "https://169.254.169.254/latest/meta-data/": "host_refused",
    "https://93.184.216.34/": "host_refused",
    "https://[::1]/": "host_refused",
    "https://[::]/": "host_refused",
    "https://[::ffff:127.0.0.1]/": "host_refused",
    "https://[fe80::1%25eth0]/": "host_refused",
    "https://[64:ff9b::7f00:1]/": "host_refused",
    "https://[::1": "url_malformed",
    "https://[v1.x]/": "url_malformed",
    "https://localhost/": "host_refused",
    "https://LOCALHOST/": "host_refused",
    "https://localhost./": "host_refused",
    "https://app.localhost/": "host_refused",
    "https://metadata/": "host_refused",
    "https://metadata.google.internal/": "host_refused",
    "https://postgres.default.svc.cluster.local/": "host_refused",
    "https://router.lan/": "host_refused",
    "https://nas.home.arpa/": "host_refused",
    "https://abc.onion/": "host_refused",
    "https://example.org./": "host_refused",
    "https://example..org/": "host_refused",
    "https://.example.org/": "host_refused",
    "https://-example.org/": "host_refused",
    "https://example-.org/": "host_refused",
    "https://%6cocalhost/": "host_refused",
    "https://example.org%00.evil.example.com/": "host_refused",
    "https://example.org%2f@evil/": "url_userinfo",
    "https://" + "a" * 64 + ".example.org/": "host_refused",
    "https://" + "a." * 130 + "org/": "host_refused",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/": "url_malformed",
    "https://１２７.0.0.1/": "url_malformed",
    "https://127。0。0。1/": "host_refused",
    "https://localhost。/": "host_refused",
    "https://exampⅼe.org/": "url_malformed",
    "https://*.example.org/": "host_refused",
    "https://example.org;evil.example.com/": "host_refused",
    "https://example.org,evil.example.com/": "host_refused",
}

BY_ADDRESS: Mapping[str, Sequence[str]] = {
    "loopback": ["127.0.0.1"],
    "loopback elsewhere": ["127.8.8.8"],
    "this network": ["0.0.0.0"],
    "private 10": ["10.1.2.3"],
    "private 172": ["172.31.255.255"],
    "private 192": ["192.168.1.1"],
    "carrier-grade": ["100.64.0.1"],
    "carrier-grade, its end": ["100.127.255.255"],
    "metadata": ["169.254.169.254"],
    "protocol assignments": ["192.0.0.170"],
    "documentation": ["192.0.2.1"],
    "6to4 relay": ["192.88.99.1"],
    "benchmarks": ["198.19.0.1"],
    "multicast": ["224.0.0.1"],
    "reserved": ["240.0.0.1"],
    "broadcast": ["255.255.255.255"],
    "v6 loopback": ["::1"],
    "v6 unspecified": ["::"],
    "v6 unique local": ["fd00::1"],
    "v6 link-local": ["fe80::1"],
    "v6 link-local with its zone": ["fe80::1%eth0"],
    "v6 global with a zone": ["2606:4700::1%eth0"],
    "v6 site-local": ["fec0::1"],
    "v6 multicast": ["ff02::1"],
    "v6 documentation": ["2001:db8::1"],
    "v6 newer documentation": ["3fff::1"],
    "v6 segment routing": ["5f00::1"],
    "mapped loopback": ["::ffff:127.0.0.1"],
    "mapped public": [f"::ffff:{PUBLIC}"],
    "compatible loopback": ["::127.0.0.1"],
    "NAT64": ["64:ff9b::10.0.0.1"],
    "NAT64, local": ["64:ff9b:1::10.0.0.1"],
    "6to4": ["2002:7f00:1::1"],
    "Teredo": ["2001:0:53aa:64c::1"],
    "ISATAP": ["2606:4700::5efe:10.0.0.1"],
    "discard": ["100::1"],
    "one good, one bad": [PUBLIC, "10.0.0.1"],
    "one bad, one good": ["::1", PUBLIC],
}


async def called(url: str, resolver: FakeResolver, allowed: Allowed = Allowed()) -> tuple[str, NotedDialer]:  # noqa: B008
    """Call a URL; return why it failed, and what was connected to for it."""
    dialer = NotedDialer()
    async with open_guard(allowed, resolver=resolver, dialer=dialer, tls=NO_TLS) as guard:
        came = await guard.ask("GET", url)
    assert isinstance(came, OutboundFailure)
    assert "example" not in came.words
    return came.code, dialer


@pytest.mark.parametrize(("url", "code"), BY_LOOKS.items(), ids=map(ascii, BY_LOOKS))
async def test_a_url_that_must_not_be_called_is_refused_by_its_looks(url: str, code: str) -> None:
    """
    Not even its name is resolved.
    """
    resolver = FakeResolver()
    refused, dialer = await called(url, resolver)
    assert (refused, resolver.asked, dialer.dialled) == (code, [], [])


@pytest.mark.parametrize("addresses", BY_ADDRESS.values(), ids=BY_ADDRESS)
async def test_a_host_with_any_address_that_is_not_public_is_not_connected_to(addresses: Sequence[str]) -> None:
    """
    Whichever address comes first, and however an IPv4 address is dressed up.
    """
    refused, dialer = await called("https://example.org/", FakeResolver(otherwise=addresses))
    assert (refused, dialer.dialled) == ("host_not_public", [])


async def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to() -> None:
    """
    A second answer, a private address, is never asked for.
    """
    resolver = FakeResolver({"example.org": [[PUBLIC], ["127.0.0.1"]]})
    refused, dialer = await called("https://example.org/", resolver)
    assert (refused, resolver.asked, dialer.dialled) == ("unreachable", ["example.org"], [(PUBLIC, 443)])
    refused, dialer = await called("https://example.org/", resolver)
    assert (refused, dialer.dialled) == ("host_not_public", [])


@pytest.mark.parametrize("addresses", [[], ["nonsense"]])
async def test_a_name_without_an_address_is_unknown(addresses: Sequence[str]) -> None:
    """
    Nor is what is no address.
    """
    assert (await called("https://example.org/", FakeResolver(otherwise=addresses)))[0] == "host_unknown"


async def test_a_hosts_further_addresses_are_tried() -> None:
    """
    Three at most.
    """
    addresses = [PUBLIC, "2606:4700::1", "93.184.216.35", "93.184.216.36"]
    refused, dialer = await called("https://example.org/", FakeResolver(otherwise=addresses))
    assert (refused, [host for host, _ in dialer.dialled]) == ("unreachable", addresses[:3])


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://EXAMPLE.org:443/a?b=c#d", "example.org"),
        ("https://bücher.example.org/", "xn--bcher-kva.example.org"),
        ("https://xn--bcher-kva.example.org/", "xn--bcher-kva.example.org"),
        ("https://a_b.example.org/ä", "a_b.example.org"),
    ],
)
async def test_a_public_hosts_url_is_called(url: str, host: str) -> None:
    """
    A name in other letters goes by what the name servers call it, and so through the same checks.
    """
    resolver = FakeResolver()
    refused, dialer = await called(url, resolver)
    assert (refused, resolver.asked, dialer.dialled) == ("unreachable", [host], [(PUBLIC, 443)])


async def test_where_hosts_are_listed_no_other_is_called() -> None:
    """
    Neither a part of its name nor a name beneath it will do.
    """
    resolver = FakeResolver()
    async with open_guard(Allowed(), resolver=resolver, dialer=NotedDialer(), tls=NO_TLS) as guard:
        for other in ("evil.example.com", "a.example.org", "org", "xample.org", "example.org.evil.example.com"):
            came = await guard.ask("GET", f"https://{other}/", hosts={"example.org"})
            assert isinstance(came, OutboundFailure)
            assert came.code == "host_not_listed"
        assert resolver.asked == []
        await guard.ask("GET", "https://example.org/", hosts={"example.org"})
        assert resolver.asked == ["example.org"]


HERE = Allowed.of("localhost:8090, model.corp", loopback=True)


@pytest.mark.parametrize(
    ("url", "address", "code"),
    [
        ("http://localhost:8090/", "127.0.0.1", "unreachable"),
        ("https://localhost:8090/", "::1", "unreachable"),
        ("http://model.corp:9000/", "10.0.0.1", "unreachable"),
        ("http://model.corp/", "fd00::1", "unreachable"),
        ("http://localhost:8091/", "127.0.0.1", "url_scheme"),
        ("http://a.model.corp/", "10.0.0.1", "url_scheme"),
        ("https://other.corp/", "10.0.0.1", "host_not_public"),
        ("http://model.corp/", "169.254.169.254", "host_not_public"),
        ("http://model.corp/", "0.0.0.0", "host_not_public"),
        ("http://model.corp/", "::ffff:10.0.0.1", "host_not_public"),
        ("http://user@model.corp/", "10.0.0.1", "url_userinfo"),
    ],
)
async def test_what_the_platform_allows_is_called_in_its_own_networks_too(url: str, address: str, code: str) -> None:
    """
    By this very name and port, over http as well; but nowhere else, and never link-local.
    """
    assert (await called(url, FakeResolver(otherwise=[address]), HERE))[0] == code


async def test_an_allowed_name_is_not_on_this_machine_unless_that_is_allowed() -> None:
    """
    In production a name that resolves to loopback is refused, whatever the list says.
    """
    refused, _ = await called("http://model.corp/", FakeResolver(otherwise=["127.0.0.1"]), Allowed.of("model.corp"))
    assert refused == "host_not_public"
