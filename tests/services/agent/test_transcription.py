"""Voice messages at an OpenAI-compatible API."""

import asyncio

import pytest
from pydantic import SecretStr

from services.agent.media.kinds import Format
from services.agent.media.transcription import TranscriptionUnavailable, open_transcriber
from services.agent.settings import Transcription
from tests.fakes.web import FakeWeb, reply, web_server

OGG = Format("audio/ogg", "ogg")


async def heard(web: FakeWeb, limit: float = 10.0) -> str:
    settings = Transcription(model="whisper-1", base_url=f"{web.url}/v1/", api_key=SecretStr("k-1"), limit=limit)
    async with open_transcriber(settings) as transcriber:
        assert transcriber is not None
        return await transcriber.heard(b"OggS-recording", OGG)


async def test_a_recording_goes_there_as_a_file_and_comes_back_as_text() -> None:
    """
    With the model and the key that are set.
    """
    async with web_server(lambda _asked: reply('{"text": "Hello there"}')) as web:
        assert await heard(web) == "Hello there"
    [asked] = web.asked
    assert asked.line == "POST /v1/audio/transcriptions HTTP/1.1"
    assert asked.headers["authorization"] == "Bearer k-1"
    for part in (b"whisper-1", b'filename="voice.ogg"', b"audio/ogg", b"OggS-recording"):
        assert part in asked.body


@pytest.mark.parametrize(
    "answer",
    [
        reply("{}"),
        reply('{"text": 5}'),
        reply("[]"),
        reply("nonsense"),
        reply("busy", status=429),
        reply("no", status=401),
        reply("oops", status=500),
        None,
    ],
    ids=["no text", "a number", "a list", "no JSON", "too many", "no key", "broken", "closed"],
)
async def test_whatever_else_it_answers_nobody_was_heard(answer: bytes | None) -> None:
    """
    It is asked once: the person waits.
    """
    async with web_server(lambda _asked: answer) as web:
        with pytest.raises(TranscriptionUnavailable):
            await heard(web)
    assert len(web.asked) == 1


async def test_one_that_does_not_answer_is_not_waited_for() -> None:
    """
    Longer than its limit.
    """
    over = asyncio.Event()

    async def never(_asked: object) -> None:
        await over.wait()

    async with web_server(never) as web:
        with pytest.raises(TranscriptionUnavailable):
            await heard(web, limit=0.2)
        over.set()


async def test_without_a_model_there_is_none() -> None:
    """
    The sentence for it says that voice messages cannot be listened to.
    """
    async with open_transcriber(Transcription()) as transcriber:
        assert transcriber is None
