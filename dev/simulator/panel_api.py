"""The part of the simulator's own API that the page and the terminal show: switches, presets, people, lines, transcripts."""

from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.simulator import switches
from dev.simulator.account_api import conditions
from dev.simulator.asking import BadRequest, Order, endpoint, json_of, number, seconds
from dev.simulator.kinds import KINDS
from dev.simulator.lines import Hook
from dev.simulator.phones import address_of
from dev.simulator.transcript import line_of_bubble, line_of_text, paced, read
from dev.simulator.world import World
from dev.simulator.writing import Writing, taken, text_of
from shared.addresses import PERSON

_ON_THE_WIRE = 300
"""Entries of the wire log that a page shows."""

_FASTEST = 1000.0
_Amount = Annotated[float, Field(ge=0, le=3600)]


class Throwing(Order):
    """What is asked of `/sim/switches`: without `times` or `probability` it strikes every time."""

    name: str
    on: bool = True
    times: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(gt=0, le=1)] | None = None
    seconds: _Amount | None = None
    jitter: _Amount | None = None
    code: int | None = None


class Choosing(Order):
    """What is asked of `/sim/presets`."""

    name: str


class Burst(Order):
    """What is asked of `/sim/bursts`: so many messages within so many seconds."""

    sender: Annotated[str, Field(alias="from")]
    count: Annotated[int, Field(ge=1, le=500)] = 5
    seconds: Annotated[float, Field(ge=0, le=600)] = 2.0
    body: str = "Message"
    to: str | None = None


class Meeting(Order):
    """What is asked of `/sim/people`."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    address: str


class NewLine(Order):
    """What is asked of `/sim/lines`: a sender of the first account, with the webhook of the settings."""

    address: str


class Jump(Order):
    """What is asked of `/sim/clock`: how far Twilio's clock jumps ahead, in seconds."""

    ahead: Annotated[float, Field(ge=0, le=400 * 86_400)]


class Joining(Order):
    """What is asked of `/sim/sandbox`."""

    on: bool


