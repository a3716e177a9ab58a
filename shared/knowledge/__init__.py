"""How knowledge is searched: by the agent's tool, and by the console, which shows what the agent would find (ADR 15)."""

from shared.knowledge.embeddings import Embedder, EmbeddingsUnavailable, OpenAIEmbedder, open_embedder
from shared.knowledge.folding import folded
from shared.knowledge.search import Found, Knowledge, Passage, SearchTooSlow

__all__ = [
    "Embedder",
    "EmbeddingsUnavailable",
    "Found",
    "Knowledge",
    "OpenAIEmbedder",
    "Passage",
    "SearchTooSlow",
    "folded",
    "open_embedder",
]
