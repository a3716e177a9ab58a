"""Bindings, leads and users in the console."""

import csv
import io
import re
from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb

from services.console.setup import Setup
from shared.store.session import Store
from tests.services.console.api.past import NOON, NUMBER, Past
from tests.services.console.pages.conftest import ONE, OTHER, PASSWORD, SignedIn, Visitor


@pytest.fixture
async def paired(past: Past) -> Past:
    await past.pair()
    return past


async def count(store: Store, query: str) -> int:
    async with store.connection() as connection:
        row = await (await connection.execute(f"select count(*) as n from {query}")).fetchone()
    assert row is not None
    return int(row["n"])


async def test_a_binding_shows_user_masked_number_and_messages(signed_in: SignedIn, paired: Past) -> None:
    """
    Never the number itself.
    """
    page = (await (await signed_in()).get("/bindings")).text
    assert "Eve" in page
    assert "+39 333 ••• 0001" in page
    assert NUMBER not in page
    assert "wrote today</span>" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("user=us_one", ["bd_one"]),
        ("user=us_x", []),
        ("status=writing", ["bd_one"]),
        ("status=quiet", []),
        ("since=2999-01-01", []),
    ],
)
async def test_bindings_are_filtered_by_user_status_and_day(
    signed_in: SignedIn, paired: Past, query: str, shown: list[str]
) -> None:
    """
    What matches nothing offers to clear the filters.
    """
    page = (await (await signed_in()).get(f"/bindings?{query}")).text
    assert re.findall(r'id="row-(\w+)"', page) == shown
    assert ("Nothing matches" in page) is (not shown)


async def test_an_unbinding_wants_a_reason(signed_in: SignedIn, paired: Past, store: Store) -> None:
    """
    It is audited; with one the pairing ends.
    """
    visitor = await signed_in()
    await visitor.get("/bindings/bd_one/unbinding")
    assert (await visitor.post("/bindings/bd_one/unbinding", reason=" ")).status_code == 422
    assert await count(store, "binding") == 1
    answer = await visitor.post("/bindings/bd_one/unbinding", reason="phone was lost")
    assert answer.headers["location"] == "/bindings?done=unbound"
    assert await count(store, "binding") == 0
    assert await count(store, "audit where action = 'binding.ended' and after ->> 'reason' = 'phone was lost'") == 1


async def test_a_goodbye_is_queued_where_it_is_wanted(signed_in: SignedIn, paired: Past, store: Store) -> None:
    """
    They wrote within 24 hours.
    """
    visitor = await signed_in()
    await visitor.get("/bindings/bd_one/unbinding")
    answer = await visitor.post("/bindings/bd_one/unbinding", reason="lost", goodbye="yes")
    assert answer.headers["location"] == "/bindings?done=unbound-told"
    assert await count(store, "reply where kind = 'notice' and state = 'open'") == 1


async def test_a_binding_that_is_gone_by_now_is_409_and_the_list(
    signed_in: SignedIn, paired: Past, store: Store
) -> None:
    """
    Somebody else was faster.
    """
    visitor = await signed_in()
    await visitor.get("/bindings/bd_one/unbinding")
    await visitor.post("/bindings/bd_one/unbinding", reason="phone was lost")
    answer = await visitor.post("/bindings/bd_one/unbinding", reason="lost")
    assert answer.status_code == 409
    assert "ended already" in answer.text
    assert "Nobody has paired yet" in answer.text


async def test_leads_are_filtered_and_masked(signed_in: SignedIn, past: Past) -> None:
    """
    By agent, platform and day.
    """
    await past.settings(privacy="encrypted")
    visitor = await signed_in()
    page = (await visitor.get("/leads")).text
    assert "Ada" in page
    assert "+39 333 ••• 0001" in page
    assert NUMBER not in page
    for query in ("agent=ag_none", "platform=web", "since=2999-01-01"):
        assert "Nothing matches" in (await visitor.get(f"/leads?{query}")).text


async def test_a_lead_tells_the_advertisement_that_they_came_by(signed_in: SignedIn, past: Past, store: Store) -> None:
    """
    On the page, with its address, and in the table for spreadsheets.
    """
    source = {"kind": "ad", "id": "120211", "headline": "Spring <sale>", "url": "https://fb.me/x"}
    async with store.connection() as connection:
        await connection.execute("update lead set source = %s", (Jsonb(source),))
    visitor = await signed_in()
    page = (await visitor.get("/leads")).text
    assert '<a href="https://fb.me/x" rel="noreferrer noopener">Spring &lt;sale&gt;</a>' in page
    assert "advertisement" in page
    [row] = csv.DictReader(io.StringIO((await visitor.get("/leads/export")).text))
    assert {name: row[f"source_{name}"] for name in source} == source


