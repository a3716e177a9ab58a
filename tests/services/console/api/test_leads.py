"""Leads, as a list and as a table for spreadsheets."""

import csv
import io
from datetime import timedelta

import pytest

from tests.services.console.api.conftest import OTHER, Asker, MakeAsker
from tests.services.console.api.past import NOON, Past
from tests.services.console.api.test_messages import listed

LEAD = "ag_one.ct_one"


@pytest.fixture
async def three(past: Past) -> Past:
    """Two more people after Ada, one of whom calls himself a formula."""
    for n, (contact, name) in enumerate((("ct_two", "=HYPERLINK(1)"), ("ct_three", "-1+1")), start=1):
        await past.person(contact, f"+39333000001{n}", name)
        seen = NOON + timedelta(days=n)
        await past.insert(
            "lead", agent_id="ag_one", contact_id=contact, platform="whatsapp", first_seen=seen, last_seen=seen
        )
    return past


async def test_a_lead_is_a_handle_or_a_masked_number(past: Past, admin: Asker) -> None:
    """
    By the company's privacy: hashed or encrypted.
    """
    hashed = (await admin.ask("GET", f"leads/{LEAD}")).json()
    assert (hashed["agent"], hashed["messages"], hashed["contact"]["name"]) == ("ag_one", 2, "Ada")
    assert (len(hashed["contact"]["handle"]), hashed["contact"]["number"]) == (8, None)
    await past.settings(privacy="encrypted")
    assert (await admin.ask("GET", f"leads/{LEAD}")).json()["contact"]["number"] == "+39 333 ••• 0001"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("limit=1", ["ct_three", "ct_two", "ct_one"]), ("agent=ag_nobody", []), ("agent=ag_one", ["ct_three", "ct_two", "ct_one"]),
        ("platform=web", []), ("first_seen[gte]={1}", ["ct_three", "ct_two"]), ("first_seen[lt]={2}", ["ct_two", "ct_one"]),
        ("last_seen[gte]={2}", ["ct_three"]), ("last_seen[lt]={1}", ["ct_one"]),
    ],
)  # fmt: skip
async def test_a_list_is_cut_by_what_is_asked_for(
    three: Past, others_past: Past, admin: Asker, query: str, found: list[str]
) -> None:
    """
    By agent, platform, first and last seen; the newest first, and only the company's own.
    """
    days = [(NOON + timedelta(days=n)).isoformat().replace("+", "%2B") for n in range(3)]
    async with three.store.connection() as connection:
        await connection.execute(
            "update lead set first_seen = %s, last_seen = %s where contact_id = 'ct_one'", (NOON, NOON)
        )
    rows = await listed(admin, f"leads?{query.format(*days)}")
    assert [it["contact"]["id"] for it in rows] == found


async def test_a_spreadsheet_gets_every_lead_and_no_formula(three: Past, others_past: Past, admin: Asker) -> None:
    """
    A cell that a spreadsheet would compute begins with an apostrophe.
    """
    await three.settings(privacy="encrypted")
    answer = await admin.ask("GET", "leads/exports")
    assert answer.headers["content-type"].startswith("text/csv")
    header, *rows = csv.reader(io.StringIO(answer.text))
    found = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    assert {lead: row["name"] for lead, row in found.items()} == {
        "ag_one.ct_one": "Ada", "ag_one.ct_two": "'=HYPERLINK(1)", "ag_one.ct_three": "'-1+1",
    }  # fmt: skip
    assert found[LEAD]["number"] == "'+39 333 ••• 0001"


async def test_a_spreadsheet_is_as_long_as_the_list(past: Past, admin: Asker) -> None:
    """
    Written batch by batch, none twice.
    """
    async with past.store.connection() as connection:
        await connection.execute(
            """
            with more as (
              insert into contact (id, tenant_id, channel, sealed_name)
              select 'ct_more' || n, tenant_id, channel, sealed_name from contact, generate_series(1, 1100) n
              where id = 'ct_one' returning id
            )
            insert into lead (tenant_id, agent_id, contact_id, platform) select 'tn_one', 'ag_one', id, 'whatsapp' from more
            """
        )
    _, *rows = csv.reader(io.StringIO((await admin.ask("GET", "leads/exports")).text))
    assert len(rows) == len({row[0] for row in rows}) == 1101


async def test_another_companys_lead_is_not_there(past: Past, asker: MakeAsker) -> None:
    """
    It answers as one that never was.
    """
    assert (await (await asker(OTHER)).ask("GET", f"leads/{LEAD}")).status_code == 404
