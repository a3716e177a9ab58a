"""What is found, by which words and for whom."""

import json

import httpx2
import pytest

from dev.embedded import PostgresServer
from shared.ids import AgentId
from shared.knowledge import EmbeddingsUnavailable, Knowledge, OpenAIEmbedder, SearchTooSlow, folded
from shared.knowledge.search import fused
from shared.store.session import Store, open_store
from tests.conftest import PASSWORD
from tests.services.console.knowledge.conftest import AGENT, OTHER_AGENT, SOMEBODY, FakeEmbedder, Library
from tests.services.desk import SECOND, TENANT

COFFEE, WASHING = "Il caffè è compreso nella colazione.", "La lavanderia è al piano terra."
DOGS, PARKING = "Dogs are welcome for 10 euros a night.", "Parking is free behind the house."


@pytest.fixture
async def stocked(library: Library) -> Library:
    await library.add("colazione.md", f"# Colazione\n\n{COFFEE}\n\n# Servizi\n\n{WASHING}", language="italian")
    await library.add("house.md", f"# Pets\n\n{DOGS}\n\n# Cars\n\n{PARKING}")
    await library.index_all()
    return library


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("dogs", DOGS),
        ("Is a DOG welcome?", DOGS),
        ("caffe", COFFEE),
        ("CAFFÈ", COFFEE),
        ("caffe\u0300", COFFEE),
        ("è compresa la colazione?", COFFEE),
        ("lavanderie", WASHING),
        ("parkign", PARKING),
        ("where can we leave our cars", PARKING),
        ('"free behind"', PARKING),
        ('parking lavanderia -"free behind" -house', WASHING),
    ],
)
async def test_what_is_asked_for_is_found_first(stocked: Library, query: str, found: str) -> None:
    """
    Case, accents, inflection and slips of the finger do not matter; headings count; quotes and minus do what they do elsewhere.
    """
    assert (await stocked.found(query))[0] == found


@pytest.mark.parametrize(
    "query",
    ["xyzzy", "the", "?", "", "'", '"', "\\", "-", "a & b | !c <-> (d:*", "%s %(agent)s", "ag_test", "x" * 5000],
)
async def test_whatever_is_asked_is_no_error(stocked: Library, query: str) -> None:
    """
    And what is nowhere is not found: neither words without meaning, nor an agent's id, which stands in the index.
    """
    assert await stocked.found(query) == []


async def test_a_search_may_keep_to_one_document(stocked: Library) -> None:
    """
    By its name, whatever its case.
    """
    assert await stocked.found("welcome colazione", "HOUSE.md") == [DOGS]
    assert await stocked.found("welcome colazione", "no such") == []


async def test_a_rare_word_counts_more_than_common_ones(library: Library) -> None:
    """
    However often the common ones stand elsewhere.
    """
    for n in range(20):
        await library.add(f"{n}.txt", f"The hotel has rooms, and rooms of the hotel have number {n}.")
    await library.add("sauna.txt", "There is a sauna.")
    await library.index_all()
    assert (await library.found("hotel rooms sauna"))[0] == "There is a sauna."


async def test_each_agent_finds_its_own(stocked: Library) -> None:
    """
    Not another one's of the same company, and nobody another company's: the database sees to it.
    """
    await stocked.add("other.md", "Dogs are not welcome.", OTHER_AGENT)
    await stocked.index_all()
    assert await stocked.found("dogs", agent=OTHER_AGENT) == ["Dogs are not welcome."]
    assert await stocked.found("dogs") == [DOGS]
    for tenant, agent in ((SECOND, AGENT), (TENANT, OTHER_AGENT), (TENANT, AgentId("ag_third"))):
        assert (await stocked.knowledge.search(tenant, agent, "dogs", 5)).passages == ()


@pytest.mark.parametrize("view", ["knowledge_passage", "knowledge_vocabulary"])
async def test_what_is_searched_shows_the_tenants_that_are_named(
    stocked: Library, agent_store: Store, view: str
) -> None:
    """
    The views run with their owner's rights, and keep to the scope all the same.
    """
    for scope, seen in (((TENANT,), {TENANT}), ((SECOND,), set()), ((), set())):
        async with agent_store.connection(*scope) as connection:
            rows = await (await connection.execute(f"select tenant_id from {view}".encode())).fetchall()
        assert {row["tenant_id"] for row in rows} == seen


async def test_a_passage_says_where_it_stands(stocked: Library) -> None:
    """
    Its document and heading; and which comparisons were made is told too.
    """
    result = await stocked.knowledge.search(TENANT, AGENT, "dogs", 1)
    assert [(it.document, it.heading, it.text) for it in result.passages] == [("house.md", "Pets", DOGS)]
    assert (result.rankings, result.missing) == (("every_word", "any_word", "likeness"), ())


async def test_without_an_extension_search_goes_on_and_says_what_it_lacks(stocked: Library, agent_store: Store) -> None:
    """
    Misspelt words are not found, and whoever searches is told why.
    """
    async with stocked.store.connection() as connection:
        await connection.execute("drop extension pg_trgm cascade")
        await connection.execute("drop extension vector cascade")
    reduced = Knowledge(agent_store, FakeEmbedder())
    found, typo = [await reduced.search(TENANT, AGENT, query, 5) for query in ("dogs", "parkign")]
    assert ([it.text for it in found.passages], typo.passages) == ([DOGS], ())
    assert found.rankings == ("every_word", "any_word")
    assert ["pg_trgm" in found.missing[0], "vector" in found.missing[1]] == [True, True]


