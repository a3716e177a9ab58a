"""One of many: a list where they are few, else a page that finds one by its name, and leads back."""

import re
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from services.console.pages.choices import COMPANIES, FEW, USERS
from services.console.records import CANARIES
from shared.store.session import Store
from tests.services.console.api.past import Past
from tests.services.console.pages.conftest import ONE, OTHER, SignedIn, Visitor

LAST = "tn_many060"


@pytest.fixture
async def many(store: Store, past: Past) -> None:
    """Sixty more companies, and as many users of one."""
    async with store.connection() as connection:
        await connection.execute(
            "insert into tenant (id, name) select 'tn_many' || to_char(n, 'FM000'), 'Company ' || n from generate_series(1, 60) n"
        )
        await connection.execute(
            """
            insert into app_user (id, tenant_id, email, name, role)
            select 'us_many' || n, %s, 'user' || n || '@example.org', 'User ' || n, 'USER' from generate_series(1, 60) n
            """,
            (ONE,),
        )


def rows(page: str) -> dict[str, str]:
    """Return whom a page offers, and where each leads."""
    found = re.findall(r'<th scope="row"><a href="([^"]+)"[^>]*>([^<]+)', page)
    return {unescape(name).strip(): unescape(path) for path, name in found}


def way(page: str, label: str) -> str:
    """Return where a field leads on which another is chosen."""
    found = re.findall(rf'<span class="label">{label}</span>.*?<a class="button" href="([^"]+)"', page, re.DOTALL)
    return unescape(found[0])


async def choice(visitor: Visitor, asker: str, of: str = "companies", **query: str) -> str:
    """Return the page that finds one for another page."""
    answer = await visitor.get(f"/choices/{of}", params={"for": asker, **query})
    assert answer.status_code == 200, asker
    return answer.text


async def test_few_are_a_list(signed_in: SignedIn, past: Past) -> None:
    """
    In which the one that is shown is chosen.
    """
    page = (await (await signed_in("SYSTEM_ADMIN")).get(f"/messages?tenant={OTHER}")).text
    assert f'<option value="{ONE}">' in page
    assert f'<option value="{OTHER}" selected>' in page
    assert "/choices/" not in page


async def test_one_more_than_few_is_many(signed_in: SignedIn, store: Store, past: Past) -> None:
    """
    However many there are, no list is longer.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    offered = (await visitor.get("/agents")).text.partition("<main")[2].count("<option")
    for made, listed in ((FEW - offered, FEW), (1, 0)):
        async with store.connection() as connection:
            query = (
                "insert into tenant (id, name) select 'tn_' || %s || '_' || n, 'C' || n from generate_series(1, %s) n"
            )
            await connection.execute(query, (made, made))
        page = (await visitor.get("/agents")).text.partition("<main")[2]
        assert page.count("<option") == listed
        assert ("/choices/companies" in page) is (listed == 0)


async def test_many_are_the_chosen_one_and_a_way_to_the_others(signed_in: SignedIn, many: None) -> None:
    """
    What else is asked for stays with the form, and with the way.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    page = (await visitor.get(f"/messages?tenant={LAST}&status=failed&cursor=")).text
    assert "Company 60" in page
    assert f'<input type="hidden" name="tenant" value="{LAST}">' in page
    assert "Company 59" not in page
    there = parse_qs(urlsplit(way(page, "Company")).query)
    assert there == {"for": [f"/messages?tenant={LAST}&status=failed"]}


