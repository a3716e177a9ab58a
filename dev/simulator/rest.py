"""Twilio's REST API, as much of it as the gateway uses, with the same checks and error envelope."""

import asyncio
import base64
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.simulator.accounts import Account, Proven
from dev.simulator.answers import Call, Dropped, Operation, Refusal, not_found
from dev.simulator.resources.accounts import AccountResource
from dev.simulator.resources.alerts import Alerts
from dev.simulator.resources.content import Content
from dev.simulator.resources.messages import Messages
from dev.simulator.resources.numbers import Numbers
from dev.simulator.resources.senders import Senders
from dev.simulator.resources.services import Services
from dev.simulator.world import World

_JSON = "application/json"


class TwilioApi:
    """The routes."""

    def __init__(self, world: World) -> None:
        self._world = world
        resources = (
            AccountResource(world),
            Messages(world),
            Numbers(),
            Senders(world),
            Services(),
            Content(world),
            Alerts(),
        )
        operations = [operation for resource in resources for operation in resource.operations()]
        self.routes = [Route(one.path, self._endpoint(one), methods=[one.method]) for one in operations]

    def _endpoint(self, operation: Operation) -> Any:  # noqa: ANN401 - Starlette's endpoints
        """Wrap a handler: logged, authenticated, refusals answered."""

        async def endpoint(request: Request) -> Response:
            form, document = _body(request, await request.body())
            shown = form or {name: str(value) for name, value in document.items()} or dict(request.query_params)
            entry = self._world.wire.begin(
                "from_gateway", operation.kind, request.method, str(request.url), shown, request.headers
            )
            entry.document = document or None
            try:
                await self._trouble(request)
                account = self._account(request, operation.area)
                answer = await operation.handler(Call(request, account, form, document, entry))
            except Refusal as refusal:
                answer = refusal.answer
            except Dropped:
                self._world.wire.end(entry, None)
                await _drop(request)
                return Response()
            self._world.wire.end(entry, answer.status_code, bytes(answer.body).decode())
            return answer

        return endpoint

    async def _trouble(self, request: Request) -> None:
        """Do what is wrong with all of Twilio."""
        match self._world.trouble:
            case "rate_limited":
                raise Refusal(429, 20429, "Too Many Requests")
            case "server_error":
                raise Refusal(500, 20500, "Internal server error")
            case "network_down":
                raise Dropped
            case "network_hang":
                while not await request.is_disconnected():
                    await asyncio.sleep(0.02)
                raise Dropped

    def _account(self, request: Request, area: str) -> Account:
        """Return the account that a request is about, which its credentials must be allowed to see."""
        proven = self._proven(request)
        if proven is None:
            raise Refusal(401, 20003, "Authenticate")
        if proven.key is not None and area == "account":
            raise Refusal(401, 20003, "Authentication Error - invalid username")
        if proven.key is not None and not proven.key.may(area):
            raise Refusal(403, 20403, "The key lacks the permission for this")
        sid = request.path_params.get("account", proven.account.sid)
        if proven.key is not None and sid != proven.account.sid:  # a token sees its subaccounts, a key does not
            raise Refusal(401, 20003, "Authenticate")
        account = self._world.accounts.seen_by(proven.account, sid)
        if account is None:
            raise not_found()
        if account.status != "active" and area != "account":
            raise Refusal(401, 20003, "The account is not active")
        return account

    def _proven(self, request: Request) -> Proven | None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, secret = base64.b64decode(given).decode().partition(":")
        except ValueError:  # no base64, or no UTF-8 in it
            return None
        return self._world.accounts.proven(user, secret) if scheme.lower() == "basic" else None


def _body(request: Request, body: bytes) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the body as a form or as a JSON document; what is neither is an empty one."""
    if not request.headers.get("content-type", "").startswith(_JSON):
        return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True)), {}
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = None
    return {}, told if isinstance(told, dict) else {}


async def _drop(request: Request) -> None:
    """Close the connection below the server's feet."""
    request.scope["dropper"]()
    await asyncio.sleep(0.05)  # until the server has noticed