async def test_with_embeddings_what_means_the_same_is_found(library: Library, agent_store: Store) -> None:
    """
    Without a word in common; not with another model's vectors, or longer ones; and why not, where the endpoint is away.
    """
    library.indexing.embedder = embedder = FakeEmbedder()
    await library.add("a.txt", "a puppy sleeps in the yard")
    await library.add("b.txt", "we rent out an automobile")
    await library.index_all()
    library.knowledge = Knowledge(agent_store, embedder)
    assert (await library.found("hound"))[0] == "a puppy sleeps in the yard"
    assert (await library.found("car"))[0] == "we rent out an automobile"
    for model, more in (("another", 0), ("fake", 1)):
        library.knowledge.embedder = FakeEmbedder(model, more=more)
        assert await library.found("hound") == []
    library.knowledge.embedder = embedder
    embedder.broken = True
    result = await library.knowledge.search(TENANT, AGENT, "hound", 5)
    assert (result.passages, "does not answer" in result.missing[0]) == ((), True)


async def test_the_indexes_answer_for_one_agent_among_many(library: Library) -> None:
    """
    Words and likeness are looked up, not tried one by one, although row-level security is on.
    """
    await library.add("a.txt", "Dogs are welcome.")
    await library.index_all()
    async with library.store.connection() as connection:
        await connection.execute(
            """
            insert into knowledge_chunk (tenant_id, agent_id, document_id, generation, ordinal, content, search)
            select tenant_id, agent_id, document_id, 1, n, repeat('filling ', 100),
                   to_tsvector('simple', 'word' || n || ' common') || array_to_tsvector(array['ag_test'])
            from knowledge_chunk, generate_series(1, 20000) n
            """
        )
        await connection.execute(
            """
            insert into knowledge_word (tenant_id, agent_id, document_id, word)
            select tenant_id, agent_id, id, 'word' || n from knowledge_document, generate_series(1, 20000) n
            """
        )
        await connection.execute("analyze")
    async with library.knowledge.store.connection(TENANT) as connection:
        for source, index in (
            ("knowledge_passage where search @@ ('ag_test'::tsquery && 'word77'::tsquery)", "knowledge_chunk_search"),
            ("knowledge_vocabulary where agent_id = 'ag_test' and 'wrod77' <% word", "knowledge_word_alike"),
        ):
            cursor = await connection.execute(f"explain select document_id from {source}".encode())
            assert index in "\n".join(row["QUERY PLAN"] for row in await cursor.fetchall())


async def test_a_search_that_takes_too_long_is_given_up(stocked: Library, postgres: PostgresServer) -> None:
    """
    The server ends it; who asked is told so.
    """
    async with stocked.store.connection() as connection:
        await connection.execute(
            "create or replace view knowledge_vocabulary as"
            " select tenant_id, agent_id, document_id, word from knowledge_word where pg_sleep(1) is not null"
        )
        row = await (await connection.execute("select current_database() as name")).fetchone()
        assert row
    async with open_store(postgres.url_for("agent", PASSWORD, row["name"]), 1, "agent") as hurried:
        async with hurried.connection() as connection:
            await connection.execute("set statement_timeout = '100ms'")
        with pytest.raises(SearchTooSlow):
            await Knowledge(hurried).search(TENANT, AGENT, "misspelt", 5)


def test_rankings_are_merged_by_reciprocal_rank() -> None:
    """
    What two of them name comes before what is first in one of them; a ranking that found nothing changes nothing.
    """
    assert [passage for passage, _ in fused([[1, 2, 3], [4, 2], []])] == [2, 1, 4, 3]
    assert fused([]) == []


def test_folding_takes_away_case_accents_and_forms() -> None:
    """
    In every script.
    """
    assert [folded(word) for word in ("Città", "STRASSE", "Straße", "ＡＢＣ", "Ёлка")] == [
        "citta",
        "strasse",
        "strasse",
        "abc",
        "елка",
    ]


def embedder_that_answers(status: int, body: object) -> tuple[OpenAIEmbedder, list[httpx2.Request]]:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(status, json=body)

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="https://model.invalid/v1/")
    return OpenAIEmbedder(client, "small"), asked


async def test_vectors_are_given_in_the_order_of_the_texts() -> None:
    """
    Whatever order the endpoint has them in.
    """
    told = {"data": [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]}
    embedder, asked = embedder_that_answers(200, told)
    assert await embedder.embed(["a", "b"]) == [[1.0], [2.0]]
    assert str(asked[0].url) == "https://model.invalid/v1/embeddings"
    assert json.loads(asked[0].content) == {"model": "small", "input": ["a", "b"]}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {}),
        (401, {}),
        (302, {}),
        (200, {"data": []}),
        (200, {"data": [{"index": 0, "embedding": ["x"]}]}),
        (200, {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]}),
        (200, "nonsense"),
    ],
)
async def test_an_endpoint_that_answers_anything_else_is_not_available(status: int, body: object) -> None:
    """
    Nothing half-understood becomes a vector.
    """
    embedder, _ = embedder_that_answers(status, body)
    with pytest.raises(EmbeddingsUnavailable):
        await embedder.embed(["a", "b"])


async def test_a_document_that_was_removed_is_not_found(stocked: Library) -> None:
    """
    At once.
    """
    document = await stocked.add("house.md", f"# Pets\n\n{DOGS}\n\n# Cars\n\n{PARKING}")
    await stocked.documents.remove(SOMEBODY, AGENT, document, 1)
    assert await stocked.found("dogs") == []
