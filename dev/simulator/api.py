"""The simulator's own API, below `/sim`: phones write and read, the wire log, faults, accounts and their conditions."""

import asyncio
import base64
import math
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.simulator import account_api
from dev.simulator.conditions import UnknownCondition
from dev.simulator.faults import KINDS, UnknownKind
from dev.simulator.phones import address_of
from dev.simulator.webhooks import Delivered
from dev.simulator.world import PICTURE, Text, World
from shared.addresses import PERSON

_MOST_WAIT = 60.0
_MOST_DIGITS = 18

_Scalar = str | int | float | bool


class BadRequest(Exception):
    """What was asked makes no sense; says what would."""


class Media(BaseModel):
    """A picture, or whatever else."""

    content_type: str = "image/png"
    data: Annotated[str, Field(max_length=24 * 1024 * 1024)] | None = None
    """In base64; a dot where it is left out."""


class Writing(BaseModel):
    """
    What is asked of `/sim/messages`.

    `sid` delivers a known message again; `times` delivers that often at once; `ago` makes it so many seconds old.
    """

    model_config = ConfigDict(extra="forbid")

    sender: Annotated[str, Field(alias="from")] = ""
    body: str = ""
    to: str | None = None
    sid: Annotated[str, Field(min_length=1)] | None = None
    profile_name: str = "Sim Phone"
    media: Media | None = None
    location: dict[str, _Scalar] | None = None
    path: Annotated[str, Field(pattern=r"^[!-~]*$", max_length=2000)] = ""
    fields: dict[str, _Scalar] | None = None
    times: Annotated[int, Field(ge=1, le=100)] = 1
    ago: Annotated[float, Field(ge=0, le=400 * 86_400)] = 0
    wait: bool = True


