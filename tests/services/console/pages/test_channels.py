"""Channel settings: who may change what, two who change the same, and the way back from a provisioning."""

import re

import pytest

from shared.channels.line_setup import Webhooks
from shared.ids import Address
from shared.store.session import Store
from tests.fakes.account import FakeAccount
from tests.services.console.api.past import SENDER, Past
from tests.services.console.pages.conftest import OTHER, SignedIn, Visitor

FIELDS = {"sender": SENDER, "name": "Desk", "access": "open", "long_replies": "split", "reply_limit": "1500", "quiet_ms": "0"}  # fmt: skip


def settings(past: Past, version: int, **more: str) -> dict[str, str]:
    return FIELDS | {"agent": f"ag_{past.x}", "version": str(version), "enabled": "yes"} | more


async def line_of(store: Store, past: Past) -> dict[str, object]:
    async with store.connection() as connection:
        row = await (await connection.execute("select * from line where id = %s", (f"ln_{past.x}",))).fetchone()
    assert row is not None
    return dict(row)


async def opened(visitor: Visitor, past: Past) -> tuple[str, int]:
    """Open the page; return it and the version that its form speaks of."""
    page = (await visitor.get(f"/channels/ln_{past.x}")).text
    match = re.search(r'name="version" value="(\d+)"', page)
    assert match is not None
    return page, int(match[1])


async def test_the_platforms_admin_sets_everything(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    What is not ticked is off.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    _, version = await opened(visitor, past)
    answer = await visitor.post(
        f"/channels/ln_{past.x}", **settings(past, version, access="paired", quiet_ms="800", media="yes")
    )
    assert answer.headers["location"] == f"/channels/ln_{past.x}?done=saved"
    row = await line_of(store, past)
    assert (row["access"], row["quiet_ms"], row["media"], row["auto_provision"]) == ("paired", 800, True, False)


async def test_a_companys_admin_reads_what_is_the_platforms(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    As text with a lock; a form that says otherwise changes nothing of it.
    """
    visitor = await signed_in()
    page, version = await opened(visitor, past)
    assert page.count("Set by system admin") == 5
    assert 'name="sender"' not in page
    wanted = settings(past, version, sender="+14155550000", access="paired", name="Mine")
    del wanted["enabled"]
    await visitor.post(f"/channels/ln_{past.x}", **wanted)
    row = await line_of(store, past)
    assert (row["sender"], row["access"], row["enabled"], row["name"]) == (SENDER, "open", True, "Mine")


async def test_two_who_change_one_setting_lose_nothing(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    The second sees who was first, when, and both versions; saved again, theirs holds.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    _, version = await opened(visitor, past)
    await visitor.post(f"/channels/ln_{past.x}", **settings(past, version, name="First"))
    answer = await visitor.post(f"/channels/ln_{past.x}", **settings(past, version, name="Second"))
    assert answer.status_code == 409
    assert re.search(r"Changed by Ada \d+ seconds? ago", answer.text)
    assert re.search(r"<td[^>]*>First</td><td[^>]*>Second</td>", answer.text)
    assert (await line_of(store, past))["name"] == "First"
    await visitor.post(f"/channels/ln_{past.x}", **settings(past, version + 1, name="Second"))
    assert (await line_of(store, past))["name"] == "Second"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("sender", "911", "This is no WhatsApp number"),
        ("reply_limit", "1601", "At most 1600."),
        ("quiet_ms", "soon", "This is no number."),
        ("name", "", "Fill this in."),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field(
    signed_in: SignedIn, past: Past, field: str, value: str, said: str
) -> None:
    """
    In a sentence; what was typed stays.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    _, version = await opened(visitor, past)
    answer = await visitor.post(f"/channels/ln_{past.x}", **settings(past, version, **{field: value}))
    assert answer.status_code == 422
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text


async def test_a_provisioning_is_shown_and_undone(signed_in: SignedIn, past: Past, twilio: FakeAccount) -> None:
    """
    The last result, and what was set before.
    """
    twilio.lines[Address(SENDER)] = Webhooks("https://before.example.org/")
    visitor = await signed_in("SYSTEM_ADMIN")
    page, _ = await opened(visitor, past)
    assert "Nothing was set there yet." in page
    await visitor.post(f"/channels/ln_{past.x}/provisionings")
    page, _ = await opened(visitor, past)
    assert "Written, and read again." in page
    assert "https://before.example.org/" in page
    await visitor.post(f"/channels/ln_{past.x}/provisionings/undo")
    assert twilio.lines[Address(SENDER)].callback_url == "https://before.example.org/"


async def test_an_agents_pipeline_is_selected(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    By a company's admin; the shipped one by default.
    """
    visitor = await signed_in()
    await past.insert("pipeline", id=f"pl_{past.x}", name="Mine", draft="")
    page, _ = await opened(visitor, past)
    assert "whatsapp-default" in page
    version = re.findall(r'name="version" value="(\d+)"', page)[1]
    await visitor.post(f"/channels/ln_{past.x}/pipeline", pipeline=f"pl_{past.x}", version=version)
    async with store.connection() as connection:
        row = await (
            await connection.execute("select pipeline_id from agent where id = %s", (f"ag_{past.x}",))
        ).fetchone()
    assert row == {"pipeline_id": f"pl_{past.x}"}


async def test_another_companys_agent_does_not_answer(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    Whoever names one that is not on the list is told that there is none.
    """
    async with store.connection() as connection:
        await connection.execute(
            "insert into agent (id, tenant_id, name, instructions) values ('ag_other', %s, 'Theirs', '')", (OTHER,)
        )
    visitor = await signed_in()
    _, version = await opened(visitor, past)
    answer = await visitor.post(f"/channels/ln_{past.x}", **settings(past, version, agent="ag_other"))
    assert answer.status_code == 404
    assert (await line_of(store, past))["agent_id"] == f"ag_{past.x}"


async def test_another_companys_line_is_not_there(signed_in: SignedIn, past: Past) -> None:
    """
    Neither its settings, nor its integration, nor a change of them.
    """
    visitor = await signed_in(tenant=OTHER)
    assert "No channel yet" in (await visitor.get("/channels")).text
    line = f"/channels/ln_{past.x}"
    for path in (line, f"{line}/integration", f"{line}/checks"):
        assert (await visitor.get(path)).status_code == 404
    await visitor.get("/channels")
    for path in (line, f"{line}/integration", f"{line}/connection-tests", f"{line}/pipeline"):
        assert (await visitor.post(path, **settings(past, 1))).status_code == 404
