"""The scripted model as a web application: chat completions, its log, and faults on order."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from dev.model import script
from dev.model.script import Line

KINDS = ("timeout", "429", "500", "malformed", "loop", "delay")
_TIMEOUT = 120.0
_PIECE = 400


@dataclass
class Fault:
    """One order. `match`: only where the last message of the person contains it."""

    kind: str
    times: int = 1
    seconds: float = _TIMEOUT
    match: str = ""


@dataclass
class Call:
    """One completion, for checkers: `started` and `ended` are epoch seconds."""

    n: int
    started: float
    conversation: str | None
    model: str
    messages: list[dict[str, Any]]
    tools: list[str]
    ended: float | None = None
    status: int | None = None
    answer: str = ""
    tool: str | None = None
    fault: str | None = None


@dataclass
class Stage:
    """What was asked, and what shall go wrong."""

    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, last: str) -> Fault | None:
        """Return the first order that strikes now, and count it."""
        for fault in self.faults:
            if fault.times > 0 and fault.match in last:
                fault.times -= 1
                return fault
        return None


def create_app() -> Starlette:
    """Return the application, with a stage of its own."""
    stage = Stage()

    async def complete(request: Request) -> Response:
        asked = await request.json()
        tools = [tool["function"]["name"] for tool in asked.get("tools", ())]
        call = Call(
            len(stage.calls) + 1, time.time(), asked.get("user"), asked.get("model", ""), asked["messages"], tools
        )
        stage.calls.append(call)
        try:
            return await _play(stage, call, asked, request)
        finally:
            call.ended = time.time()

    async def log(request: Request) -> Response:
        after = int(request.query_params.get("after", 0))
        return JSONResponse([asdict(call) for call in stage.calls[after:]])

    async def order(request: Request) -> Response:
        wanted = await request.json()
        if wanted.get("kind") not in KINDS:
            return JSONResponse({"error": f"kind is none of: {', '.join(KINDS)}"}, 400)
        stage.faults.append(Fault(**wanted))
        return JSONResponse([asdict(fault) for fault in stage.faults])

    async def reset(_request: Request) -> Response:
        stage.calls.clear()
        stage.faults.clear()
        return JSONResponse({})

    return Starlette(
        routes=[
            Route("/v1/models", _models),
            Route("/v1/chat/completions", complete, methods=["POST"]),
            Route("/script/log", log),
            Route("/script/faults", order, methods=["POST"]),
            Route("/script/reset", reset, methods=["POST"]),
            Route("/healthz", _alive),
            Route("/readyz", _ready),
            Route("/metrics", _alive),
        ]
    )


async def _play(stage: Stage, call: Call, asked: dict[str, Any], http: Request) -> Response:
    """Say the line, with whatever was ordered to go wrong."""
    request = script.Request(asked["messages"], call.tools)
    last = request.unanswered[-1] if request.unanswered else ""
    fault = stage.fault(last)
    line = script.next_line(request)
    if fault is not None:
        call.fault = fault.kind
        line = _spoilt(line, fault, request)
    call.status, call.answer, call.tool = line.status, line.text, line.tool
    if await _gone(http, line.seconds):
        call.status = None
        return Response()
    if line.status != 200:  # noqa: PLR2004 - HTTP's own number
        headers = {"retry-after": "0"} if line.status == 429 else {}  # noqa: PLR2004
        return JSONResponse({"error": {"message": "on order", "type": "scripted"}}, line.status, headers)
    if asked.get("stream"):
        return StreamingResponse(_stream(call, line), media_type="text/event-stream")
    return JSONResponse(_completion(call, line))


async def _gone(http: Request, seconds: float) -> bool:
    """Take so long; true as soon as the caller has hung up."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await http.receive())["type"] != "http.disconnect":
                pass
            return True
    return False


def _spoilt(line: Line, fault: Fault, request: script.Request) -> Line:
    match fault.kind:
        case "timeout" | "delay":
            return Line(line.text, line.tool, line.raw_arguments, seconds=fault.seconds)
        case "429" | "500":
            return Line(status=int(fault.kind))
        case "malformed":
            return Line(tool="contact_form", raw_arguments="{nonsense")
        case _:
            number = len(request.messages)
            return Line(tool="contact_form", raw_arguments=f'{{"name": "Loop", "message": "round {number}"}}')


def _completion(call: Call, line: Line) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": line.text or None}
    if line.tool:
        function = {"name": line.tool, "arguments": line.raw_arguments}
        message["tool_calls"] = [{"id": f"call_{call.n}", "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if line.tool else "stop"}
    return {
        "id": f"chatcmpl-{call.n}",
        "object": "chat.completion",
        "created": int(call.started),
        "model": call.model or "scripted",
        "choices": [choice] * line.choices,
        "usage": _usage(call, line),
    }


async def _stream(call: Call, line: Line) -> AsyncIterator[bytes]:
    head = {
        "id": f"chatcmpl-{call.n}",
        "object": "chat.completion.chunk",
        "created": int(call.started),
        "model": call.model,
    }
    for start in range(0, len(line.text), _PIECE):
        delta = {"role": "assistant", "content": line.text[start : start + _PIECE]}
        yield _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    if line.tool:
        function = {"name": line.tool, "arguments": line.raw_arguments}
        delta_call = {"index": 0, "id": f"call_{call.n}", "type": "function", "function": function}
        yield _event({**head, "choices": [{"index": 0, "delta": {"tool_calls": [delta_call]}, "finish_reason": None}]})
    reason = "tool_calls" if line.tool else "stop"
    yield _event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": _usage(call, line)})
    yield b"data: [DONE]\n\n"


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def _usage(call: Call, line: Line) -> dict[str, int]:
    """Return token counts as a tokenizer would roughly have them: four characters each."""
    asked = sum(len(str(message.get("content") or "")) for message in call.messages) // 4 + 1
    said = len(line.text + line.raw_arguments) // 4 + 1
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


async def _models(_request: Request) -> Response:
    return JSONResponse({"object": "list", "data": [{"id": "scripted", "object": "model", "owned_by": "trunkline"}]})


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("")


async def _ready(_request: Request) -> Response:
    return JSONResponse({"ready": True, "checks": {}})
