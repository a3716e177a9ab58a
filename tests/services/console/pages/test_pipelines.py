"""Pipelines in the console: a draft with its faults, versions that run, and the way back."""

import re

import pytest
from markupsafe import escape

from shared.pipelines import SHIPPED, WHATSAPP_DEFAULT, shipped
from shared.store.session import Store
from tests.services.console.api.past import Past
from tests.services.console.pages.conftest import OTHER, SignedIn, Visitor

DRAFT = shipped(WHATSAPP_DEFAULT, SHIPPED[WHATSAPP_DEFAULT])
BROKEN = "steps:\n  - nonsense: 1\n"
_VERSION = re.compile(r'name="version" value="(\d+)"')


async def made(visitor: Visitor) -> str:
    """Make a pipeline; return its page's path."""
    await visitor.get("/pipelines/new")
    answer = await visitor.post("/pipelines", name="Mine", draft=DRAFT)
    return str(answer.headers["location"]).partition("?")[0]


async def version(visitor: Visitor, path: str) -> str:
    return str(_VERSION.findall((await visitor.get(path)).text)[0])


async def test_a_pipeline_begins_as_the_shipped_one(signed_in: SignedIn) -> None:
    """
    Which runs until a version of its own is activated.
    """
    visitor = await signed_in()
    assert escape(DRAFT) in (await visitor.get("/pipelines/new")).text
    page = (await visitor.get(await made(visitor))).text
    assert "None of its versions runs yet." in page
    assert "not yet" in (await visitor.get("/pipelines")).text


@pytest.mark.parametrize("path", ["/pipelines", None], ids=["new", "saved"])
async def test_faults_stand_beside_the_draft(signed_in: SignedIn, path: str | None) -> None:
    """
    With line and column; what was typed is still there, and nothing is saved.
    """
    visitor = await signed_in()
    own = await made(visitor)
    now = await version(visitor, own)
    answer = await visitor.post(path or own, name="Mine", draft=BROKEN, version=now)
    assert answer.status_code == 422
    assert re.search(r"Line \d+, column \d+", answer.text)
    assert "nonsense: 1" in answer.text
    assert "nonsense" not in (await visitor.get(own)).text


async def test_versions_are_activated_and_rolled_back(signed_in: SignedIn, store: Store) -> None:
    """
    The draft becomes the newest version; the one before runs again after a click.
    """
    visitor = await signed_in()
    path = await made(visitor)
    await visitor.post(f"{path}/activations", version=await version(visitor, path))
    changed = DRAFT + "\n# another\n"
    await visitor.post(path, name="Mine", draft=changed, version=await version(visitor, path))
    await visitor.post(f"{path}/activations", version=await version(visitor, path))
    assert "Version 2 runs." in (await visitor.get(path)).text
    await visitor.post(f"{path}/rollbacks", version=await version(visitor, path))
    page = (await visitor.get(path)).text
    assert "Version 1 runs." in page
    assert "# another" in (await visitor.get(f"{path}/versions/2")).text
    await visitor.post(f"{path}/activations", version=await version(visitor, path), number="2")
    async with store.connection() as connection:
        row = await (await connection.execute("select active_version from pipeline")).fetchone()
    assert row == {"active_version": 2}


async def test_two_who_change_a_draft_lose_nothing(signed_in: SignedIn) -> None:
    """
    The second keeps what they typed, and sees that there is another.
    """
    visitor = await signed_in()
    path = await made(visitor)
    now = await version(visitor, path)
    await visitor.post(path, name="First", draft=DRAFT, version=now)
    answer = await visitor.post(path, name="Second", draft=DRAFT, version=now)
    assert answer.status_code == 409
    assert re.search(r"<td[^>]*>First</td><td[^>]*>Second</td>", answer.text)


async def test_a_trial_says_why_there_is_no_result(signed_in: SignedIn, past: Past) -> None:
    """
    A company without history has nothing that somebody may read, and a conversation of nobody is none.
    """
    visitor = await signed_in()
    path = await made(visitor)
    await visitor.get(path)
    off = await visitor.post(f"{path}/trials", draft=DRAFT, conversation=f"cv_{past.x}")
    assert "Chat history is off for this company" in off.text
    nobodys = await visitor.post(f"{path}/trials", draft=DRAFT, conversation="cv_none")
    assert "There is no such conversation." in nobodys.text


async def test_another_companys_pipeline_is_not_there(signed_in: SignedIn, past: Past) -> None:
    """
    Neither to look at, to change, to activate nor to try out.
    """
    await past.insert("pipeline", id="pl_one", name="Mine", draft=DRAFT)
    visitor = await signed_in(tenant=OTHER)
    assert (await visitor.get("/pipelines/pl_one")).status_code == 404
    for path in ("", "/activations", "/rollbacks", "/trials"):
        await visitor.get("/pipelines")
        assert (await visitor.post(f"/pipelines/pl_one{path}", name="x", draft=DRAFT, version="1")).status_code == 404
