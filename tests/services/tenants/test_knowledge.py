"""Knowledge on the whole way: an answer that quotes a document and names it, for the tenant whose document it is."""

from collections.abc import Sequence
from typing import Any

import pytest

from dev.model import script
from services.agent.llm import Completion, Said, ToolRequest
from services.console.access import SCOPES, Principal
from services.console.knowledge.documents import Documents, NewDocument
from services.console.knowledge.indexing import Indexing
from shared.ids import AgentId
from shared.store.session import Store
from shared.vault import Vault
from tests.files import a_pdf
from tests.services.desk import SECOND, SECOND_LINE, SECOND_SENDER, TENANT
from tests.services.tenants.conftest import Gateway

QUESTION = "What does a double room cost?"
QUOTED = "Prices 2026.pdf says: A double room costs 120 euros. [Prices 2026.pdf]"
"""With the source behind it, as the fake channel writes sources."""


def as_scripted(messages: Sequence[Said], tools: Sequence[Said]) -> Completion:
    """Answer as the local stack's model does."""
    line = script.next_line(script.Request(messages, [tool["function"]["name"] for tool in tools]))
    return Completion(line.text, (ToolRequest("call_1", line.tool, line.raw_arguments),) if line.tool else ())


@pytest.fixture
async def informed(gateway: Gateway, console_store: Store, vault: Vault) -> Gateway:
    """Two companies with a line each; the first one's agent has a price list."""
    await gateway.platform.plant()
    await gateway.platform.plant_second()
    gateway.model.script = as_scripted
    indexing = Indexing(console_store, vault, owner=1)
    document = NewDocument("Prices 2026.pdf", a_pdf("A double room costs 120 euros."), "english")
    who = Principal("key/test", None, SCOPES)
    await Documents(console_store, vault, indexing).put(who, AgentId("ag_test"), TENANT, document)
    assert await indexing.next()
    return gateway


async def offered(gateway: Gateway) -> list[dict[str, Any]]:
    return [message for said in gateway.model.told for message in said if message["role"] == "tool"]


async def test_an_answer_quotes_the_document_and_names_it(informed: Gateway) -> None:
    """
    The next answer, which looks nothing up, names none.
    """
    ann = informed.person()
    await ann.writes(QUESTION)
    assert await informed.told(1) == [QUOTED]
    await ann.writes("thank you")
    assert "[" not in (await informed.told(2))[1]


async def test_another_company_finds_nothing_of_it(informed: Gateway) -> None:
    """
    The same question to its line: its agent has nothing to look things up in, and is not even offered to.
    """
    bob = informed.person(tenant=SECOND, line=SECOND_LINE, to=SECOND_SENDER)
    await bob.writes(QUESTION)
    assert await informed.told(1) == [f"You said: {QUESTION}"]
    assert await offered(informed) == []


async def test_another_company_with_documents_finds_its_own(
    informed: Gateway, console_store: Store, vault: Vault
) -> None:
    """
    And never the first one's, whatever they have in common.
    """
    indexing = Indexing(console_store, vault, owner=1)
    document = NewDocument("Rooms.txt", b"A double room costs 90 dollars.", "english")
    who = Principal("key/test", None, SCOPES)
    await Documents(console_store, vault, indexing).put(who, AgentId("ag_second"), SECOND, document)
    await indexing.next()
    bob = informed.person(tenant=SECOND, line=SECOND_LINE, to=SECOND_SENDER)
    await bob.writes(QUESTION)
    assert await informed.told(1) == ["Rooms.txt says: A double room costs 90 dollars. [Rooms.txt]"]
    assert "120" not in str(informed.model.told)
