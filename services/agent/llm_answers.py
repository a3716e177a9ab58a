"""Reads what OpenAI-compatible servers answer, with whatever they leave out or add: one JSON object, or a stream of pieces."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from services.agent.llm_port import Completion, ToolRequest

_MOST_CALLS = 16
"""Tool calls of one answer that are looked at: more than any turn may make."""

_STREAM_SIGNS = (b"data:", b"event:", b"id:", b":")
_END = b"[DONE]"

Json = Mapping[str, Any]


class Unreadable(Exception):
    """It is no completion: a page, an error that says it is none, or no JSON."""


def read(body: bytes, model: str) -> Completion:
    """Read an answer. No choices are an empty text. `model`: who was asked, where the answer does not say. Raises Unreadable."""
    answer = _assembled(body) if body.lstrip().startswith(_STREAM_SIGNS) else _object(body)
    choice = _first(answer.get("choices"))
    message = _dict(choice.get("message"))
    usage = _dict(answer.get("usage"))
    return Completion(
        text=_text(message.get("content")),
        tools=tuple(_requests(_list(message.get("tool_calls")))),
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        model=_text(answer.get("model")) or model,
        id=_text(answer.get("id")),
        finish=_text(choice.get("finish_reason")),
    )


def _object(body: bytes) -> Json:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable from error
    if not isinstance(answer, dict) or not isinstance(answer.get("choices"), list):
        raise Unreadable
    return answer


def _assembled(body: bytes) -> Json:
    """Put a stream's pieces together to the object that would have been sent without one. Raises Unreadable."""
    whole: dict[str, Any] = {}
    text, calls, finish, pieces = "", dict[int, dict[str, str]](), None, 0
    for piece in _pieces(body):
        whole |= {name: piece[name] for name in ("id", "model", "usage") if piece.get(name)}
        choice = _first(piece.get("choices"))
        said = _dict(choice.get("delta")) or _dict(choice.get("message"))
        text += _text(said.get("content"))
        _add_calls(calls, _list(said.get("tool_calls")))
        finish = choice.get("finish_reason") or finish
        pieces += "choices" in piece
    if not pieces:
        raise Unreadable
    found = [{"id": call["id"], "function": call} for _, call in sorted(calls.items())]
    return whole | {"choices": [{"message": {"content": text, "tool_calls": found}, "finish_reason": finish}]}


def _pieces(body: bytes) -> Iterator[dict[str, Any]]:
    for line in body.splitlines():
        name, _, data = line.partition(b":")
        if name != b"data" or data.strip() == _END:
            continue
        try:
            piece = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise Unreadable from error
        if isinstance(piece, dict):
            yield piece


def _add_calls(calls: dict[int, dict[str, str]], deltas: Iterable[Any]) -> None:
    """Add to the calls what a piece of the stream brings; one without its place is a further call, unless it continues the last."""
    for delta in map(_dict, deltas):
        function = _dict(delta.get("function"))
        last = max(calls, default=-1)
        place = delta.get("index", last + 1 if function.get("name") else last)
        if not isinstance(place, int) or place < 0:
            continue
        call = calls.setdefault(place, {"id": "", "name": "", "arguments": ""})
        call["id"] = _text(delta.get("id")) or call["id"]
        call["name"] = _text(function.get("name")) or call["name"]
        call["arguments"] += _arguments(function.get("arguments"))


def _requests(calls: Iterable[Any]) -> Iterator[ToolRequest]:
    """Yield the calls that name a function, each under an id of its own."""
    ids: set[str] = set()
    named = [call for call in map(_dict, calls) if _text(_dict(call.get("function")).get("name"))]
    for number, call in enumerate(named[:_MOST_CALLS], start=1):
        function = _dict(call.get("function"))
        wanted = _text(call.get("id"))
        name = wanted if wanted and wanted not in ids else f"call_{number}"
        ids.add(name)
        yield ToolRequest(name, _text(function.get("name")), _arguments(function.get("arguments")))


def _arguments(value: object) -> str:
    """Return arguments as JSON: some servers send the object itself."""
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()


def _text(value: object) -> str:
    """Return a text, also where it comes in parts."""
    if isinstance(value, list):
        return "".join(_text(_dict(part).get("text")) for part in value)
    return value if isinstance(value, str) else ""


def _first(value: object) -> Json:
    return _dict(value[0]) if isinstance(value, list) and value else {}


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