async def test_leads_as_csv_have_no_formula_and_follow_the_filters(
    signed_in: SignedIn, past: Past, store: Store
) -> None:
    """
    The page's own address leads to them; that is audited.
    """
    await past.person("ct_two", "+393330000012", "=HYPERLINK(1)")
    seen = NOON + timedelta(days=1)
    await past.insert("lead", agent_id="ag_one", contact_id="ct_two", platform="web", first_seen=seen, last_seen=seen)
    visitor = await signed_in()
    page = (await visitor.get("/leads?platform=web")).text
    (address,) = re.findall(r'href="(/leads/export[^"]*)"', page)
    rows = [*csv.DictReader(io.StringIO((await visitor.get(address)).text))]
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1)"]
    assert await count(store, "audit where action = 'leads.exported'") == 1


async def _added(visitor: Visitor, **fields: str) -> str:
    await visitor.get("/users")
    answer = await visitor.post("/users", **{"email": "bo@one.example", "name": "Bo", "role": "USER", **fields})
    return answer.text


async def test_who_is_added_gets_a_token_that_is_shown_once(signed_in: SignedIn, setup: Setup, store: Store) -> None:
    """
    With it they choose a password; no cache may keep the page.
    """
    visitor = await signed_in()
    await visitor.get("/users")
    answer = await visitor.post("/users", email="Bo@one.example", name="Bo", role="USER")
    assert answer.headers["cache-control"] == "no-store"
    (token,) = re.findall(r'data-copy="([^"]+)"', answer.text)
    assert token not in (await visitor.get("/users")).text
    await setup.take(token, "bo@one.example", "Bo", PASSWORD)
    assert await count(store, "app_user where email = 'bo@one.example' and tenant_id = 'tn_one'") == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("email", "nobody", "This is no e-mail address."),
        ("name", " ", "A name has 1 to 200 characters."),
        ("email", "company_admin@tn_one.example", "Somebody has this address already."),
    ],
)
async def test_what_is_wrong_with_a_new_user_is_said_beside_the_field(
    signed_in: SignedIn, store: Store, field: str, value: str, said: str
) -> None:
    """
    And what was typed stays.
    """
    page = await _added(await signed_in(), **{field: value})
    assert said in page
    assert value.strip() in page
    assert await count(store, "app_user where name = 'Bo'") == 0


async def test_only_the_platform_adds_its_own_admins(signed_in: SignedIn, store: Store) -> None:
    """
    Whatever a form says.
    """
    await _added(await signed_in(), role="SYSTEM_ADMIN")
    assert await count(store, "app_user where email = 'bo@one.example'") == 0


async def test_who_is_disabled_is_unpaired_and_may_come_again(signed_in: SignedIn, paired: Past, store: Store) -> None:
    """
    A version that is not the present one changes nothing.
    """
    visitor = await signed_in()
    await visitor.get("/users")
    assert (await visitor.post("/users/us_one/state", state="disabled", version="9")).status_code == 409
    assert await count(store, "binding") == 1
    assert (await visitor.post("/users/us_one/state", state="disabled", version="1")).status_code == 303
    assert await count(store, "binding") == 0
    assert "Let in again" in (await visitor.get("/users?state=disabled")).text
    await visitor.post("/users/us_one/state", state="enabled", version="2")
    assert await count(store, "app_user where disabled_at is not null") == 0


async def test_nobody_shuts_themselves_out(signed_in: SignedIn, store: Store) -> None:
    """
    They might be the last who can let them in again.
    """
    visitor = await signed_in()
    await visitor.get("/users")
    assert (await visitor.post("/users/us_companyadminone/state", state="disabled", version="2")).status_code == 409
    assert await count(store, "app_user where disabled_at is not null") == 0


async def test_another_companys_people_are_not_there(signed_in: SignedIn, paired: Past, store: Store) -> None:
    """
    Neither to look at nor to change.
    """
    visitor = await signed_in(tenant=OTHER)
    for page in ("/bindings", "/leads", "/leads/export", "/users"):
        assert (await visitor.get(f"{page}?tenant={ONE}")).status_code == 404
        assert "us_one" not in (await visitor.get(page)).text
    assert (await visitor.get("/bindings/bd_one/unbinding")).status_code == 404
    for path in ("/users/us_one/token", "/users/us_one/state"):
        assert (await visitor.post(path, state="disabled", version="1")).status_code == 404
    await visitor.post("/bindings/bd_one/unbinding", reason="mine")
    assert await count(store, "binding") == 1
    assert await count(store, "setup_token where user_id = 'us_one'") == 0