@pytest.mark.parametrize("asker", COMPANIES.askers)
async def test_every_page_that_asks_is_shown_for_the_company_that_was_found(
    signed_in: SignedIn, many: None, asker: str
) -> None:
    """
    From the page itself to the search, and back.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    searched = way((await visitor.get(asker)).text, "Company")
    assert searched == f"/choices/companies?for={quote(asker, safe='')}"
    found = rows((await visitor.get(f"{searched}&q=company+60")).text)
    assert found == {"Company 60": f"{asker}?tenant={LAST}"}
    page = (await visitor.get(found["Company 60"])).text
    assert 'title="Company 60"' in page


@pytest.mark.parametrize("asker", USERS.askers)
async def test_a_user_is_found_by_name_or_address(signed_in: SignedIn, many: None, asker: str) -> None:
    """
    Of the company that is shown.
    """
    visitor = await signed_in()
    searched = way((await visitor.get(f"{asker}?since=2026-01-01")).text, "User")
    for words in ("uSER 60", "user60@EXAMPLE"):
        found = rows((await visitor.get(f"{searched}&q={quote(words)}")).text)
        assert found == {"User 60": f"{asker}?since=2026-01-01&tenant={ONE}&user=us_many60"}
    page = (await visitor.get(found["User 60"])).text
    assert 'title="User 60"' in page
    assert 'name="user" value="us_many60"' in page


async def test_a_search_takes_words_letter_by_letter_in_any_case(signed_in: SignedIn, store: Store, past: Past) -> None:
    """
    Wildcards of the database are letters as others are.
    """
    names = ("50% off", "snake_case", "back\\slash", "O'Brien", "Wołodymyr Żółkiewski")
    async with store.connection() as connection:
        for n, name in enumerate(names):
            await connection.execute("insert into tenant (id, name) values (%s, %s)", (f"tn_{n}", name))
    visitor = await signed_in("SYSTEM_ADMIN")
    for words, expected in {
        "%": "50% off",
        "E_C": "snake_case",
        "\\": "back\\slash",
        "o'b": "O'Brien",
        " ŻÓŁK ": "Wołodymyr Żółkiewski",
    }.items():
        assert [*rows(await choice(visitor, "/messages", q=words))] == [expected]


async def test_what_fits_nothing_says_so_and_a_company_without_users_too(
    signed_in: SignedIn, store: Store, past: Past
) -> None:
    """
    With the way back to all.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    page = await choice(visitor, "/messages", q="nobody at all")
    assert "Nothing matches" in page
    assert 'href="/choices/companies?for=%2Fmessages"' in page
    assert "No users yet" in await choice(visitor, "/bindings", "users", tenant=OTHER)


async def test_all_are_reached_by_name_and_none_twice(signed_in: SignedIn, store: Store, many: None) -> None:
    """
    25 on a page, also where many have the same name.
    """
    async with store.connection() as connection:
        await connection.execute("update tenant set name = 'Twin' where id > 'tn_many010' and id < 'tn_many051'")
        told = await (await connection.execute("select id from tenant order by lower(name), id")).fetchall()
    visitor = await signed_in("SYSTEM_ADMIN")
    page, seen = await choice(visitor, "/messages"), []
    while True:
        seen += re.findall(r'href="/messages\?tenant=(\w+)"', page)
        if (more := re.search(r'<a class="button" href="([^"]+)">More', page)) is None:
            break
        page = (await visitor.get(unescape(more[1]))).text
    assert seen == [row["id"] for row in told if row["id"] != CANARIES]


async def test_what_belonged_to_the_company_before_goes_and_the_rest_stays(signed_in: SignedIn, past: Past) -> None:
    """
    Another company has no message of that person.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    asker = (
        f"/messages?tenant={ONE}&status=failed&contact=ct_one&provider_sid=SM1&since=2026-01-01&cursor=abc&done=saved"
    )
    page = await choice(visitor, asker)
    assert rows(page)[OTHER] == f"/messages?status=failed&since=2026-01-01&tenant={OTHER}"
    assert re.search(rf'<a href="[^"]+tenant={ONE}" aria-current="true">', page)
    back = f"/messages?tenant={ONE}&status=failed&contact=ct_one&provider_sid=SM1&since=2026-01-01"
    assert f'<p class="up"><a href="{back.replace("&", "&amp;")}">' in page


async def test_where_none_may_be_chosen_none_comes_first(signed_in: SignedIn, past: Past) -> None:
    """
    The audit log of all companies, a key of the platform's, all users' pairings; not where one company is shown at a time.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    page = await choice(visitor, f"/audit?tenant={ONE}&action=x&object=ag_one")
    assert next(iter(rows(page).items())) == ("any", "/audit?action=x")
    page = await choice(visitor, "/api-keys/new")
    assert next(iter(rows(page).items())) == ("the platform: sees every company", "/api-keys/new")
    page = await choice(visitor, f"/bindings?tenant={ONE}&user=us_a", "users", tenant=ONE)
    assert next(iter(rows(page).items())) == ("any", f"/bindings?tenant={ONE}")
    assert "any" not in rows(await choice(visitor, "/audit", q="tn"))
    assert "any" not in rows(await choice(visitor, f"/messages?tenant={ONE}"))


