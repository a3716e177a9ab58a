"""Who may say what on NATS, with the server's configuration of the manifests."""

import asyncio

import nats.errors
import pytest
from nats.aio.client import Client

from deploy.nats.users import USERS, configuration
from shared.bus import BusUnavailable, apply_topology, open_bus
from shared.bus.login import connect, login
from shared.bus.nkey import MalformedSeed, Nkey, new_seed
from shared.events import InboundReceived, ReplyReady, TurnRequested
from shared.ids import ReplyId, Sequence, TenantId, ThreadKey
from shared.topology import (
    EGRESS,
    EVT,
    INBOUND,
    OUT,
    ROUTER,
    STATUS,
    STREAMS,
    TURN,
    inbound_subject,
    out_subject,
    turn_subject,
)
from tests.deploy.guarded import GuardedNats
from tests.deploy.rendering import KUBERNETES, ROOT

CONTRACTS = ROOT / "tests/contracts/events"
TENANT, THREAD = TenantId("t1"), ThreadKey("thread")


def test_the_configuration_is_made_from_the_topology() -> None:
    """
    It is what `python -m deploy.nats.users` prints.
    """
    assert (KUBERNETES / "components/nats/users.conf").read_text() == configuration()


async def test_the_topology_user_makes_the_streams_and_repeating_it_changes_nothing(guarded_nats: GuardedNats) -> None:
    """
    Over TLS, with an nkey.
    """
    await asyncio.to_thread(apply_topology, guarded_nats.login("topology"))
    assert guarded_nats.refusals() == []


async def test_a_user_publishes_and_reads_what_its_service_needs(guarded_nats: GuardedNats) -> None:
    """
    The agent stores a reply, egress makes its durable and is given it.
    """
    given = asyncio.Event()

    async def on_reply_ready(event: ReplyReady, _delivery: object) -> None:
        given.set()

    async with (
        open_bus(guarded_nats.login("egress"), "egress") as egress,
        open_bus(guarded_nats.login("agent"), "agent") as agent,
    ):
        egress.on(EGRESS, on_reply_ready, workers=1)
        await egress.consume()
        ready = ReplyReady(tenant=TENANT, thread=THREAD, reply_id=ReplyId(1))
        assert await agent.publish(OUT, out_subject(TENANT, THREAD), ready, message_id="r1")
        await asyncio.wait_for(given.wait(), 10)
    assert guarded_nats.refusals() == []


async def test_a_user_may_not_publish_into_another_stage(guarded_nats: GuardedNats) -> None:
    """
    A stolen agent cannot ask for turns.
    """
    turn = TurnRequested(tenant=TENANT, thread=THREAD, upto_seq=Sequence(1))
    async with open_bus(guarded_nats.login("agent"), "agent") as bus:
        with pytest.raises(BusUnavailable):
            await bus.publish(TURN, turn_subject(TENANT, THREAD), turn, message_id="t1", timeout=1)
    assert len(guarded_nats.refusals()) == 1


@pytest.mark.parametrize("stream", [stream.name for stream in STREAMS])
async def test_no_service_may_delete_or_change_a_stream(guarded_nats: GuardedNats, stream: str) -> None:
    """
    Streams are the topology job's.
    """
    for user in set(USERS) - {"topology"}:
        client = await connect(login(guarded_nats.login(user), user))
        for verb in ("DELETE", "UPDATE", "CREATE"):
            assert await refused(client, f"$JS.API.STREAM.{verb}.{stream}")
        if user != "console":
            assert await refused(client, f"$JS.API.STREAM.PURGE.{stream}")
        await client.close()


async def test_the_console_can_forget_a_person(guarded_nats: GuardedNats) -> None:
    """
    It deletes what a person wrote and drops the hints of their threads, but no stream of facts as a whole.
    """
    async with open_bus(guarded_nats.login("console"), "console") as bus:
        written = InboundReceived.decode((CONTRACTS / "inbound.received.v1.json").read_bytes())
        await bus.publish(INBOUND, inbound_subject(TENANT, THREAD), written, message_id="m1")
        await bus.erase(INBOUND, await bus.last_seq(INBOUND))
        for stream in (TURN, OUT, EVT):
            await bus.purge(stream, stream.subjects[0])
        assert guarded_nats.refusals() == []
        for stream in (INBOUND, STATUS):
            with pytest.raises(BusUnavailable):
                await bus.purge(stream, stream.subjects[0])


async def test_no_user_hears_what_another_is_answered(guarded_nats: GuardedNats) -> None:
    """
    Deliveries go to an inbox below the service's own name.
    """
    client = await connect(login(guarded_nats.login("agent"), "agent") | {"error_cb": _quiet})
    await client.subscribe("_INBOX.egress.>")
    await client.subscribe(ROUTER.subject)
    await client.flush()
    await client.close()
    assert len(guarded_nats.refusals()) == 2


async def test_without_a_key_nobody_comes_in(guarded_nats: GuardedNats) -> None:
    """
    TLS alone says nothing of who it is; another deployment's key neither.
    """
    for seed in (None, new_seed()):
        stranger = guarded_nats.login("agent").model_dump() | {"nkey": seed}
        options = login(type(guarded_nats.login("agent")).model_validate(stranger), "agent")
        with pytest.raises((nats.errors.Error, OSError)):
            await connect({**options, "allow_reconnect": False, "error_cb": _quiet})


def test_a_seed_survives_its_own_form_and_a_misspelt_one_is_refused() -> None:
    """
    The checksum finds a letter that was changed.
    """
    seed = new_seed()
    assert seed.startswith("SU")
    assert Nkey(seed).public == Nkey(f" {seed}\n").public
    assert Nkey(seed).public.startswith("U")
    other = "A" if seed[10] != "A" else "B"
    for wrong in (seed[:10] + other + seed[11:], seed[:-1], "", "0", Nkey(seed).public):
        with pytest.raises(MalformedSeed):
            Nkey(wrong)


async def refused(client: Client, subject: str) -> bool:
    """Tell whether nobody answers, since the server lets the question through to nobody."""
    heard: list[Exception] = []

    async def note(error: Exception) -> None:
        heard.append(error)

    client._error_cb = note
    try:
        await client.request(subject, b"", timeout=0.2)
    except nats.errors.Error:
        return "permissions violation" in str(heard[-1]).lower() if heard else False
    return False


async def _quiet(_error: Exception) -> None:
    """Say nothing."""
