"""Calls our own webhook through its public address, as Twilio would: signed, and once more with a wrong signature."""

import secrets
from typing import Final

import aiohttp

from shared.channels.line_setup import Finding
from shared.channels.ports import Credentials
from shared.channels.whatsapp_twilio.posing import message_form, post
from shared.channels.whatsapp_twilio.probe_findings import about_answer, about_failure, about_forgery

NOBODY: Final = "whatsapp:ZZ.TrunklineProbe"
"""A user id: a line has a number, so none of ours answers on it, and no country is called ZZ."""


async def probe(session: aiohttp.ClientSession, url: str, token: Credentials) -> Finding:
    """Post twice; return what is to be said of it. `token`: the account, and the auth token that signs its webhooks."""
    sid = f"SM{secrets.token_hex(16)}"
    form = message_form(account=token.account_sid, sid=sid, sender=NOBODY, to=NOBODY, text="")
    try:
        if wrong := about_answer(*await post(session, url, form, token.secret)):
            return wrong
        status, _ = await post(session, url, form, secrets.token_hex(16))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return about_failure(error)
    return about_forgery(status)
