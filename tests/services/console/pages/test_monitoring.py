"""Monitoring in the console: tiles, charts and their tables, for one company."""

from datetime import datetime
from html import unescape
from re import findall
from zoneinfo import ZoneInfo

import orjson
import pytest

from services.console.monitoring import RANGES
from services.console.rollups import Rollups
from shared.store.session import Store
from tests.services.console.api.past import NOON, NUMBER, Past
from tests.services.console.pages.conftest import OTHER, SignedIn


@pytest.fixture
async def counted(past: Past, console_store: Store) -> Past:
    """A past that the job has counted."""
    await Rollups(console_store).run()
    await Rollups(console_store).count_people()
    return past


async def test_it_is_the_home_of_admins(signed_in: SignedIn) -> None:
    """
    Whoever signed in and may see it.
    """
    answer = await (await signed_in()).get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/monitoring")


async def test_a_user_has_no_monitoring(signed_in: SignedIn) -> None:
    """
    404, as if it were not there; their home is another page.
    """
    visitor = await signed_in("USER")
    assert (await visitor.get("/monitoring")).status_code == 404
    assert (await visitor.get("/")).headers["Location"] == "/profile"


async def test_before_the_first_message_it_tells_what_is_to_do(signed_in: SignedIn) -> None:
    """
    Instead of charts without a line.
    """
    page = (await (await signed_in()).get("/monitoring")).text
    assert "No messages yet" in page
    assert "data-chart" not in page


async def test_tiles_tell_the_ranges_numbers(signed_in: SignedIn, counted: Past) -> None:
    """
    Two came in, one went out within about three seconds, nothing failed.
    """
    page = (await (await signed_in()).get("/monitoring?range=24h")).text
    assert "2 in · 1 out" in page
    assert "0 errors" in page
    (latency,) = findall(r"95 of 100 within ([0-9.]+) s\.\"", page)
    assert 2.6 < float(latency) < 3.4


async def test_each_chart_has_its_numbers_a_summary_and_a_table(signed_in: SignedIn, counted: Past) -> None:
    """
    For who cannot see it; the table stands in the address.
    """
    visitor = await signed_in()
    page = (await visitor.get("/monitoring")).text
    charts = [orjson.loads(unescape(it)) for it in findall(r'data-chart="([^"]+)"', page)]
    assert [it["kind"] for it in charts] == ["bars", "lines", "bars"]
    assert all(len({len(column) for column in it["series"]}) == 1 for it in charts)
    assert {it["step"] for it in charts} == {15 * 60}
    assert sum(charts[0]["series"][0]) == 2
    assert 'role="img" aria-label="2 messages came in' in page
    page = (await visitor.get("/monitoring?table=volume")).text
    assert len(findall("data-chart", page)) == 2
    assert '<th scope="col" class="end">Inbound</th>' in page


async def test_times_are_the_viewers_and_the_numbers_the_same(signed_in: SignedIn, counted: Past) -> None:
    """
    Also where clocks differ by half an hour from others.
    """
    visitor = await signed_in()
    found = {}
    for name in ("UTC", "Asia/Kolkata"):
        visitor.client.cookies.set("zone", name)
        page = (await visitor.get("/monitoring?table=volume")).text
        rows = findall(r'<time datetime="([^"]+)"[^>]*>([^<]*)</time></th><td class="end">(\d+)</td>', page)
        assert len(rows) == RANGES["24h"].length // RANGES["24h"].step
        for at, shown, _ in rows:
            assert f"{datetime.fromisoformat(at).astimezone(ZoneInfo(name)):%H:%M}" in shown
        found[name] = [(at, count) for at, _, count in rows if count != "0"]
    assert found["UTC"] == found["Asia/Kolkata"] == [(NOON.isoformat(), "2")]


async def test_people_are_shown_as_they_may_be(signed_in: SignedIn, counted: Past) -> None:
    """
    With their messages, never with a whole number.
    """
    await counted.settings(privacy="encrypted")
    page = (await (await signed_in()).get("/monitoring")).text
    assert "contact=ct_one" in page
    assert "+39 333 ••• 0001" in page
    assert NUMBER not in page


async def test_another_companys_numbers_are_not_there(signed_in: SignedIn, counted: Past) -> None:
    """
    Not even for who names it.
    """
    visitor = await signed_in(tenant=OTHER)
    assert "No messages yet" in (await visitor.get("/monitoring")).text
    assert (await visitor.get("/monitoring?tenant=tn_one")).status_code == 404


async def test_a_range_that_is_none_is_the_days(signed_in: SignedIn, counted: Past) -> None:
    """
    An address that somebody typed is no error.
    """
    page = (await (await signed_in()).get("/monitoring?range=soon")).text
    assert 'aria-current="page">24 h' in page


async def test_it_speaks_italian(signed_in: SignedIn, counted: Past) -> None:
    """
    Texts and numbers.
    """
    visitor = await signed_in()
    visitor.client.cookies.set("language", "it")
    page = (await visitor.get("/monitoring")).text
    assert "Monitoraggio" in page
    assert "Conversazioni attive" in page


@pytest.mark.parametrize(
    ("table", "said"), [("traffic_contact", "This list could not be read"), ("traffic", "The counts could not be read")]
)
async def test_a_card_that_cannot_be_read_says_so_and_the_others_stay(
    signed_in: SignedIn, counted: Past, store: Store, table: str, said: str
) -> None:
    """
    It never says that there is nothing.
    """
    visitor = await signed_in()
    async with store.connection() as connection:
        await connection.execute(f"revoke select on {table} from trunkline_console")
    page = (await visitor.get("/monitoring")).text
    assert said in page
    assert "Active conversations" in page
    assert ("contact=ct_one" in page) is (table == "traffic")
    assert ("data-chart" in page) is (table != "traffic")
