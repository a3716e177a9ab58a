"""Embeddings: a port, and its adapter to any OpenAI-compatible API. Off unless a model is set."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import httpx2
from pydantic import BaseModel, ValidationError

from shared.settings import Embeddings


class EmbeddingsUnavailable(Exception):
    """The endpoint did not answer as it should."""


class Embedder(Protocol):
    """Turns texts into vectors. `model`: those of another one cannot be compared."""

    @property
    def model(self) -> str:
        """Return the model's name."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text. Raises EmbeddingsUnavailable."""


class _Vector(BaseModel):
    index: int
    embedding: list[float]


class _Vectors(BaseModel):
    data: list[_Vector]


@dataclass(frozen=True)
class OpenAIEmbedder:
    """The adapter."""

    client: httpx2.AsyncClient
    model: str

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Ask once, for all texts."""
        try:
            answer = await self.client.post("embeddings", json={"model": self.model, "input": list(texts)})
            answer.raise_for_status()
            found = _Vectors.model_validate_json(answer.content)
        except (httpx2.HTTPError, ValidationError) as error:
            raise EmbeddingsUnavailable from error
        vectors = {it.index: it.embedding for it in found.data}
        if vectors.keys() != set(range(len(texts))) or len({len(it) for it in vectors.values()}) > 1:
            raise EmbeddingsUnavailable
        return [vectors[index] for index in range(len(texts))]


@asynccontextmanager
async def open_embedder(settings: Embeddings) -> AsyncIterator[OpenAIEmbedder | None]:
    """Hold a client for the length of the block; None where no model is set."""
    if settings.model is None:
        yield None
        return
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    async with httpx2.AsyncClient(
        base_url=settings.base_url,
        headers={"Authorization": f"Bearer {key}"},
        timeout=settings.limit,
        trust_env=False,
        follow_redirects=False,
    ) as client:
        yield OpenAIEmbedder(client, settings.model)
