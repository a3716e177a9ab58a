"""What Twilio has and we never got is taken in, once, in order, as if it had arrived in time."""

from datetime import UTC, datetime, timedelta

import pytest

from services.console.gap_fill import Filled, GapFill
from services.console.settings import ConsoleSettings
from shared.addresses import Pepper
from shared.bus import Bus
from shared.events import InboundContent, InboundReceived
from shared.ids import Address, Sequence
from shared.store.session import Store
from shared.topology import INBOUND, inbound_subject
from shared.vault import Vault
from tests.fakes.account import FakeAccount, written
from tests.services.console.conftest import KEY, Client
from tests.services.console.dead_work import KEYED, TENANT, a_thread
from tests.services.desk import sid

NOW = datetime.now(UTC)
LINE = Address("whatsapp:+14155238886")
ANN = Address("whatsapp:+15550001")


async def _stored(bus: Bus, vault: Vault, sender: Address) -> list[tuple[InboundReceived, InboundContent]]:
    thread = Pepper(b"t" * 32).thread_key("whatsapp", LINE, sender)
    found = []
    async for stored in bus.read_forward(INBOUND, inbound_subject(TENANT, thread), Sequence(0), Sequence(1000), 100):
        event = InboundReceived.decode(stored.body)
        found.append((event, InboundContent.model_validate_json(vault.open_text(event.sealed, event.seal_context))))
    return found


async def test_a_missed_message_is_taken_in_at_its_own_time(
    gap_fill: GapFill, twilio: FakeAccount, seeded: ConsoleSettings, bus: Bus, vault: Vault
) -> None:
    """
    The oldest comes first; each keeps Twilio's time and says that it was reconciled.
    """
    times = [NOW - timedelta(minutes=minutes) for minutes in (30, 20, 10)]
    for number in (1, 2, 0):
        twilio.messages.append(written(sid(), ANN, LINE, f"message {number}", times[number]))
    assert await gap_fill.run() == Filled(lines=1, listed=3, found=3, failed=0)
    stored = await _stored(bus, vault, ANN)
    assert [content.text for _, content in stored] == ["message 0", "message 1", "message 2"]
    assert [event.received_at for event, _ in stored] == times
    assert all(event.reconciled for event, _ in stored)


async def test_a_second_run_finds_nothing(gap_fill: GapFill, twilio: FakeAccount, seeded: ConsoleSettings) -> None:
    """
    What is still on its way to a table is known by its message id.
    """
    twilio.messages.append(written(sid(), ANN, LINE, "hello", NOW))
    await gap_fill.run()
    assert await gap_fill.run() == Filled(lines=1, listed=1, found=0, failed=0)


async def test_what_a_table_knows_is_not_published(
    gap_fill: GapFill, twilio: FakeAccount, seeded: ConsoleSettings, store: Store
) -> None:
    """
    A message that was routed long ago, when JetStream's window has closed, is left alone.
    """
    known = sid()
    await a_thread(store)
    async with store.connection() as connection:
        await connection.execute(
            """
            insert into message (id, tenant_id, line_id, thread, account_sid, provider_sid, seq, outcome, sealed_text, received_at)
            select 'msg_known', tenant_id, line_id, key, %s, %s, 1, 'asked', '', now() from thread
            """,
            (seeded.account_sid, known),
        )
    twilio.messages.append(written(known, ANN, LINE, "hello", NOW))
    assert (await gap_fill.run()).found == 0


async def test_a_known_number_goes_to_its_own_thread(
    gap_fill: GapFill, twilio: FakeAccount, seeded: ConsoleSettings, store: Store, bus: Bus
) -> None:
    """
    Somebody whom webhooks name by a user id is found by the number that the list names.
    """
    thread = await a_thread(store, alias=KEYED.address_key(TENANT, "whatsapp", ANN))
    twilio.messages.append(written(sid(), ANN, LINE, "hello", NOW))
    await gap_fill.run()
    found = [it async for it in bus.read_forward(INBOUND, inbound_subject(TENANT, thread), Sequence(0), Sequence(9), 9)]
    assert len(found) == 1


@pytest.mark.parametrize("guest", [False, True])
async def test_somebody_with_several_threads_is_found_by_their_root(
    gap_fill: GapFill, twilio: FakeAccount, seeded: ConsoleSettings, store: Store, *, bus: Bus, guest: bool
) -> None:
    """
    Whichever of them was read last; also where the threads are a guest's on a shared line.
    """
    root = await a_thread(store, alias=KEYED.address_key(TENANT, "whatsapp", ANN))
    async with store.connection() as connection:
        await connection.execute(
            "insert into thread (key, root, tenant_id, line_id, contact_id, last_seq)"
            " select 'younger', key, tenant_id, line_id, contact_id, 9 from thread",
        )
        await connection.execute("update thread set root = %s", (root,))
        if guest:
            await connection.execute(
                "insert into contact (id, tenant_id, channel, sealed_name) values ('ct_guest', %s, 'whatsapp', '')",
                (TENANT,),
            )
            await connection.execute("update thread set host_contact_id = contact_id, contact_id = 'ct_guest'")
    twilio.messages.append(written(sid(), ANN, LINE, "hello", NOW))
    await gap_fill.run()
    found = [it async for it in bus.read_forward(INBOUND, inbound_subject(TENANT, root), Sequence(0), Sequence(9), 9)]
    assert len(found) == 1


async def test_each_run_looks_back_to_an_hour_before_the_last_complete_one(
    gap_fill: GapFill, twilio: FakeAccount, seeded: ConsoleSettings, store: Store
) -> None:
    """
    The first looks a day back. A run in which Twilio did not answer counts for nothing.
    """
    await gap_fill.run()
    twilio.works = False
    assert (await gap_fill.run()).failed == 1
    twilio.works = True
    async with store.connection() as connection:
        await connection.execute("update job_run set started_at = started_at - interval '10 hours'")
    await gap_fill.run()
    first, _, third = (round((datetime.now(UTC) - since).total_seconds() / 3600) for since in twilio.asked)
    assert (first, third) == (24, 11)


async def test_twilio_is_asked_once_for_each_line(
    gap_fill: GapFill, twilio: FakeAccount, seeded: ConsoleSettings
) -> None:
    """
    However many messages there are.
    """
    twilio.messages += [written(sid(), ANN, LINE, f"{number}", NOW) for number in range(50)]
    assert (await gap_fill.run()).found == 50
    assert len(twilio.asked) == 1


@pytest.mark.parametrize("failed", [0, 1])
async def test_the_api_runs_it(client: Client, twilio: FakeAccount, failed: int) -> None:
    """
    The answer tells what was found, and for how many lines Twilio did not answer.
    """
    twilio.works = not failed
    answer = await client.post("/v1/jobs/gap-fill/runs", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 201
    assert answer.json() == {"lines": 1, "listed": 0, "found": 0, "failed": failed}
