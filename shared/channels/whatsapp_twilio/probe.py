"""
Calls our own webhook through its public address, as Twilio would: signed, and once more with a wrong signature.

Of what answers, only its status is kept, and whether the body is ours. It is sent to whatever the platform's own setting
names, private addresses included: behind a split DNS that is where the public name leads.
"""

import base64
import hmac
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlencode

import aiohttp

from shared.channels.line_setup import Finding
from shared.channels.ports import Credentials
from shared.channels.whatsapp_twilio.probe_findings import about_answer, about_failure, about_forgery
from shared.channels.whatsapp_twilio.signature import SIGNATURE_HEADER, form_text

NOBODY: Final = "whatsapp:ZZ.TrunklineProbe"
"""A user id: a line has a number, so none of ours answers on it, and no country is called ZZ."""

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


async def probe(session: aiohttp.ClientSession, url: str, token: Credentials) -> Finding:
    """Post twice; return what is to be said of it. `token`: the account, and the auth token that signs its webhooks."""
    form = _form(token.account_sid)
    try:
        if wrong := about_answer(*await _post(session, url, form, token.secret)):
            return wrong
        status, _ = await _post(session, url, form, secrets.token_hex(16))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return about_failure(error)
    return about_forgery(status)


def _form(account: str) -> Form:
    """Return a message's form, as far as ingress looks at it."""
    sid = f"SM{secrets.token_hex(16)}"
    return [
        ("AccountSid", account),
        ("Body", ""),
        ("From", NOBODY),
        ("MessageSid", sid),
        ("NumMedia", "0"),
        ("SmsStatus", "received"),
        ("To", NOBODY),
    ]


async def _post(session: aiohttp.ClientSession, url: str, form: Form, token: str) -> tuple[int, bool]:
    """Post once, signed with a token; follow nowhere. Return the status, and whether the body is ours."""
    proof = hmac.digest(token.encode(), (url + form_text(form)).encode(), "sha1")
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        SIGNATURE_HEADER: base64.b64encode(proof).decode(),
    }
    async with session.post(url, data=urlencode(form), headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.content.read(len(_OURS) + 1) == _OURS
