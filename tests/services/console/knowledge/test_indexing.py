"""Documents become searchable, once, whatever happens meanwhile."""

import asyncio

import pytest

from services.console.knowledge import documents
from services.console.knowledge.documents import TooManyDocuments
from services.console.knowledge.indexing import Indexing
from shared.ids import TenantId
from shared.process import end_all
from shared.store.presence import presence
from shared.store.session import Store
from shared.vault import Vault
from tests.eventually import eventually
from tests.files import a_pdf
from tests.services.console.knowledge.conftest import AGENT, OTHER_AGENT, SOMEBODY, FakeEmbedder, Library
from tests.services.desk import SECOND


async def test_a_document_is_read_cut_and_found(library: Library) -> None:
    """
    What it is gets found out, and it counts its passages.
    """
    document = await library.add("prices.txt", a_pdf("A double room costs 120 euros.", "Dogs are welcome."))
    assert await library.state(document) == ("queued", None, 0, 0)
    assert await library.found("double room") == []
    await library.index_all()
    assert await library.state(document) == ("ready", None, 1, 1)
    row = await library.documents.records.get(SOMEBODY, document)
    assert (row["media_type"], row["indexed_at"] is not None) == ("application/pdf", True)
    assert await library.found("double room") == ["A double room costs 120 euros.\nDogs are welcome."]


async def test_a_file_that_cannot_be_read_says_why_and_holds_nothing_up(library: Library) -> None:
    """
    The next one is indexed.
    """
    broken, fine = await library.add("a.pdf", b"%PDF-1.7 nothing"), await library.add("b.txt", "Dogs are welcome.")
    await library.index_all()
    assert await library.state(broken) == ("failed", "damaged", 0, 0)
    assert await library.found("dogs") == ["Dogs are welcome."]
    assert (await library.state(fine))[0] == "ready"


async def test_the_same_file_again_changes_nothing(library: Library) -> None:
    """
    Not even its version; in another language it is another document.
    """
    document = await library.add("a.txt", "Dogs are welcome.")
    await library.index_all()
    assert await library.add("a.txt", "Dogs are welcome.") == document
    assert await library.state(document) == ("ready", None, 1, 1)
    await library.add("a.txt", "Dogs are welcome.", language="italian")
    assert (await library.state(document))[0] == "queued"


async def test_a_new_content_takes_the_place_of_the_old_one_in_one_moment(library: Library) -> None:
    """
    Until it is ready the old one is found, and then only the new one.
    """
    document = await library.add("a.txt", "Dogs cost 10 euros.")
    await library.index_all()
    assert await library.add("a.txt", "Dogs cost 20 euros.") == document
    assert await library.found("dogs") == ["Dogs cost 10 euros."]
    await library.index_all()
    assert await library.found("dogs") == ["Dogs cost 20 euros."]
    async with library.store.connection() as connection:
        rows = await (await connection.execute("select generation from knowledge_chunk")).fetchall()
    assert [row["generation"] for row in rows] == [2]


async def test_a_new_content_that_cannot_be_read_leaves_the_old_one(library: Library) -> None:
    """
    The document says that it failed, and is searched as it was.
    """
    document = await library.add("a.txt", "Dogs cost 10 euros.")
    await library.index_all()
    await library.add("a.txt", b"%PDF-1.7 nothing")
    await library.index_all()
    assert await library.state(document) == ("failed", "damaged", 1, 1)
    assert await library.found("dogs") == ["Dogs cost 10 euros."]


async def test_search_finds_something_at_every_moment_of_an_indexing(library: Library) -> None:
    """
    However often it is asked.
    """
    document = await library.add("a.txt", "\n\n".join(f"Dogs of kind {n} are welcome. {'x' * 700}" for n in range(200)))
    await library.index_all()
    await library.documents.index_again(SOMEBODY, AGENT, document)
    indexing = asyncio.create_task(library.index_all())
    counts = []
    while not indexing.done():
        counts.append(len(await library.found("dogs")))
    await indexing
    assert set(counts) == {5}
    assert len(counts) > 3
    assert (await library.state(document))[2] == 2


async def proves_to_live(library: Library, owner: int) -> None:
    """Wait until a process holds its lock."""

    async def is_held() -> bool:
        async with library.store.connection() as connection:
            row = await (await connection.execute("select pg_try_advisory_xact_lock(%s) as free", (owner,))).fetchone()
        return row is not None and not row["free"]

    await eventually(is_held)


async def test_two_consoles_do_not_index_the_same_document(
    library: Library, console_store: Store, vault: Vault, console_url: str
) -> None:
    """
    Each takes what the other has not begun.
    """
    documents = [await library.add(f"{n}.txt", f"Dog number {n}.") for n in range(6)]

    async def all_of(worker: Indexing) -> int:
        count = 0
        while await worker.next():
            count += 1
        return count

    async with presence(console_url) as one, presence(console_url) as other:
        for owner in (one, other):
            await proves_to_live(library, owner)
        counts = await asyncio.gather(*(all_of(Indexing(console_store, vault, owner)) for owner in (one, other)))
    assert sum(counts) == 6
    assert min(counts) >= 1
    assert {await library.state(document) for document in documents} == {("ready", None, 1, 1)}


