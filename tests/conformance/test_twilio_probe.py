"""What a probe of the public address puts on the wire, and what it makes of whatever answers there."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twilio.request_validator import RequestValidator

from shared.addresses import PERSON
from shared.channels.line_setup import Finding, Severity, Webhooks
from shared.channels.ports import Credentials
from shared.channels.whatsapp_twilio.account import Limits, WhatsAppTwilioAccount
from shared.channels.whatsapp_twilio.client import open_http
from shared.channels.whatsapp_twilio.probe import probe
from shared.ids import AccountSid
from tests.conformance.provider import BREAK, SILENCE, Provider, answer

TOKEN = Credentials(AccountSid("AC" + "a" * 32), "5ecre7" + "0" * 26)
OURS, FORBIDDEN = answer(200, b"<Response/>", "text/xml"), answer(403)
PATH = "/webhooks/twilio"


async def probed(provider: Provider, *script: bytes | str, url: str = "") -> Finding:
    """Probe the provider, or another URL, and return the one finding."""
    provider.script.extend(script)
    async with open_http(None) as http:
        account = WhatsAppTwilioAccount(http, Limits(probe=0.5), local=True)
        wanted = Webhooks(url or f"{provider.url}{PATH}#rc=5&rp=5xx")
        [finding] = await account.probe(TOKEN, wanted=wanted)
    return finding


async def test_a_gateway_that_takes_the_genuine_and_refuses_the_forged_is_fine(provider: Provider) -> None:
    """
    Both requests are the same but for their proof, and the fragment is no part of the address.
    """
    assert (await probed(provider, OURS, FORBIDDEN)).code == "probe_fine"
    genuine, forged = provider.requests
    assert (genuine.method, genuine.target, genuine.body) == ("POST", PATH, forged.body)
    validator = RequestValidator(TOKEN.secret)
    proofs = [request.headers["x-twilio-signature"] for request in (genuine, forged)]
    assert [validator.validate(provider.url + PATH, genuine.form, proof) for proof in proofs] == [True, False]


async def test_a_probe_is_a_message_for_nobody(provider: Provider) -> None:
    """
    From and to a user id that no line can have, with a SID of its own each time, and without a text.
    """
    await probed(provider, OURS, FORBIDDEN, OURS, FORBIDDEN)
    await probed(provider)
    first, second = provider.requests[0].form, provider.requests[2].form
    assert PERSON.fullmatch(first["To"])
    assert "+" not in first["To"] + first["From"]
    assert first["Body"] == ""
    assert first["MessageSid"] != second["MessageSid"]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param([answer(308, headers={"Location": "https://example.org/"})], "probe_redirected", id="redirect"),
        pytest.param([FORBIDDEN], "probe_refused", id="other-token-or-address"),
        pytest.param([answer(404)], "probe_not_found", id="other-path"),
        pytest.param([answer(502, "<html>")], "probe_failed", id="nobody-behind-the-proxy"),
        pytest.param([answer(503)], "probe_failed", id="no-bus"),
        pytest.param([answer(401)], "probe_answered_oddly", id="a-login-before-it"),
        pytest.param([answer(200, "<html>")], "probe_answered_elsewhere", id="a-web-site"),
        pytest.param([answer(200, b"<Response/> ")], "probe_answered_elsewhere", id="longer-than-ours"),
        pytest.param([answer(204)], "probe_answered_elsewhere", id="no-body"),
        pytest.param([OURS, OURS], "probe_forgery_taken", id="takes-everything"),
        pytest.param([SILENCE], "probe_unreachable_timeout", id="silence"),
        pytest.param([BREAK], "probe_unreachable_broken", id="broken"),
    ],
)
async def test_what_answers_is_known_by_its_status(script: list[bytes | str], code: str, provider: Provider) -> None:
    """
    Each with a remedy of its own, and nothing is repeated or followed.
    """
    found = await probed(provider, *script)
    assert (found.code, found.severity, found.fixable) == (code, Severity.ERROR, False)
    assert found.remedy
    assert len(provider.requests) == len(script)


async def test_a_port_where_nobody_listens_is_closed(provider: Provider) -> None:
    """
    Ingress, or what stands before it, is not started.
    """
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        found = await probed(provider, url=f"http://127.0.0.1:{unheard.getsockname()[1]}{PATH}")
    assert found.code == "probe_unreachable_closed"


def _self_signed(folder: Path) -> ssl.SSLContext:
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]),
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    ).sign(key, hashes.SHA256())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "certificate.pem"
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_a_certificate_that_nobody_trusts_is_told_so(provider: Provider, tmp_path: Path) -> None:
    """
    Twilio would not talk to it either.
    """
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0, ssl=_self_signed(tmp_path))
    async with server:
        found = await probed(provider, url=f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}{PATH}")
    assert (found.code, provider.requests) == ("probe_unreachable_tls", [])


class _Unknowing(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError(None, "no such name")

    async def close(self) -> None:
        pass


async def test_a_name_that_dns_does_not_know_is_told_so() -> None:
    """
    The likeliest fault of a fresh set-up.
    """
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=_Unknowing())) as session:
        assert (await probe(session, f"https://gateway.invalid{PATH}", TOKEN)).code == "probe_unreachable_dns"


async def test_nothing_is_sent_without_encryption_except_on_one_machine(provider: Provider) -> None:
    """
    The forms are worthless, but what is signed with the token is not for everybody's eyes.
    """
    async with open_http(None) as http:
        account = WhatsAppTwilioAccount(http)
        [found] = await account.probe(TOKEN, wanted=Webhooks(provider.url + PATH))
    assert (found.code, provider.requests) == ("probe_not_encrypted", [])
