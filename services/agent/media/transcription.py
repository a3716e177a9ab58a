"""Turns voice messages into text, by any OpenAI-compatible API. Off unless a model is set."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import openai

from services.agent.media.kinds import Format
from services.agent.settings import Transcription


class TranscriptionUnavailable(Exception):
    """The API did not answer as it should."""


class Transcriber(Protocol):
    """Hears what was said."""

    async def heard(self, recording: bytes, form: Format) -> str:
        """Return what was said in it. Raises `TranscriptionUnavailable`."""


@dataclass(frozen=True)
class OpenAITranscriber:
    """The adapter."""

    client: openai.AsyncOpenAI
    model: str
    limit: float
    """Seconds that it may take."""

    async def heard(self, recording: bytes, form: Format) -> str:
        """Ask once: the turn has only so much time."""
        file = (f"voice.{form.ending}", recording, form.media_type)
        try:
            async with asyncio.timeout(self.limit):
                answer = await self.client.audio.transcriptions.create(model=self.model, file=file)
        except (openai.OpenAIError, TimeoutError, ValueError) as error:
            raise TranscriptionUnavailable from error
        text = getattr(answer, "text", None)
        if not isinstance(text, str):
            raise TranscriptionUnavailable
        return text


@asynccontextmanager
async def open_transcriber(settings: Transcription) -> AsyncIterator[OpenAITranscriber | None]:
    """Hold a client for the length of the block; None where no model is set."""
    if settings.model is None:
        yield None
        return
    key = settings.api_key.get_secret_value() if settings.api_key else "none"
    async with openai.AsyncOpenAI(
        base_url=settings.base_url, api_key=key, timeout=settings.limit, max_retries=0
    ) as client:
        yield OpenAITranscriber(client, settings.model, settings.limit)
