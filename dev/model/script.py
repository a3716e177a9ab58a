"""What the scripted model says: a plain function of the conversation."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dev.model.article import ARTICLE

_CONTACT = re.compile(r"contact:\s*(?P<name>[^,]+),\s*(?P<message>.+)", re.IGNORECASE | re.DOTALL)
_GREETING = re.compile(r"^(hi|hello|hey|ciao|good (morning|evening))\b", re.IGNORECASE)
_SLOW = re.compile(r"^slow (?P<seconds>\d+(\.\d+)?)", re.IGNORECASE)
_PARTS = re.compile(r"^parts (?P<count>[2-9])\b")
_QUESTION = re.compile(r"\?\s*$")
_LOOKUP = re.compile(r"(?P<word>find|order):\s*(?P<what>.+)", re.IGNORECASE | re.DOTALL)
_CALL = re.compile(r"call (?P<tool>[\w-]{1,64}) (?P<arguments>\{.*\})", re.DOTALL)
_LOOKUPS = {"find": ("query", ("find_product", "find_listing")), "order": ("number", ("order_status",))}
"""What is looked up with which tools, the first that is offered."""

_MARK = re.compile(r"\[(\d+-\d+)\]")
_FILLING = "This is a long part of a long answer. " * 30
_HUGE = 1_000_000
_NOT_UNDERSTOOD = "The arguments"
"""How a tool begins that could not read what it was called with: the model tries again."""


@dataclass(frozen=True)
class Line:
    """What the model says next. `raw_arguments` are sent as they are, JSON or not."""

    text: str = ""
    tool: str | None = None
    raw_arguments: str = ""
    seconds: float = 0.0
    status: int = 200
    choices: int = 1


@dataclass(frozen=True)
class Request:
    """What the model was asked."""

    messages: Sequence[dict[str, Any]]
    tools: Sequence[str] = field(default_factory=tuple)

    @property
    def unanswered(self) -> list[str]:
        """What the person said since the last answer, oldest first."""
        said: list[str] = []
        for message in self.messages:
            if message["role"] == "user":
                said.append(str(message.get("content") or ""))
            elif message["role"] == "assistant" and message.get("content") and not message.get("tool_calls"):
                said = []
        return said

    @property
    def tool_results(self) -> list[str]:
        """What tools have answered at the end of the conversation."""
        results = []
        for message in reversed(self.messages):
            if message["role"] == "user":
                break
            if message["role"] == "tool":
                results.append(str(message.get("content") or ""))
        return results[::-1]


def next_line(request: Request) -> Line:
    """Return what the model says."""
    said = request.unanswered
    last = said[-1].strip() if said else ""
    word = _MARK.sub("", last).strip().lower()
    if found := _SLOW.match(word):
        return Line(_quote(said), seconds=float(found["seconds"]))
    special = _special(word, request)
    if special is not None:
        return special
    if found := _PARTS.match(word):
        return Line(_in_parts(int(found["count"]), said))
    if "markdown" in word or word.startswith("long"):
        return Line(ARTICLE)
    if (found := _CONTACT.search(last)) and "contact_form" in request.tools:
        line = _contact(found["name"].strip(), found["message"].strip(), request)
        return replace(line, text=f"{_marks(said[:-1])} {line.text}".strip()) if line.text else line
    if (called := _called(last, request)) is not None:
        return called
    if _QUESTION.search(last) and "semantic_search" in request.tools:
        return _looked_up(last, request) or Line(_quote(said))
    return Line(_quote(said))


def _called(last: str, request: Request) -> Line | None:
    """Call the tool that is asked for, and quote what it says: `find: bicycle`, `order: 1001`, `call NAME {…}`."""
    tool, arguments = None, ""
    if found := _LOOKUP.fullmatch(last):
        argument, tools = _LOOKUPS[found["word"].lower()]
        tool = next((name for name in tools if name in request.tools), None)
        arguments = json.dumps({argument: found["what"].strip()})
    elif (found := _CALL.fullmatch(last)) and found["tool"] in request.tools:
        tool, arguments = found["tool"], found["arguments"]
    if tool is None:
        return None
    return (
        Line(f"{tool} says: {request.tool_results[-1]}")
        if request.tool_results
        else Line(tool=tool, raw_arguments=arguments)
    )


def _looked_up(question: str, request: Request) -> Line | None:
    """Look a question up, and answer with the best passage; None where nothing was found."""
    if not request.tool_results:
        return Line(tool="semantic_search", raw_arguments=json.dumps({"query": question}))
    try:
        passages = json.loads(request.tool_results[-1])["passages"]
    except (ValueError, KeyError):
        return None
    return Line(f"{passages[0]['document']} says: {passages[0]['text']}") if passages else None


def _special(word: str, request: Request) -> Line | None:
    """Return the line for a word that asks for trouble; a mark may stand behind it."""
    match word:
        case "fail":
            return Line(status=500)
        case "busy":
            return Line(status=429)
        case "empty":
            return Line(choices=0)
        case "blank":
            return Line("")
        case "huge":
            return Line("x" * _HUGE)
        case "malformed" if not request.tool_results:
            return Line(tool="contact_form", raw_arguments='{"name": ')
        case "unknown tool" if not request.tool_results:
            return Line(tool="launch_rocket", raw_arguments="{}")
        case "loop" if request.tools:
            number = len(request.messages)
            return Line(tool="contact_form", raw_arguments=f'{{"name": "Loop", "message": "round {number}"}}')
    return None


def _contact(name: str, message: str, request: Request) -> Line:
    if request.tool_results and not request.tool_results[-1].startswith(_NOT_UNDERSTOOD):
        return Line(f"{request.tool_results[-1]} (Your message: {message})")
    arguments = f'{{"name": {json.dumps(name)}, "message": {json.dumps(message)}}}'
    return Line(tool="contact_form", raw_arguments=arguments)


def _in_parts(count: int, said: Sequence[str]) -> str:
    """Answer in so many parts, each of which says which it is; the first quotes what is answered beside it."""
    *before, last = said
    mark = next(iter(_MARK.findall(last)), "0-0")
    parts = [f"<{number}/{count} {mark}> [{mark}] {_FILLING}" for number in range(1, count + 1)]
    return "\n\n".join([_marks(before), *parts]).strip()


def _marks(said: Sequence[str]) -> str:
    """Return the marks of what is answered, by which checkers know it."""
    return " ".join(f"[{mark}]" for text in said for mark in _MARK.findall(text))


def _quote(said: Sequence[str]) -> str:
    """Quote everything that is answered, so that whoever reads the answer sees what it covers."""
    if len(said) == 1:
        hello = "Hello! " if _GREETING.match(said[0].strip()) else ""
        return f"{hello}You said: {said[0]}"
    return "\n".join(["You said:", "", *(f"{number}. {text}" for number, text in enumerate(said, start=1))])