async def test_what_a_killed_console_had_begun_is_taken_over(
    library: Library, console_store: Store, vault: Vault, console_url: str
) -> None:
    """
    Not while it lives; and what it writes after all does not count.
    """
    document = await library.add("a.txt", "Dogs are welcome.")
    async with presence(console_url) as living:
        slow, other = Indexing(console_store, vault, living), Indexing(console_store, vault, owner=2)
        await proves_to_live(library, living)
        job = await slow.claim()
        assert job is not None
        assert await other.next() is False
    await eventually(other.next)
    assert await library.state(document) == ("ready", None, 2, 1)
    await slow.index(job)
    assert await library.state(document) == ("ready", None, 2, 1)
    assert await library.found("dogs") == ["Dogs are welcome."]


async def test_a_document_at_which_every_console_dies_is_given_up(library: Library) -> None:
    """
    After three attempts.
    """
    document = await library.add("a.txt", "Dogs are welcome.")
    for _ in range(3):
        assert await library.indexing.claim() is not None
    assert await library.indexing.next()
    assert (await library.state(document))[:2] == ("failed", "given_up")


async def test_a_document_that_is_replaced_while_it_is_indexed_is_indexed_anew(library: Library) -> None:
    """
    The old content is never found.
    """
    document = await library.add("a.txt", "Dogs cost 10 euros.")
    job = await library.indexing.claim()
    assert job is not None
    await library.add("a.txt", "Dogs cost 20 euros.")
    await library.indexing.index(job)
    assert await library.found("dogs") == []
    await library.index_all()
    assert await library.found("dogs") == ["Dogs cost 20 euros."]
    assert (await library.state(document))[0] == "ready"


async def test_a_document_that_is_removed_while_it_is_indexed_is_gone(library: Library) -> None:
    """
    With all its passages.
    """
    document = await library.add("a.txt", "Dogs are welcome.")
    worker = library.indexing
    job = await worker.claim()
    assert job is not None
    await library.documents.remove(SOMEBODY, AGENT, document, 1)
    await library.add("b.txt", "Cats are welcome.")
    await library.index_all()
    async with library.store.connection() as connection:
        rows = await (await connection.execute("select content from knowledge_chunk")).fetchall()
    assert [row["content"] for row in rows] == ["Cats are welcome."]


async def test_a_tenant_with_many_documents_does_not_hold_up_another(library: Library) -> None:
    """
    Tenants take turns.
    """
    for n in range(4):
        await library.add(f"{n}.txt", f"Dog number {n}.")
    lone = await library.add("lone.txt", "A lone cat.", OTHER_AGENT)
    for _ in range(2):
        await library.indexing.next()
    assert (await library.state(lone))[0] == "ready"


async def test_the_worker_wakes_up_for_what_was_just_sent(library: Library) -> None:
    """
    And goes on after an error.
    """
    keeping = asyncio.create_task(library.indexing.keep())
    document = await library.add("a.txt", "Dogs are welcome.")

    async def is_ready() -> bool:
        return (await library.state(document))[0] == "ready"

    await eventually(is_ready)
    await end_all([keeping])


async def test_an_agent_has_so_many_documents_and_no_more(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One that is there already may be replaced.
    """
    monkeypatch.setattr(documents, "MOST_DOCUMENTS", 2)
    for name in ("a.txt", "b.txt"):
        await library.add(name, "x")
    with pytest.raises(TooManyDocuments):
        await library.add("c.txt", "x")
    await library.add("b.txt", "y")
    await library.add("c.txt", "x", OTHER_AGENT)


async def test_without_an_answer_of_the_embeddings_a_document_is_found_by_its_words(library: Library) -> None:
    """
    It says which model it was embedded with: none.
    """
    library.indexing.embedder = embedder = FakeEmbedder(broken=True)
    document = await library.add("a.txt", "Dogs are welcome.")
    await library.index_all()
    row = await library.documents.records.get(SOMEBODY, document)
    assert (row["state"], row["embedded_with"]) == ("ready", None)
    embedder.broken = False
    await library.documents.index_again(SOMEBODY, AGENT, document)
    await library.index_all()
    assert (await library.documents.records.get(SOMEBODY, document))["embedded_with"] == "fake"


async def test_what_was_sent_is_sealed_and_its_passages_are_not(library: Library) -> None:
    """
    A file holds more than what is published of it; what is searched has to be read (ADR 15).
    """
    await library.add("a.txt", "Dogs are welcome.", OTHER_AGENT)
    await library.index_all()
    async with library.store.connection() as connection:
        cursor = await connection.execute(
            "select sealed_content, content, tenant.id from knowledge_document document"
            " join knowledge_chunk on document_id = document.id join tenant on tenant.id = document.tenant_id"
        )
        rows = await cursor.fetchall()
    assert [(b"Dogs" in row["sealed_content"], row["content"], TenantId(row["id"])) for row in rows] == [
        (False, "Dogs are welcome.", SECOND)
    ]
