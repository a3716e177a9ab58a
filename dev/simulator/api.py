"""The simulator's own API, below `/sim`: phones write and read, the wire log, faults, accounts and their conditions."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.simulator import account_api
from dev.simulator.asking import BadRequest, Order, endpoint, json_of, number, seconds
from dev.simulator.faults import KINDS, UnknownKind
from dev.simulator.phones import address_of
from dev.simulator.webhooks import Delivered
from dev.simulator.world import Text, World
from dev.simulator.writing import Writing, taken


class Reset(Order):
    """What may be asked of `/sim/reset`: the seed of what happens by chance from then on."""

    seed: int | None = None


class SimulatorApi:
    """The routes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.routes = [
            Route("/sim/messages", endpoint(self._write), methods=["POST"]),
            Route("/sim/phones", endpoint(self._phones), methods=["GET"]),
            Route("/sim/phones/{address}/messages", endpoint(self._read), methods=["GET"]),
            Route("/sim/cdn/{sid}", endpoint(self._file), methods=["GET"]),
            Route("/sim/wire", endpoint(self._wire), methods=["GET"]),
            Route("/sim/faults", endpoint(self._faults), methods=["GET", "POST", "DELETE"]),
            Route("/sim/conditions", endpoint(self._conditions), methods=["GET", "POST", "DELETE"]),
            Route("/sim/accounts", endpoint(self._accounts), methods=["GET", "POST"]),
            Route("/sim/keys", endpoint(self._keys), methods=["POST"]),
            Route("/sim/signing", endpoint(self._signing), methods=["POST"]),
            Route("/sim/reset", endpoint(self._reset), methods=["POST"]),
            Route("/sim/state", endpoint(self._state), methods=["GET"]),
        ]

    async def _write(self, request: Request) -> Response:
        """Write a message on a phone, or deliver one again (`sid`), `times` times at once."""
        asked = Writing.model_validate(await json_of(request))
        text = taken(self._world, asked)
        if not asked.wait:
            self._world.soon(self._world.write_quietly(text))
            return JSONResponse({"sid": text.sid, "status": None, "attempts": 0}, 202)
        sid, delivered = await self._world.write(text)
        if asked.times > 1:
            delivered = await self._again(text, sid, asked.times - 1)
        return JSONResponse({"sid": sid, "status": delivered.status, "attempts": delivered.attempts})

    async def _again(self, text: Text, sid: str, times: int) -> Delivered:
        text.sid = sid
        done = await asyncio.gather(*(self._world.write(text) for _ in range(times)))
        return done[-1][1]

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
        after = number(request, "after") or 0
        return JSONResponse(await self._world.phones.after(address, after, seconds(request, "wait")))

    async def _wire(self, request: Request) -> Response:
        return JSONResponse(self._world.wire.after(number(request, "after") or 0))

    async def _faults(self, request: Request) -> Response:
        faults = self._world.faults
        if request.method == "DELETE":
            faults.drop()
        elif request.method == "POST":
            try:
                faults.add(await json_of(request))
            except UnknownKind as unknown:
                raise BadRequest(f"kind {unknown} is none of: {', '.join(KINDS)}") from None
        return JSONResponse([order.model_dump() for order in faults.orders])

    async def _conditions(self, request: Request) -> Response:
        """Name the conditions, seed one, or mend everything."""
        if request.method == "POST":
            asked = account_api.Seeding.model_validate(await json_of(request))
            return JSONResponse(account_api.seeded(self._world, asked))
        if request.method == "DELETE":
            self._world.mend()
        return JSONResponse(account_api.conditions())

    async def _accounts(self, request: Request) -> Response:
        if request.method == "POST":
            asked = account_api.NewAccount.model_validate(await json_of(request))
            return JSONResponse(account_api.add_account(self._world, asked))
        return JSONResponse(account_api.accounts(self._world))

    async def _keys(self, request: Request) -> Response:
        asked = account_api.NewKey.model_validate(await json_of(request))
        return JSONResponse(account_api.add_key(self._world, asked))

    async def _signing(self, request: Request) -> Response:
        asked = account_api.Signing.model_validate(await json_of(request))
        return JSONResponse(account_api.sign_with(self._world, asked))

    async def _reset(self, request: Request) -> Response:
        """Forget everything; what happens by chance is from a `seed`, where one is given."""
        asked = Reset.model_validate(await json_of(request) if await request.body() else {})
        await self._world.reset(asked.seed)
        return JSONResponse({})

    async def _state(self, request: Request) -> Response:
        """Return one phone whole: its bubbles and dots. Waits for news behind version `since`."""
        address = address_of(request.query_params.get("phone", "+15550001"))
        if wait := seconds(request, "wait"):
            await self._world.news.since(number(request, "since"), wait)
        phone = self._world.phones.named(address)
        settings = self._world.settings
        return JSONResponse(
            {
                "version": self._world.news.version,
                "phone": address,
                "line": settings.sender,
                "typing": phone.is_typing,
                "messages": [vars(bubble) for bubble in phone.shown],
                "webhook_url": settings.webhook_url,
                "ingress_url": settings.ingress_url,
                "console_url": settings.console_url,
            }
        )
