"""
`python -m bench.retrieval`: how often the passage that answers a question is among the first five, hybrid and by full text.

A small guide of an invented hotel in two languages, cut as documents are, with each paragraph a passage, and the questions of
its guests. Then the same search among 20,000 passages of one agent, for its time.
"""

import asyncio
import json
import statistics
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.embedded import PostgresServer, postgres_server
from services.console.knowledge.indexing import Indexing, Job
from shared.ids import AgentId, TenantId
from shared.knowledge import Knowledge, folded
from shared.reading.passages import Passage
from shared.store.migrations import upgrade
from shared.store.session import Store, open_store
from shared.vault import Vault

HERE = Path(__file__).parent
TENANT, AGENT = TenantId("tn_bench"), AgentId("ag_bench")
AMONG = 5
CROWD = 20_000

_FULL_TEXT = """
select id from knowledge_passage where agent_id = %(agent)s and search @@ websearch_to_tsquery('english', %(query)s)
order by ts_rank_cd(search, websearch_to_tsquery('english', %(query)s)) desc, id limit 5
"""
"""What a search is without further thought."""


@dataclass(frozen=True)
class Question:
    """What is asked, and words of the passage that answers it."""

    asked: str
    answer: str
    language: str


def questions() -> list[Question]:
    told = tomllib.loads((HERE / "questions.toml").read_text())
    return [Question(asked, answer, language) for language in told for asked, answer in told[language].items()]


def guide(language: str) -> list[Passage]:
    """Return the paragraphs of a guide, below their headings."""
    found, path = [], [""]
    for line in filter(None, (HERE / f"hotel_{language}.md").read_text().splitlines()):
        if line.startswith("# "):
            path = [line[2:]]
        elif line.startswith("## "):
            path = [path[0], line[3:]]
        else:
            found.append(Passage(line, " > ".join(path)))
    return found


async def plant(store: Store, name: str, language: str, passages: Sequence[Passage]) -> None:
    """Write a document as the console does."""
    async with store.connection(TENANT) as connection:
        await connection.execute(
            """
            insert into knowledge_document (id, tenant_id, agent_id, name, language, digest, size, sealed_content, state, building)
            values (%(id)s, %(tenant)s, %(agent)s, %(id)s, %(language)s, '', 0, '', 'indexing', 1)
            """,
            {"id": name, "tenant": TENANT, "agent": AGENT, "language": language},
        )
    job = Job(name, TENANT, AGENT, name, language, 1, 1, b"")
    indexing = Indexing(store, Vault({1: b"v" * 32}), 1)
    for start in range(0, len(passages), 500):
        batch = passages[start : start + 500]
        await indexing.write(job, start, batch, [None] * len(batch))
    await indexing.swap(job, "text/markdown", len(passages), embedded=False)


async def full_text(store: Store, question: Question) -> list[str]:
    async with store.connection(TENANT) as connection:
        cursor = await connection.execute(_FULL_TEXT, {"agent": AGENT, "query": folded(question.asked)})
        ids = [row["id"] for row in await cursor.fetchall()]
        shown = await connection.execute("select content from knowledge_passage where id = any(%s)", (ids,))
        return [row["content"] for row in await shown.fetchall()]


async def hybrid(knowledge: Knowledge, question: Question) -> list[str]:
    return [it.text for it in (await knowledge.search(TENANT, AGENT, question.asked, AMONG)).passages]


async def recall(store: Store, knowledge: Knowledge) -> dict[str, object]:
    """Return how many questions find their passage among the first five, and which do not."""
    asked = questions()
    plain = {it: any(it.answer in text for text in await full_text(store, it)) for it in asked}
    ours = {it: any(it.answer in text for text in await hybrid(knowledge, it)) for it in asked}
    share = {
        f"recall@{AMONG} {name} {language}": _share([ok for it, ok in found.items() if it.language == language])
        for name, found in (("full text", plain), ("hybrid", ours))
        for language in ("en", "it")
    }
    return {
        "questions": len(asked),
        f"recall@{AMONG} full text": _share(plain.values()),
        f"recall@{AMONG} hybrid": _share(ours.values()),
        **share,
        "hybrid misses": [it.asked for it, ok in ours.items() if not ok],
    }


async def pace(knowledge: Knowledge) -> dict[str, float]:
    """Return how long a search takes, in milliseconds."""
    took = []
    for question in questions() * 3:
        began = time.perf_counter()
        await hybrid(knowledge, question)
        took.append(1000 * (time.perf_counter() - began))
    return {"p50 ms": round(statistics.median(took), 1), "p95 ms": round(statistics.quantiles(took, n=20)[-1], 1)}


def crowd() -> list[Passage]:
    """Return many passages that share the guide's words."""
    words = " ".join(it.text for language in ("en", "it") for it in guide(language)).split()
    return [
        Passage(" ".join(words[(n * 7919 + step * (1 + n % 97)) % len(words)] for step in range(130)) + f" nr{n}")
        for n in range(CROWD)
    ]


async def measure(server: PostgresServer, url: str) -> dict[str, object]:
    """Measure with the logins of the services."""
    for service in ("console", "agent"):
        server.let_in(service, "bench", f"trunkline_{service}")
    database = url.rpartition("/")[2]
    async with (
        open_store(url, 2, "bench") as owner,
        open_store(server.url_for("console", "bench", database), 2, "bench") as console,
        open_store(server.url_for("agent", "bench", database), 2, "bench") as agent,
    ):
        async with owner.connection() as connection:
            await connection.execute("insert into tenant (id, name) values (%s, 'Bench')", (TENANT,))
            await connection.execute(
                "insert into agent (id, tenant_id, name, instructions) values (%s, %s, 'A', '')", (AGENT, TENANT)
            )
        knowledge = Knowledge(agent)
        await plant(console, "kd_en", "english", guide("en"))
        await plant(console, "kd_it", "italian", guide("it"))
        passages = len(guide("en")) + len(guide("it"))
        figures = {"passages": passages, **await recall(agent, knowledge), "small": await pace(knowledge)}
        await plant(console, "kd_crowd", "english", crowd())
        async with owner.connection() as connection:
            await connection.execute("analyze knowledge_chunk")
        return {**figures, f"among {CROWD}": await pace(knowledge)}


def _share(found: Iterable[bool]) -> float:
    hits = list(found)
    return round(sum(hits) / len(hits), 3)


def main() -> None:
    """Measure, and print the figures as JSON."""
    with tempfile.TemporaryDirectory() as folder, postgres_server(Path(folder)) as server:
        url = server.create_database("retrieval")
        upgrade(url)
        print(json.dumps(asyncio.run(measure(server, url)), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
