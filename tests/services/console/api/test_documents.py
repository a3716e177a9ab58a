"""Documents by the API: sent, looked at, searched, removed."""

from typing import Any

import pytest

from services.console.api import documents
from services.console.knowledge.indexing import Indexing
from shared.store.session import Store
from tests.files import a_pdf
from tests.services.console.api.conftest import OTHER, Asker, MakeAsker

TEXT = b"A double room costs 120 euros."


@pytest.fixture
async def agent(admin: Asker) -> str:
    made = await admin.ask("POST", "agents", json={"name": "A", "instructions": "Help."})
    return f"agents/{made.json()['id']}"


async def index_all(indexing: Indexing) -> None:
    while await indexing.next():
        pass


async def put(asker: Asker, agent: str, name: str = "prices.txt", content: bytes = TEXT, query: str = "") -> Any:
    return await asker.ask("PUT", f"{agent}/documents?name={name}{query}", content=content)


async def test_a_document_is_sent_and_found(admin: Asker, agent: str, indexing: Indexing) -> None:
    """
    What is searched tells its document, page and heading.
    """
    sent = await put(admin, agent, "Prices.pdf", a_pdf(TEXT.decode()), "&language=italian")
    assert (sent.status_code, sent.json()["state"], sent.json()["language"]) == (201, "queued", "italian")
    await index_all(indexing)
    path = f"{agent}/documents/{sent.json()['id']}"
    shown = (await admin.ask("GET", path)).json()
    assert (shown["state"], shown["passages"], shown["media_type"]) == ("ready", 1, "application/pdf")
    assert (await admin.ask("GET", f"{agent}/documents")).json()["items"] == [shown]
    found = (await admin.ask("POST", f"{agent}/searches", json={"query": "double room"})).json()
    [passage] = found["passages"]
    assert (passage["document"], passage["page"], passage["text"]) == ("Prices.pdf", 1, TEXT.decode())
    assert (found["rankings"], found["missing"]) == (["every_word", "any_word", "likeness"], [])


async def test_a_document_is_put_in_the_place_of_the_one_of_its_name(admin: Asker, agent: str) -> None:
    """
    201 for a new one, 200 for one that was there; the same content again keeps its version.
    """
    answers = [await put(admin, agent, content=content) for content in (TEXT, TEXT, b"New prices.")]
    assert [it.status_code for it in answers] == [201, 200, 200]
    assert [it.headers["etag"] for it in answers] == ['"1"', '"1"', '"2"']
    assert len({it.json()["id"] for it in answers}) == 1


async def test_a_file_that_cannot_be_read_tells_why_in_words(admin: Asker, agent: str, indexing: Indexing) -> None:
    """
    And by a code, for programs.
    """
    sent = await put(admin, agent, "photo.txt", b"\x89PNG\r\n\x1a\n\x00\x00")
    await index_all(indexing)
    shown = (await admin.ask("GET", f"{agent}/documents/{sent.json()['id']}")).json()
    assert (shown["state"], shown["failure"]) == ("failed", "kind_unknown")
    assert shown["reason"].startswith("This kind of file is not read")


async def test_a_document_has_a_largest_size(admin: Asker, agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    413, and nothing of it is kept.
    """
    assert documents.MOST_BYTES == 20_000_000
    monkeypatch.setattr(documents, "MOST_BYTES", 10)
    assert (await put(admin, agent, content=b"x" * 10)).status_code == 201
    refused = await put(admin, agent, "other.txt", b"x" * 11)
    assert (refused.status_code, refused.json()["code"]) == (413, "document_too_large")
    assert len((await admin.ask("GET", f"{agent}/documents")).json()["items"]) == 1


@pytest.mark.parametrize("name", ["", "%20", "a%0Ab", "a%00b", "x" * 201])
async def test_a_name_is_one_line_that_can_be_shown(admin: Asker, agent: str, name: str) -> None:
    """
    It stands below answers, as their source.
    """
    assert (await put(admin, agent, name)).status_code == 422


async def test_a_removed_document_is_gone_with_its_passages(admin: Asker, agent: str, indexing: Indexing) -> None:
    """
    It needs the version that is removed, as every change does.
    """
    sent = await put(admin, agent)
    await index_all(indexing)
    path = f"{agent}/documents/{sent.json()['id']}"
    assert (await admin.ask("DELETE", path)).status_code == 428
    assert (await admin.ask("DELETE", path, headers={"If-Match": sent.headers["etag"]})).status_code == 204
    assert (await admin.ask("POST", f"{agent}/searches", json={"query": "room"})).json()["passages"] == []


async def test_an_agent_with_documents_is_not_deleted(admin: Asker, agent: str) -> None:
    """
    409: somebody still needs them, or removes them first.
    """
    await put(admin, agent)
    answer = await admin.ask("DELETE", agent, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")


async def test_a_document_is_its_agents(admin: Asker, agent: str, asker: MakeAsker) -> None:
    """
    Below another agent, and for another company, it is not there.
    """
    sent = await put(admin, agent)
    second = await admin.ask("POST", "agents", json={"name": "B", "instructions": "Help."})
    name = sent.json()["id"]
    assert (await admin.ask("GET", f"agents/{second.json()['id']}/documents/{name}")).status_code == 404
    stranger = await asker(OTHER)
    for method, path in (("GET", f"documents/{name}"), ("POST", f"documents/{name}/indexings"), ("GET", "documents")):
        assert (await stranger.ask(method, f"{agent}/{path}")).status_code == 404
    assert (await stranger.ask("POST", f"{agent}/searches", json={"query": "room"})).status_code == 404
    assert (await put(stranger, agent)).status_code == 404


async def test_what_is_done_to_documents_is_on_record(admin: Asker, agent: str, store: Store) -> None:
    """
    Sent, replaced, indexed anew, removed: never with what they say.
    """
    sent = await put(admin, agent)
    await put(admin, agent, content=b"New prices.")
    path = f"{agent}/documents/{sent.json()['id']}"
    again = await admin.ask("POST", f"{path}/indexings")
    assert (again.status_code, again.headers["etag"]) == (202, '"3"')
    await admin.ask("DELETE", path, headers={"If-Match": '"3"'})
    async with store.connection() as connection:
        rows = await (await connection.execute("select action, before, after from audit order by id")).fetchall()
    told = [row for row in rows if row["action"].startswith("knowledge_document")]
    assert [row["action"].partition(".")[2] for row in told] == ["created", "changed", "queued", "deleted"]
    assert "prices." in str(told) and "euros" not in str(told)  # noqa: PT018 - two sides of one thing
