"""Servers that call themselves OpenAI-compatible: each answer ends in a text, or in a failure that gets the person an apology."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import openai
import orjson
import pytest
import stamina

from services.agent.llm import OpenAIModel
from services.agent.llm_port import Candidate, Completion
from services.agent.loop import Answer
from shared.failures import GatewayError
from tests.fakes.web import Asked, FakeWeb, Respond, reply, web_server
from tests.unit.test_loop import Notebook, a_loop

CALL: dict[str, Any] = {"name": "contact_form", "arguments": '{"name": "Ann", "message": "Hi"}'}
HTML = "<!doctype html><title>502 Bad Gateway</title>"


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


@asynccontextmanager
async def served(respond: Respond, limit: float = 20.0) -> AsyncIterator[tuple[OpenAIModel, FakeWeb]]:
    """Yield a model behind a server that answers so."""
    async with (
        web_server(respond) as web,
        openai.AsyncOpenAI(base_url=f"{web.url}/v1", api_key="k", max_retries=0, timeout=limit) as client,
    ):
        yield OpenAIModel(client, "their-model", 200, limit), web


def said(message: object, **more: object) -> bytes:
    return reply(orjson.dumps({"choices": [{"index": 0, "message": message}], **more}))


def streamed(*pieces: object, done: bool = True) -> bytes:
    lines = b"".join(b"data: " + orjson.dumps(piece) + b"\n\n" for piece in pieces)
    return reply(lines + (b"data: [DONE]\n\n" if done else b""), content_type="text/event-stream")


def delta(**more: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": more}]}


async def turn(*answers: bytes, limit: float = 20.0) -> tuple[Answer, Notebook, FakeWeb]:
    """Run a turn against a server that gives these answers, the last one for ever. Raises GatewayError."""
    left = [*answers]
    async with served(lambda _asked: left.pop(0) if len(left) > 1 else left[0], limit) as (model, web):
        notebook = Notebook()
        loop, _ = a_loop(lambda *_: Completion(""), notebook)
        loop.models = [Candidate(model, None)]
        return await loop.run([{"role": "user", "content": "hello"}]), notebook, web


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (said({"role": "assistant", "content": "Hi."}), "Hi."),
        (said({"content": "Hi.", "tool_calls": None}, usage=None, model=None), "Hi."),
        (said({"content": "Hi.", "tool_calls": []}, usage={"prompt_tokens": None, "completion_tokens": "3"}), "Hi."),
        (said({"content": "Hi.", "tool_calls": "none"}), "Hi."),
        (said({"content": "Hi.", "tool_calls": [None, {}, {"function": None}, {"function": {"name": ""}}]}), "Hi."),
        (said({"content": [{"type": "text", "text": "H"}, {"type": "text", "text": "i."}, {"type": "image"}]}), "Hi."),
        (streamed(delta(role="assistant"), delta(content="H"), delta(content="i."), {"choices": []}), "Hi."),
        (streamed(delta(content="Hi."), done=False), "Hi."),
        (streamed({"choices": [{"message": {"content": "Hi."}}]}), "Hi."),
        (reply(b": keep-alive\n\n" + streamed(delta(content="Hi.")).partition(b"\r\n\r\n")[2]), "Hi."),
    ],
    ids=[
        "plain", "nulls", "odd_usage", "odd_tool_calls", "calls_of_nothing", "parts", "stream_unasked", "stream_without_end",
        "whole_messages_streamed", "stream_named_json",
    ],
)  # fmt: skip
async def test_what_can_be_read_is_an_answer(answer: bytes, text: str) -> None:
    """
    Whatever is left out, null, or of another type.
    """
    assert (await turn(answer))[0].text == text


@pytest.mark.parametrize(
    "call",
    [
        {"id": "c1", "type": "function", "function": CALL},
        {"function": CALL},
        {"id": None, "type": None, "function": CALL},
        {"id": "", "function": {**CALL, "arguments": {"name": "Ann", "message": "Hi"}}},
    ],
    ids=["plain", "bare", "null_id", "arguments_as_object"],
)
async def test_a_tool_is_called_whatever_its_request_leaves_out(call: dict[str, Any]) -> None:
    """
    And the model is told the result under the id that it gave, or one of ours.
    """
    answer, notebook, web = await turn(said({"content": None, "tool_calls": [call]}), said({"content": "Done."}))
    assert (answer.text, answer.steps) == ("Done.", 1)
    assert [form for _, form in notebook.forms] == [{"name": "Ann", "message": "Hi", "email": ""}]
    *_, request, result = orjson.loads(web.asked[1].body)["messages"]
    assert request["tool_calls"][0]["id"] == result["tool_call_id"] != ""


async def test_calls_under_one_id_are_told_apart() -> None:
    """
    Servers refuse two results under one id.
    """
    calls = [{"id": "c1", "function": {**CALL, "arguments": f'{{"name": "{who}", "message": "Hi"}}'}} for who in "AB"]
    _, notebook, web = await turn(said({"tool_calls": calls}), said({"content": "Done."}))
    results = [it["tool_call_id"] for it in orjson.loads(web.asked[1].body)["messages"] if it["role"] == "tool"]
    assert len(set(results)) == len(notebook.forms) == 2


async def test_a_call_that_is_streamed_is_put_together() -> None:
    """
    Its name comes first, its arguments piece by piece.
    """
    first = delta(tool_calls=[{"index": 0, "id": "c1", "function": {"name": "contact_form", "arguments": ""}}])
    rest = [
        delta(tool_calls=[{"index": 0, "function": {"arguments": it}}])
        for it in ('{"name": "Ann", ', '"message": "Hi"}')
    ]
    answer, notebook, _ = await turn(streamed(first, *rest), said({"content": "Done."}))
    assert (answer.text, len(notebook.forms)) == ("Done.", 1)


async def test_arguments_that_are_no_json_are_told_to_the_model() -> None:
    """
    It may put them right.
    """
    broken = {"id": "c1", "function": {"name": "contact_form", "arguments": '{"name": '}}
    answer, notebook, web = await turn(said({"tool_calls": [broken]}), said({"content": "Sorry."}))
    assert (answer.text, notebook.forms) == ("Sorry.", [])
    assert orjson.loads(web.asked[1].body)["messages"][-1]["content"] == "The arguments are not valid JSON."


@pytest.mark.parametrize(
    ("answer", "code", "tries"),
    [
        (reply('{"choices": []}'), "model_empty", 1),
        (said({"content": None}), "model_empty", 1),
        (said(None), "model_empty", 1),
        (reply('{"error": {"message": "overloaded"}}'), "model_unavailable", 3),
        (reply("[]"), "model_unavailable", 3),
        (reply('{"choices": '), "model_unavailable", 3),
        (reply(HTML, content_type="text/html"), "model_unavailable", 3),
        (reply(HTML, 502, content_type="text/html"), "model_unavailable", 3),
        (reply(b"data: {broken\n\n"), "model_unavailable", 3),
        (reply(b"data: [DONE]\n\n"), "model_unavailable", 3),
        (b"", "model_unavailable", 3),
        (reply("{}", content_length="100"), "model_unavailable", 3),
        (reply("{}", 500), "model_unavailable", 3),
        (reply("{}", 429), "model_unavailable", 3),
        (reply("{}", 429, retry_after="0"), "model_unavailable", 3),
        (reply("{}", 429, retry_after="3600"), "model_unavailable", 1),
        (reply("{}", 401), "model_refused", 1),
        (reply("{}", 404), "model_refused", 1),
        (reply("{}", 400), "model_refused", 1),
        (reply('{"error": {"message": "upstream refused"}}', 400), "model_refused", 1),
        (reply(b"x" * (5 * 1024 * 1024)), "model_unavailable", 3),
    ],
    ids=[
        "no_choices", "null_content", "null_message", "error_with_200", "a_list", "half_json", "html", "html_502",
        "broken_stream", "empty_stream", "closed", "cut_off", "500", "429", "429_at_once", "429_in_an_hour", "401", "404", "400", "400_upstream",
        "without_end",
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_a_failure_by_name(answer: bytes, code: str, tries: int) -> None:
    """
    What may pass is tried three times in all; what would pass too late, or never, once.
    """
    async with served(lambda _asked: answer) as (model, web):
        loop, _ = a_loop(lambda *_: Completion(""), Notebook())
        loop.models = [Candidate(model, None)]
        with pytest.raises(GatewayError, match=code):
            await loop.run([{"role": "user", "content": "hello"}])
    assert len(web.asked) == tries


async def test_an_answer_of_a_megabyte_is_cut() -> None:
    """
    To what a person can be sent.
    """
    answer, _, _ = await turn(said({"content": "x" * 1_000_000}))
    assert len(answer.text) == 16 * 1024


async def test_a_server_that_only_streams_is_asked_to_and_remembered() -> None:
    """
    Its refusal says so; the next call streams at once.
    """

    def only_streams(asked: Asked) -> bytes:
        if not orjson.loads(asked.body).get("stream"):
            return reply('{"error": {"message": "This model only supports stream mode."}}', 400)
        return streamed(delta(content="Hi."), {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}})

    async with served(only_streams) as (model, web):
        for _ in range(2):
            completion = await model.complete([], [], model=None, user="cv")
            assert (completion.text, completion.input_tokens, completion.output_tokens) == ("Hi.", 7, 2)
    assert len(web.asked) == 3


async def test_a_model_that_names_its_limit_otherwise_is_told_so() -> None:
    """
    Newer models of OpenAI's know `max_completion_tokens` alone.
    """

    def newer(asked: Asked) -> bytes:
        if "max_tokens" in orjson.loads(asked.body):
            return reply('{"error": {"message": "Use \'max_completion_tokens\' instead of \'max_tokens\'."}}', 400)
        return said({"content": "Hi."})

    async with served(newer) as (model, web):
        assert (await model.complete([], [], model=None, user="cv")).text == "Hi."
    assert orjson.loads(web.asked[-1].body)["max_completion_tokens"] == 200


async def test_a_slow_trickle_ends_with_the_time_of_the_call() -> None:
    """
    Although each byte comes soon after the one before.
    """
    hung_up = asyncio.Event()

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b" ")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await reader.read(4096)
        writer.close()
        hung_up.set()

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server, openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0, timeout=5) as client:
        model = OpenAIModel(client, "their-model", 200, 0.4)
        with pytest.raises(GatewayError, match="model_unavailable"):
            await model.complete([], [], model=None, user="cv")
        await hung_up.wait()


@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
async def test_a_server_is_given_the_time_that_it_asks_for(*, as_date: bool) -> None:
    """
    In seconds or as a date.
    """
    answers: list[Callable[[], bytes]] = [
        lambda: reply("{}", 429, retry_after=format_datetime(due[0], usegmt=True) if as_date else "1"),
        lambda: said({"content": "Hi."}),
    ]
    due: list[datetime] = []
    came: list[datetime] = []

    def respond(_asked: Asked) -> bytes:
        came.append(datetime.now(UTC))
        due.append(
            came[-1].replace(microsecond=0) + timedelta(seconds=2) if as_date else came[-1] + timedelta(seconds=1)
        )
        return answers.pop(0)()

    async with served(respond) as (model, _web):
        with stamina.set_testing(False):
            assert (await model.complete([], [], model=None, user="cv")).text == "Hi."
    assert came[1] >= due[0]


@pytest.mark.parametrize("asked", ["soon", "-5", "Mon, 02 Jan 2006 15:04:05 GMT", ""])
async def test_what_is_no_time_to_come_delays_nothing_for_long(asked: str) -> None:
    """
    The pause is ours then.
    """
    answers = [reply("{}", 503, retry_after=asked), said({"content": "Hi."})]
    async with served(lambda _asked: answers.pop(0), limit=2.0) as (model, _web):
        assert (await model.complete([], [], model=None, user="cv")).text == "Hi."
