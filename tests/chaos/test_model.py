"""The scripted model in trouble, and the log that the checker reads."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import uvicorn

from dev.model import script
from dev.model.app import create_app
from tests.eventually import eventually


@pytest.fixture
async def model() -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a running model."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(), log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx2.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
        yield client
    server.should_exit = True
    await serving


def asked(*said: str, **more: Any) -> dict[str, Any]:
    return {"user": "cv_1", "messages": [{"role": "user", "content": text} for text in said], **more}


async def test_a_call_is_logged_with_its_conversation_and_its_end(model: httpx2.AsyncClient) -> None:
    """
    Whoever reads the log knows when which conversation was answered.
    """
    await model.post("/v1/chat/completions", json=asked("hello [1-0]"))
    [call] = (await model.get("/script/log")).json()
    assert (call["conversation"], call["status"], call["answer"]) == ("cv_1", 200, "Hello! You said: hello [1-0]")
    assert call["started"] <= call["ended"]


async def test_a_call_whose_caller_hangs_up_ends_then(model: httpx2.AsyncClient) -> None:
    """
    A run that was broken off does not seem to go on beside the next one.
    """
    with pytest.raises(httpx2.TimeoutException):
        await model.post("/v1/chat/completions", json=asked("slow 60 [1-0]"), timeout=0.2)

    async def ended() -> dict[str, Any] | None:
        [call] = (await model.get("/script/log")).json()
        return call if call["ended"] else None

    call = await eventually(ended)
    assert call["status"] is None
    assert call["ended"] - call["started"] < 10


@pytest.mark.parametrize(("word", "status"), [("fail", 500), ("busy", 429)])
async def test_a_word_of_trouble_works_beside_a_mark(model: httpx2.AsyncClient, word: str, status: int) -> None:
    """
    The checker can tell whose trouble it was.
    """
    answer = await model.post("/v1/chat/completions", json=asked(f"{word} [1-0]"))
    assert answer.status_code == status


def test_an_answer_in_parts_numbers_them_and_covers_what_was_asked_before() -> None:
    """
    Each part says which of how many it is; the marks of the whole burst are in the answer.
    """
    line = script.next_line(script.Request(asked("hello [1-0]", "parts 3 [1-1]")["messages"]))
    assert line.text.startswith("[1-0]")
    assert [f"<{number}/3 1-1>" in line.text for number in (1, 2, 3, 4)] == [True, True, True, False]
