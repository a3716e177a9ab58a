"""Which of one person's threads has its turn: one at a time, and first the one that was asked first."""

from collections.abc import AsyncIterator

import pytest

from services.agent.store import Claim, Turns
from shared.failures import Later
from shared.ids import ThreadKey
from shared.store.presence import presence
from shared.store.session import Store
from tests.services.desk import TENANT, Platform

ELDER, YOUNGER = ThreadKey("elder"), ThreadKey("younger")


class Waiting:
    """Two threads, and two processes that would run their turns."""

    def __init__(self, platform: Platform, store: Store, owners: tuple[int, int]) -> None:
        self.rows = platform.rows
        self.one, self.other = (Turns(store, platform.vault, owner, 20) for owner in owners)

    async def asked(self, key: ThreadKey, *seqs: int) -> None:
        """Let a thread wait for the agent with these messages."""
        for seq in seqs:
            await self.rows(
                """
                insert into message (id, tenant_id, line_id, thread, conversation_id, account_sid, provider_sid, seq, outcome,
                                     sealed_text, received_at)
                values (%s, %s, 'ln_test', %s, 'cv', 'AC', %s, %s, 'asked', '', now()) returning 1
                """,
                f"msg_{seq}",
                TENANT,
                key,
                f"SM{seq}",
                seq,
            )
        await self.rows("update thread set asked_seq = %s, run_at = now() where key = %s returning 1", seqs[-1], key)

    async def answered(self, claim: Claim | None) -> None:
        assert claim is not None
        await self.rows("update thread set done_seq = asked_seq, owner = null where key = %s returning 1", claim.thread)

    async def claim(self, turns: Turns, key: ThreadKey) -> Claim | None:
        return await turns.claim(TENANT, key)


@pytest.fixture
async def waiting(platform: Platform, agent_store: Store, database_url: str) -> AsyncIterator[Waiting]:
    async with presence(database_url) as one, presence(database_url) as other:
        await platform.plant()
        here = Waiting(platform, agent_store, (one, other))
        await here.rows(
            "insert into contact (id, tenant_id, channel, sealed_name) values ('ct', %s, 'whatsapp', '') returning 1",
            TENANT,
        )
        await here.rows(
            "insert into conversation (id, tenant_id, contact_id, agent_id, line_id, channel)"
            " values ('cv', %s, 'ct', 'ag_test', 'ln_test', 'whatsapp') returning 1",
            TENANT,
        )
        for key in (ELDER, YOUNGER):
            await here.rows(
                "insert into thread (key, tenant_id, line_id, contact_id) values (%s, %s, 'ln_test', 'ct') returning 1",
                key,
                TENANT,
            )
        await here.rows("update thread set root = %s returning 1", ELDER)
        yield here


async def test_the_thread_that_was_asked_first_comes_first(waiting: Waiting) -> None:
    """
    By the first message that waits, not by the last.
    """
    await waiting.asked(YOUNGER, 4, 9)
    await waiting.asked(ELDER, 5, 6)
    assert await waiting.claim(waiting.one, ELDER) is None
    await waiting.answered(await waiting.claim(waiting.one, YOUNGER))
    assert await waiting.claim(waiting.one, ELDER) is not None


async def test_the_root_comes_first_where_it_was_asked_first(waiting: Waiting) -> None:
    """
    It is only the name of the group.
    """
    await waiting.asked(ELDER, 3)
    await waiting.asked(YOUNGER, 4)
    assert await waiting.claim(waiting.one, YOUNGER) is None
    assert await waiting.claim(waiting.one, ELDER) is not None


async def test_what_was_answered_is_not_waited_for(waiting: Waiting) -> None:
    """
    The age of a thread is that of what it still has to answer.
    """
    await waiting.asked(YOUNGER, 4, 9)
    await waiting.rows("update thread set done_seq = 4 where key = %s returning 1", YOUNGER)
    await waiting.asked(ELDER, 5)
    assert await waiting.claim(waiting.one, YOUNGER) is None
    assert await waiting.claim(waiting.one, ELDER) is not None


@pytest.mark.parametrize("rival", ["one", "other"])
async def test_two_turns_never_run_at_once(waiting: Waiting, rival: str) -> None:
    """
    Neither in another process nor in this one: also a thread that is older by now waits for the turn that runs.
    """
    await waiting.asked(YOUNGER, 4)
    assert await waiting.claim(waiting.one, YOUNGER) is not None
    await waiting.asked(ELDER, 3)
    assert await waiting.claim(getattr(waiting, rival), ELDER) is None


async def test_a_turn_whose_process_is_gone_is_not_waited_for_as_one_that_runs(waiting: Waiting) -> None:
    """
    Its lease has ended: it is claimed again, in the order of the messages.
    """
    await waiting.asked(YOUNGER, 4)
    await waiting.rows(
        "update thread set owner = 7, lease_until = now() - interval '1 s' where key = %s returning 1", YOUNGER
    )
    await waiting.asked(ELDER, 3)
    assert await waiting.claim(waiting.one, YOUNGER) is None
    await waiting.answered(await waiting.claim(waiting.one, ELDER))
    assert await waiting.claim(waiting.one, YOUNGER) is not None


async def test_who_claims_one_of_them_holds_all(waiting: Waiting, store: Store) -> None:
    """
    Claims of two threads of a person do not pass each other unseen: the second comes again.
    """
    await waiting.asked(YOUNGER, 4)
    async with store.transaction(TENANT) as connection:
        await connection.execute("select 1 from thread where key = %s for update", (ELDER,))
        with pytest.raises(Later):
            await waiting.claim(waiting.one, YOUNGER)
    assert await waiting.claim(waiting.one, YOUNGER) is not None
