"""Performs an action, once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.actions.definition import IDEMPOTENCY_KEY, WITH_BODY, Action, Identity
from shared.actions.mapping import cut, mapped
from shared.actions.parameters import Unfit
from shared.actions.templates import as_text, filled_in
from shared.outbound import Guard, OutboundFailure
from shared.outbound.failures import URL_MALFORMED

_MOST_OF_AN_ERROR = 500
_SHORTEST_SECRET = 6
_HIDDEN = "[secret]"


@dataclass(frozen=True)
class Outcome:
    """What came of it. `status`: None where there was no answer; then `failure` says why. `text`: for the model."""

    text: str
    status: int | None = None
    failure: OutboundFailure | None = None
    ok: bool = False


@dataclass(frozen=True)
class Call:
    """A call of an action, ready to be made."""

    action: Action
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


def prepare(action: Action, arguments: Mapping[str, Any], identity: Identity, key: str) -> Call:
    """
    Return the call with arguments that fit the action's schema. `key`: sent along where it has a side effect.

    Raises Misfit for an argument that cannot stand where the address has it.
    """
    values = {name: as_text(value) for name, value in arguments.items()} | identity.values
    rest = {name: value for name, value in arguments.items() if name not in action.url.names}
    with_body = action.method in WITH_BODY
    headers = {name: filled_in(value, identity.values) for name, value in action.headers.items()}
    headers |= dict(action.secrets) | {"Accept": "application/json, text/plain;q=0.9"}
    if with_body:
        headers["Content-Type"] = "application/json"
    if action.side_effect:
        headers[IDEMPOTENCY_KEY] = key
    url = action.url.fill(values, {} if with_body else rest)
    return Call(action, url, headers, orjson.dumps(rest) if with_body else b"")


async def perform(guard: Guard, call: Call) -> Outcome:
    """Make a call, once."""
    action = call.action
    try:
        host = action.check_host(guard.allowed)
    except Unfit:
        return _failed(URL_MALFORMED)
    came = await guard.ask(action.method, call.url, headers=call.headers, content=call.content, hosts={host})
    if isinstance(came, OutboundFailure):
        return _failed(came)
    told = without_secrets(came.text, action.secrets)
    if came.ok:
        return Outcome(mapped(told, action.results), came.status, ok=True)
    words = f"The service answered with status {came.status}. {cut(told, _MOST_OF_AN_ERROR)}"
    return Outcome(words.strip(), came.status)


def _failed(failure: OutboundFailure) -> Outcome:
    return Outcome(f"The service could not be asked: {failure.words}", failure=failure)


def without_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """Take out what a service repeats of the secrets that it was sent, whole or without `Bearer`."""
    for secret in secrets.values():
        for part in (secret, secret.rpartition(" ")[2]):
            if len(part) >= _SHORTEST_SECRET:
                text = text.replace(part, _HIDDEN)
    return text
