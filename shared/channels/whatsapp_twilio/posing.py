"""
Calls our own webhooks through their public address, signed as Twilio signs.

Of what answers, only its status is kept, and whether the body is ours. It is sent to whatever the platform's own setting
names, private addresses included: behind a split DNS that is where the public name leads.
"""

import base64
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlencode

import aiohttp

from shared.channels.whatsapp_twilio.signature import SIGNATURE_HEADER, form_text

_OURS: Final = b"<Response/>"
_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": "trunkline-probe"}

Form = Sequence[tuple[str, str]]


@asynccontextmanager
async def open_session(seconds: float) -> AsyncIterator[aiohttp.ClientSession]:
    """Hold a session that knows no proxy and no cookies. `seconds`: for each request, its answer included."""
    limit = aiohttp.ClientTimeout(total=seconds)
    async with aiohttp.ClientSession(
        timeout=limit, headers=_HEADERS, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


def message_form(*, account: str, sid: str, sender: str, to: str, text: str) -> Form:
    """Return a message's form, as far as ingress looks at it."""
    return [
        ("AccountSid", account),
        ("Body", text),
        ("From", sender),
        ("MessageSid", sid),
        ("NumMedia", "0"),
        ("SmsStatus", "received"),
        ("To", to),
    ]


async def post(session: aiohttp.ClientSession, url: str, form: Form, token: str) -> tuple[int, bool]:
    """
    Post once, signed with a token; follow nowhere. Return the status, and whether the body is ours.

    Raises what aiohttp does, TimeoutError, OSError, and ValueError for an address that is none.
    """
    proof = hmac.digest(token.encode(), (url + form_text(form)).encode(), "sha1")
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        SIGNATURE_HEADER: base64.b64encode(proof).decode(),
    }
    async with session.post(url, data=urlencode(form), headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.content.read(len(_OURS) + 1) == _OURS
