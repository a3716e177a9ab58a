"""The simulator's own API, below `/sim`: phones write and read, the wire log, faults."""

import asyncio
from json import JSONDecodeError
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.simulator.faults import KINDS, UnknownKind
from dev.simulator.phones import address_of
from dev.simulator.webhooks import Delivered
from dev.simulator.world import Text, World
from shared.addresses import PERSON

_MOST_WAIT = 60.0


class BadRequest(Exception):
    """What was asked makes no sense; says what would."""


class SimulatorApi:
    """The routes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.routes = [
            Route("/sim/messages", self._route(self._write), methods=["POST"]),
            Route("/sim/phones", self._route(self._phones), methods=["GET"]),
            Route("/sim/phones/{address}/messages", self._route(self._read), methods=["GET"]),
            Route("/sim/wire", self._route(self._wire), methods=["GET"]),
            Route("/sim/faults", self._route(self._faults), methods=["GET", "POST", "DELETE"]),
            Route("/sim/reset", self._route(self._reset), methods=["POST"]),
            Route("/sim/state", self._route(self._state), methods=["GET"]),
        ]

    def _route(self, handler: Any) -> Any:  # noqa: ANN401 - Starlette's endpoints
        async def endpoint(request: Request) -> Response:
            try:
                answer: Response = await handler(request)
            except BadRequest as bad:
                return JSONResponse({"error": str(bad)}, 400)
            return answer

        return endpoint

    async def _write(self, request: Request) -> Response:
        """Write a message on a phone, or deliver one again (`sid`), `times` times at once."""
        asked = await _json(request)
        text = _text(asked)
        times = int(asked.get("times", 1))
        if not asked.get("wait", True):
            self._world.soon(self._deliver_quietly(text))
            return JSONResponse({"sid": text.sid, "status": None, "attempts": 0}, 202)
        sid, delivered = await self._world.write(text)
        if times > 1:
            delivered = await self._again(text, sid, times - 1)
        return JSONResponse({"sid": sid, "status": delivered.status, "attempts": delivered.attempts})

    async def _again(self, text: Text, sid: str, times: int) -> Delivered:
        text.sid = sid
        done = await asyncio.gather(*(self._world.write(text) for _ in range(times)))
        return done[-1][1]

    async def _deliver_quietly(self, text: Text) -> None:
        await self._world.write(text)

    async def _phones(self, _request: Request) -> Response:
        return JSONResponse(self._world.phones.all())

    async def _read(self, request: Request) -> Response:
        """Return what a phone shows behind `after`, waiting up to `wait` seconds for it."""
        address = address_of(request.path_params["address"])
        after = int(request.query_params.get("after", 0))
        wait = min(float(request.query_params.get("wait", 0)), _MOST_WAIT)
        return JSONResponse(await self._world.phones.after(address, after, wait))

    async def _wire(self, request: Request) -> Response:
        return JSONResponse(self._world.wire.after(int(request.query_params.get("after", 0))))

    async def _faults(self, request: Request) -> Response:
        orders = self._world.faults.orders
        if request.method == "DELETE":
            orders.clear()
        elif request.method == "POST":
            try:
                self._world.faults.add(await _json(request))
            except UnknownKind as unknown:
                raise BadRequest(f"kind {unknown} is none of: {', '.join(KINDS)}") from None
            except TypeError as error:
                raise BadRequest(str(error)) from None
        return JSONResponse([vars(order) for order in orders])

    async def _reset(self, _request: Request) -> Response:
        self._world.reset()
        return JSONResponse({})

    async def _state(self, request: Request) -> Response:
        """Return one phone whole, for the page: its bubbles, dots and the last webhook. Waits for a change."""
        address = address_of(request.query_params.get("phone", "+15550001"))
        wait = min(float(request.query_params.get("wait", 0)), _MOST_WAIT)
        if wait:
            await self._world.phones.change(wait)
        phone = self._world.phones.named(address)
        settings = self._world.settings
        return JSONResponse(
            {
                "phone": address,
                "line": settings.sender,
                "typing": phone.is_typing,
                "messages": [vars(bubble) for bubble in phone.shown],
                "webhook_url": settings.webhook_url,
                "ingress_url": settings.ingress_url,
                "console_url": settings.console_url,
            }
        )


async def _json(request: Request) -> dict[str, Any]:
    try:
        asked = await request.json()
    except (JSONDecodeError, UnicodeDecodeError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(asked, dict):
        raise BadRequest("the body is not a JSON object")
    return asked


def _text(asked: dict[str, Any]) -> Text:
    sender = address_of(str(asked.get("from", "")))
    if not PERSON.fullmatch(sender):
        raise BadRequest("from: a number such as +15550001 or a user id such as US.1234 is needed")
    media = asked.get("media")
    return Text(
        sender=sender,
        body=str(asked.get("body", "")),
        to=address_of(str(asked["to"])) if asked.get("to") else None,
        sid=asked.get("sid"),
        profile_name=str(asked.get("profile_name", "Sim Phone")),
        media=str(media.get("content_type", "image/png")) if isinstance(media, dict) else None,
        location=asked.get("location"),
        path=str(asked.get("path", "")),
        fields={str(name): str(value) for name, value in (asked.get("fields") or {}).items()},
    )
