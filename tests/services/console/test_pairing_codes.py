"""`POST /v1/pairing-codes`, with real Postgres."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from services.console.seed import USER_EMAIL, Seed
from services.console.settings import ConsoleSettings
from shared.addresses import PAIR_ALPHABET, Pepper
from shared.store.session import Store
from shared.vault import Vault
from tests.services.console.conftest import KEY, Client, MakeSettings, OpenConsole

PATH = "/v1/pairing-codes"
BEARER = {"Authorization": f"Bearer {KEY}"}


async def make(client: Client, body: Any = None, headers: dict[str, str] = BEARER) -> httpx2.Response:
    return await client.post(PATH, json={} if body is None else body, headers=headers)


async def rows(store: Store, query: str) -> list[dict[str, Any]]:
    async with store.connection() as connection:
        return await (await connection.execute(query)).fetchall()


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Return status and code of a problem document, after a look at its form."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert {"type", "title", "detail", "trace_id"} <= body.keys()
    return answer.status_code, body["code"]


# Making one


async def test_a_code_is_made_for_the_first_user_where_nobody_is_named(client: Client) -> None:
    """
    Eight signs, and the address of whom it is for.
    """
    answer = await make(client)
    assert answer.status_code == 201
    assert re.fullmatch(f"[{PAIR_ALPHABET}]{{8}}", answer.json()["code"])
    assert answer.json()["user"] == USER_EMAIL


async def test_a_user_is_found_however_the_address_is_spelt(client: Client) -> None:
    """
    Mail addresses know no capitals.
    """
    assert (await make(client, {"user": USER_EMAIL.upper()})).status_code == 201


async def test_only_the_digest_of_a_code_is_stored(client: Client, store: Store, pepper: Pepper) -> None:
    """
    Who reads the table cannot pair a phone.
    """
    code = (await make(client)).json()["code"]
    [row] = await rows(store, "select * from pair_code")
    assert row["digest"] == pepper.code_digest(code)
    assert code not in str(row)


async def test_a_code_lives_as_long_as_the_variable_says(
    opened: OpenConsole, configured: MakeSettings, seeded: ConsoleSettings, store: Store
) -> None:
    """
    CHANNEL_PAIR_CODE_TTL_MS, by the database's clock; the answer tells the end.
    """
    async with opened(configured({"CHANNEL_PAIR_CODE_TTL_MS": "90000"})) as client:
        answer = await make(client)
    [row] = await rows(store, "select expires_at, created_at, expires_at - created_at as life from pair_code")
    assert row["life"] == timedelta(seconds=90)
    assert datetime.fromisoformat(answer.json()["expires_at"]) == row["expires_at"]


async def test_a_code_lives_ten_minutes_by_default(client: Client, store: Store) -> None:
    """
    Long enough to type eight signs.
    """
    await make(client)
    assert await rows(store, "select expires_at - created_at as life from pair_code") == [
        {"life": timedelta(minutes=10)}
    ]


# Who may


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Bearer {KEY[:-1]}"},
    ],
)
async def test_without_the_key_no_code_is_made(client: Client, store: Store, headers: dict[str, str]) -> None:
    """
    401 as a problem document, whatever is wrong with the key.
    """
    assert problem(await make(client, headers=headers)) == (401, "unauthorized")
    assert await rows(store, "select 1 from pair_code") == []


async def test_without_the_key_nobody_learns_who_is_a_user(client: Client) -> None:
    """
    The same answer for users and strangers.
    """
    known = await make(client, {"user": USER_EMAIL}, {})
    unknown = await make(client, {"user": "nobody@example.org"}, {})
    assert known.json() | {"trace_id": ""} == unknown.json() | {"trace_id": ""}


async def test_for_an_unknown_user_no_code_is_made(client: Client) -> None:
    """
    404; the answer does not repeat who was asked for.
    """
    answer = await make(client, {"user": "nobody@example.org"})
    assert problem(answer) == (404, "user_unknown")
    assert "nobody" not in answer.text


# How many


async def test_the_fourth_code_within_an_hour_is_refused(client: Client, store: Store) -> None:
    """
    429 with the time of day at which the next may be made: an hour after the first.
    """
    made = [await make(client) for _ in range(3)]
    answer = await make(client)
    assert [code.status_code for code in made] == [201, 201, 201]
    assert problem(answer) == (429, "too_many_codes")
    [first] = await rows(store, "select min(created_at) as at from pair_code")
    again_at = first["at"].astimezone(UTC) + timedelta(hours=1)
    assert f"{again_at:%H:%M} UTC" in answer.json()["detail"]
    assert len(await rows(store, "select 1 from pair_code")) == 3


async def test_an_hour_later_there_is_room_again(client: Client, store: Store) -> None:
    """
    For one, when only the first is older than an hour.
    """
    for _ in range(3):
        await make(client)
    await rows(
        store,
        """
        update pair_code set created_at = created_at - interval '1 hour'
        where id = (select id from pair_code order by created_at limit 1) returning 1
        """,
    )
    assert (await make(client)).status_code == 201
    assert problem(await make(client)) == (429, "too_many_codes")


async def test_codes_that_are_asked_for_at_the_same_time_count_one_by_one(client: Client, store: Store) -> None:
    """
    Eight at once make three.
    """
    answers = await asyncio.gather(*(make(client) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 5
    assert len(await rows(store, "select 1 from pair_code")) == 3


async def test_the_variable_sets_how_many(
    opened: OpenConsole, configured: MakeSettings, seeded: ConsoleSettings
) -> None:
    """
    CHANNEL_PAIR_RATE_LIMIT.
    """
    async with opened(configured({"CHANNEL_PAIR_RATE_LIMIT": "1"})) as client:
        assert [(await make(client)).status_code for _ in range(2)] == [201, 429]


async def test_each_user_has_a_limit_of_their_own(client: Client, store: Store) -> None:
    """
    One person's codes do not keep another from pairing.
    """
    await rows(
        store,
        """
        insert into app_user (id, tenant_id, email, role)
        select 'us_ann', tenant_id, 'ann@example.org', 'USER' from app_user limit 1 returning 1
        """,
    )
    for _ in range(4):
        await make(client)
    assert (await make(client, {"user": "ann@example.org"})).json()["user"] == "ann@example.org"


# What else may go wrong


@pytest.mark.parametrize("body", [{"user": 5}, {"user": "sesame" * 100}, {"sesame": 1}, ["sesame"], "sesame"])
async def test_a_request_of_another_form_is_refused_without_repeating_it(client: Client, body: Any) -> None:
    """
    422 with a pointer to each fault, and none of the values.
    """
    answer = await make(client, body)
    assert problem(answer) == (422, "invalid_request")
    assert all(fault.keys() == {"pointer", "code", "detail"} for fault in answer.json()["errors"])
    assert "sesame" not in "".join(fault["detail"] for fault in answer.json()["errors"])


async def test_what_is_no_json_is_refused(client: Client) -> None:
    """
    As a problem document too.
    """
    answer = await client.post(PATH, content=b"{sesame", headers={**BEARER, "content-type": "application/json"})
    assert problem(answer) == (422, "invalid_request")
    assert "sesame" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [("GET", PATH, (405, "method_not_allowed")), ("GET", "/v1/nothing", (404, "not_found"))],
)
async def test_unknown_routes_and_methods_are_problem_documents(
    client: Client, method: str, path: str, expected: tuple[int, str]
) -> None:
    """
    Clients of the API read one form of error.
    """
    assert problem(await client.request(method, path, headers=BEARER)) == expected


async def test_a_fault_of_our_own_is_a_problem_document_without_its_cause(client: Client, store: Store) -> None:
    """
    500; what the database said stays in the log.
    """
    async with store.connection() as connection:
        await connection.execute("alter table pair_code rename to elsewhere")
    answer = await make(client)
    assert problem(answer) == (500, "internal_error")
    assert "pair_code" not in answer.text


async def test_before_the_seed_there_is_nobody_to_make_a_code_for(
    opened: OpenConsole, configured: MakeSettings, console_store: Store, vault: Vault
) -> None:
    """
    404 until the platform is set up, then a code.
    """
    settings = configured()
    async with opened(settings) as client:
        assert problem(await make(client)) == (404, "user_unknown")
        await Seed(console_store, vault).plant(settings)
        assert (await make(client)).status_code == 201
