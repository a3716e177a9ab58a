"""Knowledge in the console: files are taken in, read, searched and removed."""

import re

from services.console.api import documents
from services.console.knowledge.indexing import Indexing
from tests.services.console.api.past import Past
from tests.services.console.pages.conftest import HERE, OTHER, SignedIn, Visitor

TEXT = b"A double room costs 120 euros."


async def upload(visitor: Visitor, past: Past, content: bytes = TEXT, name: str = "Prices.txt") -> tuple[int, str]:
    """Send a file as the page does; return the status, and the page or where it leads."""
    path = f"/knowledge/ag_{past.x}"
    await visitor.get(path)
    answer = await visitor.client.post(
        f"{path}/documents",
        data={"token": visitor.token},
        files={"file": (name, content, "application/octet-stream")},
        headers={"Origin": HERE},
    )
    return answer.status_code, str(answer.headers.get("location", answer.text))


async def test_a_file_is_taken_in_read_and_found(signed_in: SignedIn, past: Past, indexing: Indexing) -> None:
    """
    Its state shows until it is ready; a search shows the passage that the agent would be given.
    """
    visitor = await signed_in()
    path = f"/knowledge/ag_{past.x}"
    assert "No document yet" in (await visitor.get(path)).text
    assert await upload(visitor, past) == (303, f"{path}?done=uploaded")
    waiting = (await visitor.get(path)).text
    assert "queued" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    while await indexing.next():
        pass
    ready = (await visitor.get(path)).text
    assert "Ready" in ready
    assert 'hx-trigger="every 2s"' not in ready
    assert TEXT.decode() in (await visitor.post(f"{path}/searches", query="double room")).text
    assert "Nothing was found." in (await visitor.post(f"{path}/searches", query="zeppelin")).text


async def test_a_file_that_cannot_be_read_says_why(signed_in: SignedIn, past: Past, indexing: Indexing) -> None:
    """
    And can be read again.
    """
    visitor = await signed_in()
    await upload(visitor, past, b"\x00\x01\x02", "odd.bin")
    while await indexing.next():
        pass
    page = (await visitor.get(f"/knowledge/ag_{past.x}")).text
    assert "This kind of file is not read" in page
    again = re.findall(r'action="(/knowledge/[^"]+/indexings)"', page)[0]
    await visitor.post(again)
    assert "queued" in (await visitor.get(f"/knowledge/ag_{past.x}")).text


async def test_what_is_no_file_is_refused(signed_in: SignedIn, past: Past) -> None:
    """
    Beside the field: none chosen, or a name that no page can show.
    """
    visitor = await signed_in()
    await visitor.get(f"/knowledge/ag_{past.x}")
    assert "Choose a file." in (await visitor.post(f"/knowledge/ag_{past.x}/documents")).text
    status, page = await upload(visitor, past, name="x" * 201)
    assert status == 422
    assert "This name cannot be shown." in page
    assert documents.MOST_BYTES == 20_000_000
    status, page = await upload(visitor, past, b"x" * (documents.MOST_BYTES + 1))
    assert status == 422
    assert "A file may have at most 20 MB." in page


async def test_a_document_is_removed(signed_in: SignedIn, past: Past) -> None:
    """
    With what was cut from it.
    """
    visitor = await signed_in()
    await upload(visitor, past)
    page = (await visitor.get(f"/knowledge/ag_{past.x}")).text
    removal = re.findall(r'action="(/knowledge/[^"]+/removals)"', page)[0]
    await visitor.post(removal, version=re.findall(r'name="version" value="(\d+)"', page)[0])
    assert "No document yet" in (await visitor.get(f"/knowledge/ag_{past.x}")).text


async def test_another_companys_knowledge_is_not_there(signed_in: SignedIn, past: Past) -> None:
    """
    Neither to look at, to add to, nor to search.
    """
    visitor = await signed_in(tenant=OTHER)
    path = f"/knowledge/ag_{past.x}"
    assert (await visitor.get(path)).status_code == 404
    await visitor.get("/knowledge")
    assert (await visitor.post(f"{path}/searches", query="room")).status_code == 404
    await visitor.get("/knowledge")
    files = {"file": ("a.txt", TEXT, "text/plain")}
    answer = await visitor.client.post(
        f"{path}/documents", data={"token": visitor.token}, files=files, headers={"Origin": HERE}
    )
    assert answer.status_code == 404
