"""Mail through tenants' servers: always by TLS, to checked addresses, and with a word for every way in which it can fail."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.forms import Form, as_mail
from shared.outbound import Allowed
from shared.outbound.mail import Mailer
from shared.outbound.mailbox import MailServer
from tests.fakes.mail import FakeMailServer, mail_server
from tests.fakes.tls import self_signed
from tests.fakes.web import FakeResolver

HOST = "mail.example.org"
OPTIONS = {"sender": "forms@example.org", "recipient": "shop@example.com"}
FIELDS = {"name": "Änn\nBcc: everybody@example.net", "email": "ann@example.net", "message": "Hi\n.\nBye\n"}
FORM = Form("form_1", "tn_one", "cv_one", FIELDS, datetime.now(UTC))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path / "certificate.pem", HOST)


@asynccontextmanager
async def serving(
    certificate: Path, *, implicit: bool = False, answers: Mapping[str, str] = {}
) -> AsyncIterator[tuple[Mailer, MailServer, FakeMailServer]]:
    """Run a mail server, and a mailer that believes it to be at a tenant's host."""
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(certificate)
    async with mail_server(own, implicit=implicit, answers=answers) as running:
        mailer = Mailer(
            Allowed.of(f"{HOST}:{running.port}", loopback=True),
            FakeResolver(otherwise=["127.0.0.1"]),
            ssl.create_default_context(cafile=str(certificate)),
            2.0,
        )
        yield mailer, MailServer(HOST, running.port, "tls" if implicit else "starttls", "me"), running


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_form_is_mailed(certificate: Path, implicit: bool) -> None:  # noqa: FBT001 - a case
    """
    The login and all that follows goes by TLS; what the visitor wrote is in the body alone.
    """
    async with serving(certificate, implicit=implicit) as (mailer, server, running):
        assert await mailer.send(server, "s3cret", as_mail(FORM, OPTIONS)) is None
    [mail] = running.mails
    assert (running.users, running.recipients) == ([("me", "s3cret")], ["shop@example.com"])
    assert (mail["From"], mail["To"], mail["Reply-To"]) == ("forms@example.org", "shop@example.com", "ann@example.net")
    assert (mail["Bcc"], mail["Message-ID"]) == (None, "<form_1@example.org>")
    assert mail.get_content().replace("\r", "") == (
        "Name: Änn\nBcc: everybody@example.net\nEmail: ann@example.net\n\nHi\n.\nBye\n"
    )
    assert set(running.plain) <= {"EHLO", "STARTTLS"}


@pytest.mark.parametrize(
    "address", ["x", "a@b", "a@example.org\nBcc: b@example.org", "a@example.org, b@example.org", ""]
)
def test_an_address_that_is_none_is_not_answered_to(address: str) -> None:
    """
    It stays in the body.
    """
    mail = as_mail(
        Form("form_1", "tn", "cv", {"name": "A", "message": "x", "email": address}, FORM.created_at), OPTIONS
    )
    assert mail["Reply-To"] is None


TROUBLE = {
    "the server is busy": ({"MAIL": "451 later"}, "mail_put_off", False),
    "the mailbox is full for now": ({"RCPT": "452 full"}, "mail_put_off", False),
    "there is no such mailbox": ({"RCPT": "550 nobody"}, "mail_refused", False),
    "it takes it for spam": ({"END": "554 spam"}, "mail_refused", False),
    "the password is wrong": ({"AUTH": "535 no"}, "mail_login", False),
    "it has no TLS": ({"EHLO": "250 mail.example.org"}, "mail_insecure", False),
    "it takes TLS back": ({"STARTTLS": "454 not now"}, "mail_put_off", False),
    "it hangs up at once": ({"EHLO": ""}, "unreachable", False),
    "it hangs up within the mail": ({"DATA": ""}, "broke_off", True),
    "it hangs up before it says that it took it": ({"END": ""}, "broke_off", True),
}


@pytest.mark.parametrize(("answers", "code", "begun"), TROUBLE.values(), ids=TROUBLE)
async def test_a_mail_that_does_not_go_says_why(
    certificate: Path,
    answers: Mapping[str, str],
    code: str,
    begun: bool,  # noqa: FBT001 - a case
) -> None:
    """
    And whether it may have arrived all the same.
    """
    async with serving(certificate, answers=answers) as (mailer, server, running):
        failure = await mailer.send(server, "s3cret", as_mail(FORM, OPTIONS))
    assert failure is not None
    assert (failure.code, failure.begun) == (code, begun)
    if code in {"mail_insecure", "unreachable"}:
        assert running.users == []


async def test_a_server_with_another_certificate_gets_no_password(certificate: Path, tmp_path: Path) -> None:
    """
    Nor the mail.
    """
    other = self_signed(tmp_path / "other.pem", "other.example.org")
    async with serving(certificate) as (mailer, server, running):
        running.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        running.tls.load_cert_chain(other)
        failure = await mailer.send(server, "s3cret", as_mail(FORM, OPTIONS))
    assert failure is not None
    assert (failure.begun, running.users, running.mails) == (False, [], [])


@pytest.mark.parametrize(
    ("server", "address", "code"),
    [
        (MailServer(HOST, 25, "starttls"), "93.184.216.34", "url_port"),
        (MailServer(HOST, 587, "tls"), "93.184.216.34", "url_port"),
        (MailServer(HOST, 6379, "tls"), "93.184.216.34", "url_port"),
        (MailServer("localhost", 587, "starttls"), "127.0.0.1", "host_refused"),
        (MailServer("127.0.0.1", 587, "starttls"), "127.0.0.1", "host_refused"),
        (MailServer("mail.svc.cluster.local", 587, "starttls"), "10.0.0.1", "host_refused"),
        (MailServer(HOST, 587, "starttls"), "10.0.0.1", "host_not_public"),
        (MailServer(HOST, 465, "tls"), "169.254.169.254", "host_not_public"),
        (MailServer(HOST, 465, "tls"), "::ffff:127.0.0.1", "host_not_public"),
    ],
)
async def test_a_mail_server_that_must_not_be_called_is_not(server: MailServer, address: str, code: str) -> None:
    """
    By the same rules as a URL: a public host's name, the port of its kind, public addresses.
    """
    failure = await Mailer(Allowed(), FakeResolver(otherwise=[address])).send(server, "x", as_mail(FORM, OPTIONS))
    assert failure is not None
    assert failure.code == code
