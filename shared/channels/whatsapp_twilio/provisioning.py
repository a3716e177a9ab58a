"""Sets a line's webhooks at Twilio, and waits until that has settled."""

import asyncio
from dataclasses import replace
from urllib.parse import urlsplit

from shared.channels.line_setup import Provisioned, Provisioning, Webhooks
from shared.channels.whatsapp_twilio.lines import UPDATING, WHATSAPP, LineResource, resource_of
from shared.channels.whatsapp_twilio.login import prove
from shared.channels.whatsapp_twilio.rest import NotAnswered, Trouble, TwilioRest
from shared.ids import Address

OVERRIDES = "rc=5&rp=5xx,ct,rt&ct=2000&rt=4000&tt=15000"
"""
Twilio's connection overrides. By default a webhook that failed is not repeated: this fragment repeats it five times, also
after a 5xx and a read time-out, within fifteen seconds. Not `all`: a 403 must not be repeated.
"""

_FIRST_LOOK = 0.25
_LONGEST_BETWEEN_LOOKS = 2.0
"""Seconds."""

_OUTCOMES = {
    Trouble.UNREACHABLE: Provisioned.UNREACHABLE,
    Trouble.RATE_LIMITED: Provisioned.RATE_LIMITED,
    Trouble.UNAUTHORIZED: Provisioned.INVALID_CREDENTIALS,
    Trouble.FORBIDDEN: Provisioned.REFUSED,
    Trouble.NOT_FOUND: Provisioned.NOT_FOUND,
    Trouble.REFUSED: Provisioned.REFUSED,
}


def webhooks_at(webhook_url: str, line: str, fallback_base: str | None) -> Webhooks:
    """Return what a line should be set to. The fragment is ours unless the address brings its own."""
    public, _, fragment = webhook_url.partition("#")
    callback = f"{public}/{line}" if line else public
    fallback = callback
    if fallback_base:
        scheme, host, *_ = urlsplit(fallback_base)
        fallback = urlsplit(callback)._replace(scheme=scheme, netloc=host).geturl()
    overrides = f"#{fragment or OVERRIDES}"
    return Webhooks(callback + overrides, fallback + overrides, f"{public}/status")


async def provision(rest: TwilioRest, sender: Address, wanted: Webhooks, *, settles_within: float) -> Provisioning:
    """Read, compare, change what differs, and read again until it is so."""
    resource, previous = resource_of(sender), None
    try:
        account = await prove(rest)  # a key of another account would list that one's senders
        if account is not None and not account.is_active:
            return Provisioning(Provisioned.REFUSED)
        line = await resource.find(rest, sender)
        if line is None:
            return Provisioning(Provisioned.NOT_FOUND)
        target = _fitting(wanted, sender)
        if line.webhooks == target:
            return Provisioning(Provisioned.UNCHANGED)
        previous = line.webhooks
        await resource.update(rest, line.sid, target)
    except NotAnswered as problem:
        return Provisioning(_OUTCOMES[problem.trouble], previous, problem.code)
    settled = await _settled(rest, resource, line.sid, target, settles_within)
    return Provisioning(Provisioned.CHANGED if settled else Provisioned.PENDING, previous)


async def _settled(rest: TwilioRest, resource: LineResource, sid: str, target: Webhooks, settles_within: float) -> bool:
    """Look again and again until the line is as was asked for; False when the time is over."""
    pause = _FIRST_LOOK
    try:
        async with asyncio.timeout(settles_within):
            while not await _is_so(rest, resource, sid, target):
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_BETWEEN_LOOKS)
    except TimeoutError:
        return False
    return True


async def _is_so(rest: TwilioRest, resource: LineResource, sid: str, target: Webhooks) -> bool:
    """Look once. A look that fails tells nothing: the change was accepted."""
    try:
        line = await resource.read(rest, sid)
    except NotAnswered:
        return False
    return line.status != UPDATING and line.webhooks == target


def _fitting(wanted: Webhooks, sender: Address) -> Webhooks:
    """Return what this kind of line can be set to: senders have no application."""
    return replace(wanted, application_sid=None) if sender.startswith(WHATSAPP) else wanted