class SimulatorApi:
    """The routes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.routes = [
            Route("/sim/messages", self._route(self._write), methods=["POST"]),
            Route("/sim/phones", self._route(self._phones), methods=["GET"]),
            Route("/sim/phones/{address}/messages", self._route(self._read), methods=["GET"]),
            Route("/sim/cdn/{sid}", self._route(self._file), methods=["GET"]),
            Route("/sim/wire", self._route(self._wire), methods=["GET"]),
            Route("/sim/faults", self._route(self._faults), methods=["GET", "POST", "DELETE"]),
            Route("/sim/conditions", self._route(self._conditions), methods=["GET", "POST", "DELETE"]),
            Route("/sim/accounts", self._route(self._accounts), methods=["GET", "POST"]),
            Route("/sim/keys", self._route(self._keys), methods=["POST"]),
            Route("/sim/signing", self._route(self._signing), methods=["POST"]),
            Route("/sim/reset", self._route(self._reset), methods=["POST"]),
            Route("/sim/state", self._route(self._state), methods=["GET"]),
        ]

    def _route(self, handler: Any) -> Any:  # noqa: ANN401 - Starlette's endpoints
        async def endpoint(request: Request) -> Response:
            try:
                answer: Response = await handler(request)
            except (BadRequest, UnknownCondition, account_api.UnknownAccount) as bad:
                return JSONResponse({"error": str(bad)}, 400)
            except ValidationError as invalid:
                return JSONResponse({"error": _named(invalid)}, 400)
            return answer

        return endpoint

    async def _write(self, request: Request) -> Response:
        """Write a message on a phone, or deliver one again (`sid`), `times` times at once."""
        asked = Writing.model_validate(await _json(request))
        text = _text(asked)
        if not asked.wait:
            self._world.soon(self._deliver_quietly(text))
            return JSONResponse({"sid": text.sid, "status": None, "attempts": 0}, 202)
        sid, delivered = await self._world.write(text)
        if asked.times > 1:
            delivered = await self._again(text, sid, asked.times - 1)
        return JSONResponse({"sid": sid, "status": delivered.status, "attempts": delivered.attempts})

    async def _again(self, text: Text, sid: str, times: int) -> Delivered:
        text.sid = sid
        done = await asyncio.gather(*(self._world.write(text) for _ in range(times)))
        return done[-1][1]

    async def _deliver_quietly(self, text: Text) -> None:
        await self._world.write(text)

    async def _file(self, request: Request) -> Response:
        """Return what was sent, to whoever knows its address; as Twilio's storage, it takes nobody's credentials."""
        message = self._world.messages.get(request.path_params["sid"])
        if message is None or message.media_type is None:
            return Response(status_code=404)
        if "authorization" in request.headers:
            return Response(status_code=400)
        return Response(message.content, media_type=message.media_type)

    async def _phones(self, _request: Request) -> Response:
        return JSONResponse(self._world.phones.all())

    async def _read(self, request: Request) -> Response:
        """Return what a phone shows behind `after`, waiting up to `wait` seconds for it."""
        address = address_of(request.path_params["address"])
        after = _number(request, "after") or 0
        return JSONResponse(await self._world.phones.after(address, after, _seconds(request, "wait")))

    async def _wire(self, request: Request) -> Response:
        return JSONResponse(self._world.wire.after(_number(request, "after") or 0))

    async def _faults(self, request: Request) -> Response:
        orders = self._world.faults.orders
        if request.method == "DELETE":
            orders.clear()
        elif request.method == "POST":
            try:
                self._world.faults.add(await _json(request))
            except UnknownKind as unknown:
                raise BadRequest(f"kind {unknown} is none of: {', '.join(KINDS)}") from None
        return JSONResponse([order.model_dump() for order in orders])

    async def _conditions(self, request: Request) -> Response:
        """Name the conditions, seed one, or mend everything."""
        if request.method == "POST":
            asked = account_api.Seeding.model_validate(await _json(request))
            return JSONResponse(account_api.seeded(self._world, asked))
        if request.method == "DELETE":
            self._world.mend()
        return JSONResponse(account_api.conditions())

    async def _accounts(self, request: Request) -> Response:
        if request.method == "POST":
            asked = account_api.NewAccount.model_validate(await _json(request))
            return JSONResponse(account_api.add_account(self._world, asked))
        return JSONResponse(account_api.accounts(self._world))

    async def _keys(self, request: Request) -> Response:
        asked = account_api.NewKey.model_validate(await _json(request))
        return JSONResponse(account_api.add_key(self._world, asked))

    async def _signing(self, request: Request) -> Response:
        asked = account_api.Signing.model_validate(await _json(request))
        return JSONResponse(account_api.sign_with(self._world, asked))

    async def _reset(self, _request: Request) -> Response:
        await self._world.reset()
        return JSONResponse({})

    async def _state(self, request: Request) -> Response:
        """Return one phone whole, for the page: its bubbles and dots. Waits for news behind version `since`."""
        address = address_of(request.query_params.get("phone", "+15550001"))
        if wait := _seconds(request, "wait"):
            await self._world.phones.change(_number(request, "since"), wait)
        phone = self._world.phones.named(address)
        settings = self._world.settings
        return JSONResponse(
            {
                "version": self._world.phones.version,
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
        asked = orjson.loads(await request.body())  # strict: no half characters, no endless nesting
    except orjson.JSONDecodeError:
        raise BadRequest("the body is not JSON") from None
    if not isinstance(asked, dict):
        raise BadRequest("the body is not a JSON object")
    return asked


def _text(asked: Writing) -> Text:
    sender = address_of(asked.sender)
    if not PERSON.fullmatch(sender):
        raise BadRequest("from: a number such as +15550001 or a user id such as US.1234 is needed")
    return Text(
        sender=sender,
        body=asked.body,
        to=address_of(asked.to) if asked.to else None,
        sid=asked.sid,
        profile_name=asked.profile_name,
        media=asked.media.content_type if asked.media else None,
        content=_content(asked.media),
        location=asked.location,
        path=asked.path,
        ago=asked.ago,
        fields={name: str(value) for name, value in (asked.fields or {}).items()},
    )


def _content(media: Media | None) -> bytes:
    if media is None or media.data is None:
        return PICTURE
    try:
        return base64.b64decode(media.data, validate=True)
    except ValueError:
        raise BadRequest("media.data: base64 is needed") from None


def _named(invalid: ValidationError) -> str:
    """Say what is wrong with each field, and nothing else."""
    faults = invalid.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)


def _number(request: Request, name: str) -> int | None:
    """Return a whole number of the query, None where it is not given."""
    raw = request.query_params.get(name)
    if raw is None:
        return None
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= _MOST_DIGITS):
        raise BadRequest(f"{name}: a whole number from 0 is needed")
    return int(raw)


def _seconds(request: Request, name: str) -> float:
    """Return the seconds of the query, at most as many as anybody may wait."""
    try:
        seconds = float(request.query_params.get(name, 0))
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise BadRequest(f"{name}: a number of seconds from 0 is needed")
    return min(seconds, _MOST_WAIT)
