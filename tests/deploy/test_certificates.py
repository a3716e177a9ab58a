"""When certificates end is asked of files and of servers."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.console.gauges import certificates as of_the_console
from services.ingress.gauges import certificates as of_ingress
from shared.certificates import certificate, nats, postgres, shown_until, trusted_until
from tests.deploy.guarded import GuardedNats, make_certificates


def until(name: str) -> float:
    found = REGISTRY.get_sample_value("trunkline_certificate_expiry_timestamp_seconds", {"certificate": name})
    return math.nan if found is None else found


def in_an_hour(moment: float) -> bool:
    """The certificates of these tests end an hour after they were made."""
    return abs(moment - (datetime.now(UTC) + timedelta(hours=1)).timestamp()) < 120


async def test_ingress_measures_nats_authority_and_the_certificate_that_nats_shows(guarded_nats: GuardedNats) -> None:
    """
    The second may be older than its file: a server shows the one that it started with.
    """
    for measure in of_ingress(guarded_nats.login("ingress")):
        await measure()
    assert in_an_hour(until("nats"))
    assert in_an_hour(until("nats-server"))


def test_nats_introduces_itself_before_the_handshake(guarded_nats: GuardedNats) -> None:
    """
    And the handshake says when its certificate ends, whoever signed it.
    """
    assert in_an_hour(shown_until("127.0.0.1", guarded_nats.port, nats).timestamp())


async def test_the_console_measures_what_its_addresses_ask_for(tmp_path: Path) -> None:
    """
    Postgres' authority, Postgres' own and the webhook's; nothing where there is no TLS.
    """
    make_certificates(tmp_path / "tls")
    authority = tmp_path / "tls/ca.crt"
    address = f"postgresql://u:p@127.0.0.1:1/t?sslmode=verify-full&sslrootcert={authority}"
    shown, trusted, webhook = of_the_console(address, "https://127.0.0.1:1/webhooks/twilio")
    await trusted()
    assert in_an_hour(until("postgres"))
    for unreachable in (shown, webhook):
        with pytest.raises(OSError, match=r"."):
            await unreachable()
    assert list(of_the_console("postgresql://u:p@127.0.0.1:1/t", "http://127.0.0.1:1/webhooks/twilio")) == []


def test_a_postgres_without_tls_has_no_certificate(database_url: str) -> None:
    """
    It says so when it is asked.
    """
    port = int(database_url.rpartition(":")[2].partition("/")[0])
    with pytest.raises(ConnectionError, match="no TLS"):
        shown_until("127.0.0.1", port, postgres)


def test_the_first_authority_that_ends_counts(tmp_path: Path) -> None:
    """
    A file may hold the old one and the new one.
    """
    make_certificates(tmp_path / "tls")
    ends = trusted_until(str(tmp_path / "tls/ca.crt"))
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "tls/ca.crt").read_bytes() * 2)
    assert trusted_until(str(both)) == ends


async def test_what_can_be_told_is_asked_for_once_an_hour() -> None:
    """
    What cannot is asked for at the next scrape.
    """
    answers: list[datetime | None] = [None, datetime(2030, 1, 1, tzinfo=UTC)]

    def ends() -> datetime:
        if (answer := answers.pop(0)) is None:
            raise ConnectionError("not now")
        return answer

    measure = certificate("a test's", ends)
    with pytest.raises(ConnectionError):
        await measure()
    await measure()
    await measure()
    assert answers == []
    assert until("a test's") == datetime(2030, 1, 1, tzinfo=UTC).timestamp()
