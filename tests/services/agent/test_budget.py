"""Budgets in tokens: held before a call, settled after it, given back by the dead."""

import asyncio
from collections import Counter

import pytest

from services.agent.budget import Limits, Purse, Spender, estimate
from services.agent.budget_accounts import Accounts
from services.agent.llm_port import Completion
from shared.failures import MODEL_UNAVAILABLE, GatewayError
from shared.ids import ConversationId, TurnId
from shared.store.presence import presence
from shared.store.session import Store
from tests.services.desk import TENANT, Platform

DEAD = 4711

UNLIMITED = Limits()


def spender(turn: str, limits: Limits = UNLIMITED, conversation: str = "cv_1") -> Spender:
    return Spender(TENANT, ConversationId(conversation), TurnId(turn), limits)


async def used(platform: Platform) -> dict[str, tuple[int, int]]:
    """Return what was used of each account, and is held."""
    rows = await platform.rows("select account, used, held from token_account")
    return {row["account"].partition("/")[0]: (row["used"], row["held"]) for row in rows}


async def test_sixty_four_turns_at_the_same_time_never_overshoot(
    platform: Platform, agent_store: Store, database_url: str
) -> None:
    """
    Of 64 that want 100 each of a day of 1,000 exactly ten get it, whatever their order.
    """
    await platform.plant()
    async with presence(database_url) as owner:
        accounts = Accounts(agent_store, owner)

        async def one(number: int) -> str:
            try:
                await accounts.hold(spender(f"tu_{number}", Limits(day=1000), f"cv_{number}"), 100)
            except GatewayError as error:
                return error.failure.code
            return "granted"

        granted = await asyncio.gather(*map(one, range(64)))
    assert Counter(granted) == {"granted": 10, "day_budget_spent": 54}
    assert await used(platform) == {"day": (0, 1000)}


async def test_what_a_call_cost_takes_the_place_of_what_was_held(
    platform: Platform, agent_store: Store, database_url: str
) -> None:
    """
    On each account that has a limit.
    """
    await platform.plant()
    async with presence(database_url) as owner:
        accounts, who = Accounts(agent_store, owner), spender("tu_1", Limits(500, 500, 500))
        await accounts.hold(who, 400)
        await accounts.settle(who, 120)
    assert await used(platform) == dict.fromkeys(("message", "conversation", "day"), (120, 0))


@pytest.mark.parametrize("kind", ["message", "conversation", "day"])
async def test_each_limit_refuses_by_its_own_name_and_holds_nothing(
    platform: Platform, agent_store: Store, database_url: str, kind: str
) -> None:
    """
    The other accounts, which have room, are left as they were.
    """
    await platform.plant()
    limits = Limits(**{**dict.fromkeys(("message", "conversation", "day"), 10_000), kind: 100})
    async with presence(database_url) as owner:
        accounts = Accounts(agent_store, owner)
        with pytest.raises(GatewayError, match=f"{kind}_budget_spent"):
            await accounts.hold(spender("tu_1", limits), 101)
    assert await used(platform) == {}


async def test_what_a_dead_process_held_is_given_back_before_anybody_is_refused(
    platform: Platform, agent_store: Store, database_url: str
) -> None:
    """
    Its lock is gone; what the living hold stays held.
    """
    await platform.plant()
    async with presence(database_url) as owner:
        living = Accounts(agent_store, owner)
        await living.hold(spender("tu_1", Limits(day=1000), "cv_1"), 400)
        await Accounts(agent_store, DEAD).hold(spender("tu_2", Limits(day=1000), "cv_2"), 600)
        await living.hold(spender("tu_3", Limits(day=1000), "cv_3"), 600)
        with pytest.raises(GatewayError, match="day_budget_spent"):
            await living.hold(spender("tu_4", Limits(day=1000), "cv_4"), 1)
    assert await used(platform) == {"day": (0, 1000)}


async def test_a_turn_that_is_taken_over_holds_for_one_call_alone(
    platform: Platform, agent_store: Store, database_url: str
) -> None:
    """
    What its dead process held is given back first; what that one may still settle counts for nothing.
    """
    await platform.plant()
    async with presence(database_url) as owner:
        gone, taking = Accounts(agent_store, DEAD), Accounts(agent_store, owner)
        await gone.hold(spender("tu_1", Limits(conversation=500)), 400)
        await taking.hold(spender("tu_1", Limits(conversation=500)), 450)
        await gone.settle(spender("tu_1", Limits(conversation=500)), 50)
        assert await used(platform) == {"conversation": (0, 450)}
        await taking.settle(spender("tu_1", Limits(conversation=500)), 90)
    assert await used(platform) == {"conversation": (90, 0)}


async def test_a_turn_without_limits_leaves_no_row(platform: Platform, agent_store: Store) -> None:
    """
    Who has no budget pays for none.
    """
    await platform.plant()
    accounts = Accounts(agent_store, DEAD)
    await accounts.hold(spender("tu_1"), 400)
    await accounts.settle(spender("tu_1"), 100)
    assert await used(platform) == {}


class Book:
    """A budget that writes down what it is asked."""

    def __init__(self) -> None:
        self.held: list[int] = []
        self.settled: list[int] = []

    async def hold(self, _spender: Spender, tokens: int) -> None:
        self.held.append(tokens)

    async def settle(self, _spender: Spender, tokens: int) -> None:
        self.settled.append(tokens)


TOLD = [{"role": "user", "content": "How much is the room?"}]


async def test_a_call_holds_what_it_is_told_and_the_longest_answer() -> None:
    """
    It is settled to what the server counts.
    """
    book = Book()
    async with Purse(book, spender("tu_1"), 2000).spend(TOLD, []) as bill:
        bill.pay(Completion("Ten.", input_tokens=12, output_tokens=3), None)
    assert (book.held, book.settled) == ([estimate(TOLD) + 2000], [15])


async def test_where_the_server_counts_nothing_the_estimate_stands() -> None:
    """
    Of what the model was told, and of what it said.
    """
    book = Book()
    async with Purse(book, spender("tu_1"), 2000).spend(TOLD, []) as bill:
        bill.pay(Completion("Ten."), None)
    assert book.settled == [estimate(TOLD) + 2]


async def test_a_call_that_fails_costs_nothing() -> None:
    """
    Nobody is paid for an error.
    """
    book = Book()
    with pytest.raises(GatewayError):
        async with Purse(book, spender("tu_1"), 2000).spend(TOLD, []):
            raise GatewayError(MODEL_UNAVAILABLE)
    assert book.settled == [0]


async def test_a_call_that_is_broken_off_costs_what_the_model_was_told() -> None:
    """
    The server has read it, and goes on.
    """
    book = Book()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0), Purse(book, spender("tu_1"), 2000).spend(TOLD, []):
            await asyncio.Event().wait()
    assert book.settled == [estimate(TOLD)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("the quick brown fox jumps over the lazy dog", 9),
        ("Quanto costa una camera per due notti?", 11),
        ("四月の部屋はありますか", 11),
    ],
)
def test_an_estimate_is_more_than_tokenizers_count(text: str, tokens: int) -> None:
    """
    `tokens`: what common tokenizers make of the text, rounded up.
    """
    assert estimate([{"role": "user", "content": text}]) >= tokens
