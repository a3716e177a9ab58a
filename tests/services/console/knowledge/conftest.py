"""An agent with documents, and a worker that indexes them when told to."""

from dataclasses import dataclass, field

import pytest

from services.console.access import SCOPES, Principal
from services.console.knowledge.documents import Documents, NewDocument
from services.console.knowledge.indexing import Indexing
from shared.ids import AgentId
from shared.knowledge import EmbeddingsUnavailable, Knowledge
from shared.store.session import Store
from shared.vault import Vault
from tests.services.desk import SECOND, TENANT, Platform

AGENT, OTHER_AGENT = AgentId("ag_test"), AgentId("ag_second")
SOMEBODY = Principal("key/test", None, SCOPES)


@dataclass
class FakeEmbedder:
    """Vectors by the words that it knows: what shares none of them is at a right angle."""

    model: str = "fake"
    words: tuple[tuple[str, ...], ...] = (("dog", "puppy", "hound"), ("car", "automobile"), ("rain", "drizzle"))
    broken: bool = False
    more: int = 0
    """Dimensions beyond those of the words."""
    asked: list[str] = field(default_factory=list)

    async def embed(self, texts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        if self.broken:
            raise EmbeddingsUnavailable
        self.asked += texts
        return [
            [0.1, *(float(any(word in text for word in group)) for group in self.words), *[0.0] * self.more]
            for text in texts
        ]


@dataclass
class Library:
    """The documents of the two companies' agents."""

    documents: Documents
    indexing: Indexing
    knowledge: Knowledge
    store: Store

    async def add(self, name: str, text: str | bytes, agent: AgentId = AGENT, language: str = "english") -> str:
        content = text if isinstance(text, bytes) else text.encode()
        tenant = TENANT if agent == AGENT else SECOND
        row, _ = await self.documents.put(SOMEBODY, agent, tenant, NewDocument(name, content, language))
        return str(row["id"])

    async def index_all(self) -> None:
        while await self.indexing.next():
            pass

    async def state(self, document: str) -> tuple[str, str | None, int, int]:
        row = await self.documents.records.get(SOMEBODY, document)
        return row["state"], row["failure"], row["generation"], row["passages"]

    async def found(self, query: str, document: str | None = None, agent: AgentId = AGENT) -> list[str]:
        """Return what is found, as texts."""
        tenant = TENANT if agent == AGENT else SECOND
        result = await self.knowledge.search(tenant, agent, query, 5, document)
        return [passage.text for passage in result.passages]


@pytest.fixture
async def library(console_store: Store, agent_store: Store, platform: Platform, vault: Vault) -> Library:
    await platform.plant()
    await platform.plant_second()
    indexing = Indexing(console_store, vault, owner=1)
    return Library(Documents(console_store, vault, indexing), indexing, Knowledge(agent_store), platform.store)