class PanelApi:
    """The routes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.routes = [
            Route("/sim/catalogue", endpoint(self._catalogue), methods=["GET"]),
            Route("/sim/view", endpoint(self._view), methods=["GET"]),
            Route("/sim/switches", endpoint(self._switches), methods=["GET", "POST"]),
            Route("/sim/presets", endpoint(self._presets), methods=["POST"]),
            Route("/sim/bursts", endpoint(self._bursts), methods=["POST"]),
            Route("/sim/people", endpoint(self._people), methods=["GET", "POST"]),
            Route("/sim/lines", endpoint(self._lines), methods=["GET", "POST"]),
            Route("/sim/clock", endpoint(self._clock), methods=["POST"]),
            Route("/sim/sandbox", endpoint(self._sandbox), methods=["POST"]),
            Route("/sim/transcript", endpoint(self._transcript), methods=["GET", "POST"]),
        ]

    async def _catalogue(self, _request: Request) -> Response:
        """Name everything that can be made go wrong, and everything that can be sent."""
        kinds = [{"name": name, "label": kind.label} for name, kind in KINDS.items()]
        return JSONResponse(switches.catalogue() | {"kinds": kinds, "conditions": conditions()})

    async def _view(self, request: Request) -> Response:
        """Return all that a page shows of some phones (`phone`), once there is news behind version `since`."""
        world, since = self._world, number(request, "since")
        await world.news.since(since or 0, seconds(request, "wait"))
        addresses = [address_of(raw) for raw in request.query_params.getlist("phone")]
        settings = world.settings
        return JSONResponse(
            {
                "version": world.news.version,
                "began": world.began,
                "phones": {address: _shown(world, address) for address in addresses},
                "people": world.people.names,
                "line": settings.sender,
                "lines": _lines(world),
                "active": switches.active(world),
                "sandbox": world.sandbox.is_on,
                "wire": world.wire.changed_since(since or 0, _ON_THE_WIRE),
                "webhook_url": settings.webhook_url.partition("#")[0],
                "ingress_url": settings.ingress_url,
                "console_url": settings.console_url,
            }
        )

    async def _switches(self, request: Request) -> Response:
        """Throw a switch; tell what is wrong now."""
        if request.method == "POST":
            asked = Throwing.model_validate(await json_of(request))
            switches.throw(self._world, **asked.model_dump())
        return JSONResponse(switches.active(self._world))

    async def _presets(self, request: Request) -> Response:
        """Mend everything, and do what the preset says."""
        asked = Choosing.model_validate(await json_of(request))
        await switches.set_preset(self._world, asked.name)
        if burst := switches.PRESETS[asked.name].burst:
            for address in self._world.people.names:
                self._storm(Burst.model_validate({"from": address, "count": burst[0], "seconds": burst[1]}))
        return JSONResponse(switches.active(self._world))

    async def _bursts(self, request: Request) -> Response:
        asked = Burst.model_validate(await json_of(request))
        self._storm(asked)
        return JSONResponse({"count": asked.count}, 202)

    def _storm(self, burst: Burst) -> None:
        writings = [
            Writing.model_validate(
                {"from": burst.sender, "to": burst.to, "body": f"{burst.body} {place} of {burst.count}"}
            )
            for place in range(1, burst.count + 1)
        ]
        texts = [taken(self._world, writing) for writing in writings]
        self._world.soon(self._world.burst(texts, burst.seconds))

    async def _people(self, request: Request) -> Response:
        if request.method == "POST":
            asked = Meeting.model_validate(await json_of(request))
            self._world.people.add(asked.name, address_of(asked.address))
            self._world.news.tell()
        return JSONResponse(self._world.people.names)

    async def _lines(self, request: Request) -> Response:
        if request.method == "POST":
            address = address_of(NewLine.model_validate(await json_of(request)).address)
            if not PERSON.fullmatch(address):
                raise BadRequest("address: a number such as +14155238886 is needed")
            account = self._world.accounts.first
            if account.line(address) is None:
                account.add(address, Hook.at(self._world.settings.webhook_url))
            self._world.news.tell()
        return JSONResponse(_lines(self._world))

    async def _clock(self, request: Request) -> Response:
        """Let Twilio's clock jump; `now` is what it says then."""
        self._world.clock_skew += Jump.model_validate(await json_of(request)).ahead
        self._world.news.tell()
        return JSONResponse({"ahead": self._world.clock_skew, "now": self._world.now().isoformat()})

    async def _sandbox(self, request: Request) -> Response:
        self._world.sandbox.is_on = Joining.model_validate(await json_of(request)).on
        self._world.news.tell()
        return JSONResponse({"on": self._world.sandbox.is_on})

    async def _transcript(self, request: Request) -> Response:
        """Return everything that was written and came, or write again what a transcript says, `speed` times as fast."""
        if request.method == "GET":
            headers = {"content-disposition": 'attachment; filename="transcript.jsonl"'}
            return Response(_transcript(self._world), media_type="application/jsonl", headers=headers)
        lines = [(at, Writing.model_validate(told)) for at, told in read(await request.body())]
        for _, writing in lines:
            text_of(writing)  # nothing is written unless everything can be
        speed = min(max(seconds(request, "speed", 1), 1 / _FASTEST), _FASTEST)
        self._world.soon(self._replay(lines, speed))
        return JSONResponse({"count": len(lines)}, 202)

    async def _replay(self, lines: list[tuple[float, Writing]], speed: float) -> None:
        async for writing in paced(lines, speed):
            await self._world.write(taken(self._world, writing))  # one after the other: the order is the transcript's


def _shown(world: World, address: str) -> dict[str, Any]:
    phone = world.phones.named(address)
    return {"typing": phone.is_typing, "messages": [vars(bubble) for bubble in phone.shown]}


def _lines(world: World) -> list[str]:
    """Return the senders of all accounts."""
    return [sender.sender_id for account in world.accounts.by_sid.values() for sender in account.senders.values()]


def _transcript(world: World) -> bytes:
    """Return what was written and what came, by time since the beginning."""
    written = [(at, line_of_text(at - world.began, told)) for at, told in world.transcript]
    came = [
        (bubble.at, line_of_bubble(bubble.at - world.began, phone.address, bubble))
        for phone in world.phones
        for bubble in phone.shown
        if bubble.direction == "in"
    ]
    return b"".join(line for _, line in sorted(written + came))