@pytest.mark.parametrize(
    "elsewhere",
    [
        "",
        "https://evil.example/messages",
        "//evil.example",
        "/\\evil.example",
        "/messages/../sign-out",
        "/messages#x",
        "/tenants",
        "messages",
        "javascript:alert(1)",
        "/messages?" + "&".join(f"f{n}=x" for n in range(60)),
    ],
)
async def test_it_leads_back_to_pages_that_ask_and_nowhere_else(
    signed_in: SignedIn, past: Past, elsewhere: str
) -> None:
    """
    A link that somebody was sent leads nobody away.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    for of in ("companies", "users"):
        answer = await visitor.get(f"/choices/{of}", params={"for": elsewhere})
        assert answer.status_code == 404
        assert not re.findall(r'(?:href|action)="(?!#|/(?![/\\\\]))', answer.text)


async def test_what_stands_in_the_address_of_the_asker_breaks_nothing(signed_in: SignedIn, past: Past) -> None:
    """
    Neither what no text in the database may hold nor what is no text.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    for query in ("tenant=%00&user=%00", "tenant=%ff&user=%ff", "tenant&=&&user", 'tenant="><script>'):
        assert "<script>" not in (await choice(visitor, f"/bindings?{query}", "users")).partition("<main")[2]
        assert "<script>" not in (await choice(visitor, f"/bindings?{query}")).partition("<main")[2]


async def test_a_company_sees_its_own_users_and_no_companies(signed_in: SignedIn, many: None) -> None:
    """
    The others' are not there.
    """
    visitor = await signed_in(tenant=OTHER)
    assert (await visitor.get("/choices/companies?for=/messages")).status_code == 404
    assert (await visitor.get(f"/choices/users?for=/bindings&tenant={ONE}")).status_code == 404
    assert [*rows(await choice(visitor, f"/bindings?tenant={ONE}&user=us_many1", "users"))] == ["any", "Ada"]


async def test_the_canaries_are_offered_to_nobody_and_named_to_who_looks_at_them(
    signed_in: SignedIn, store: Store, past: Past
) -> None:
    """
    Their company is the watchman's own.
    """
    async with store.connection() as connection:
        await connection.execute(
            "insert into tenant (id, name) values (%s, 'Canaries') on conflict do nothing", (CANARIES,)
        )
    visitor = await signed_in("SYSTEM_ADMIN")
    assert CANARIES not in (await visitor.get("/messages")).text
    assert CANARIES not in await choice(visitor, "/messages")
    assert f'<option value="{CANARIES}" selected>' in (await visitor.get(f"/messages?tenant={CANARIES}")).text


async def test_a_key_is_made_for_the_company_that_was_found(signed_in: SignedIn, many: None) -> None:
    """
    Also after a form that lacked something.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    page = (await visitor.get(f"/api-keys/new?tenant={LAST}")).text
    assert 'title="Company 60"' in page
    lacking = (await visitor.post("/api-keys", name="CRM", tenant=LAST)).text
    assert 'title="Company 60"' in lacking
    assert way(lacking, "Company") == "/choices/companies?for=%2Fapi-keys%2Fnew"
    await visitor.post("/api-keys", name="CRM", tenant=LAST, scopes="messages:read")
    assert "Company 60" in (await visitor.get("/api-keys")).text
