"""Twilio's requests and a stranger's, byte by byte, and the answers to them."""

import asyncio
import base64
import hmac
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from urllib.parse import quote_plus

from shared.ids import AccountSid

HOST = "127.0.0.1"
PUBLIC_URL = "https://gateway.example.org/webhooks/twilio"

ACCOUNT, OTHER_ACCOUNT = AccountSid("AC" + "a" * 32), AccountSid("AC" + "b" * 32)
TOKEN, OTHER_TOKEN = "5ecre7" + "0" * 26, "07he5ecre7" + "1" * 22
SENDER, DISABLED_SENDER, OTHER_SENDER = "whatsapp:+14155238886", "whatsapp:+14155238887", "whatsapp:+14155238888"
PERSON = "whatsapp:+15550001234"

FORM_TYPE = "application/x-www-form-urlencoded"
_ANSWER_LIMIT = 30.0

Form = list[tuple[str, str]]


def sid(kind: str = "SM") -> str:
    return kind + secrets.token_hex(16)


def message(**changes: str | None) -> Form:
    """Return a message's form as WhatsApp users cause them; None leaves a field out."""
    number = sid()
    fields: dict[str, str | None] = {
        "SmsMessageSid": number,
        "NumMedia": "0",
        "ProfileName": "Test Person",
        "MessageType": "text",
        "SmsSid": number,
        "WaId": "15550001234",
        "SmsStatus": "received",
        "Body": "Hello there",
        "To": SENDER,
        "NumSegments": "1",
        "ReferralNumMedia": "0",
        "MessageSid": number,
        "AccountSid": ACCOUNT,
        "From": PERSON,
        "ApiVersion": "2010-04-01",
    }
    return [(name, value) for name, value in (fields | changes).items() if value is not None]


def report(status: str = "delivered", **changes: str | None) -> Form:
    """Return a status callback's form about a message of ours."""
    number = sid()
    fields: dict[str, str | None] = {
        "MessageSid": number,
        "SmsSid": number,
        "MessageStatus": status,
        "SmsStatus": status,
        "AccountSid": ACCOUNT,
        "From": SENDER,
        "To": PERSON,
        "ApiVersion": "2010-04-01",
        "ChannelPrefix": "whatsapp",
    }
    return [(name, value) for name, value in (fields | changes).items() if value is not None]


def encoded(form: Iterable[tuple[str, str]]) -> bytes:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in form).encode()


def signature(
    form: Iterable[tuple[str, str]], url: str = PUBLIC_URL, token: str = TOKEN, *, algorithm: str = "sha1"
) -> str:
    """Sign as Twilio documents it."""
    text = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), algorithm)).decode()


def post(
    body: bytes,
    proof: str | None = None,
    *,
    path: str = "/webhooks/twilio",
    method: str = "POST",
    drop: Iterable[str] = (),
    add: Iterable[tuple[str, str]] = (),
    **fields: str,
) -> bytes:
    """Return a request's bytes. `fields` replace standard ones, `drop` leaves them out, `add` puts others behind."""
    standard = {"Host": "gateway.example.org", "Content-Type": FORM_TYPE, "Content-Length": str(len(body))}
    standard |= {"X-Twilio-Signature": proof} if proof is not None else {}
    standard |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"{name}: {value}" for name, value in standard.items() if name not in set(drop)]
    lines += [f"{name}: {value}" for name, value in add]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1") + body


def twilio_posts(form: Form, suffix: str = "", *, url: str = PUBLIC_URL, token: str = TOKEN) -> bytes:
    """Return a genuine request, signed over the public address."""
    return post(encoded(form), signature(form, url + suffix, token), path="/webhooks/twilio" + suffix)


@dataclass(frozen=True)
class Answer:
    """What came back. Status 0: the connection ended without an answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    closed: bool = False

    @property
    def is_taken(self) -> bool:
        """Tell whether Twilio was told that all is well and that there is nothing to say."""
        return (self.status, self.headers.get("content-type"), self.body) == (200, "text/xml", b"<Response/>")


NO_ANSWER = Answer(0, closed=True)


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read one answer, and no further."""
    try:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        return NO_ANSWER
    return Answer(int(first.split()[1]), headers, body)


async def has_ended(reader: asyncio.StreamReader) -> bool:
    """Wait for the server to say more or to close; tell whether it closed."""
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        async with asyncio.timeout(_ANSWER_LIMIT):
            yield reader, writer
    finally:
        writer.close()


async def exchange(port: int, *pieces: bytes, until_closed: bool = False) -> Answer:
    """Write bytes as they are; return the answer. `until_closed` waits for the server to close behind it."""
    async with connection(port) as (reader, writer):
        with suppress(ConnectionError):  # the server may have seen enough; what it said before counts
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        answer = await read_answer(reader)
        return replace(answer, closed=await has_ended(reader)) if until_closed else answer


async def asks(port: int, path: str) -> Answer:
    """Make a plain GET, on a connection of its own."""
    return await exchange(port, f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
