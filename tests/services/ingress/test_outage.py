"""Without NATS nothing is acknowledged; with it back nothing is missing, and nothing is there twice."""

import asyncio
import json
import signal
from pathlib import Path

from dev.embedded import NatsServer
from shared.bus import Bus, apply_topology, open_bus
from shared.topology import INBOUND
from tests.eventually import eventually
from tests.services.ingress.gateway import Gateway, accepted, running, seed, stored
from tests.services.ingress.wire import Answer, Form, message, report, twilio_posts

_TWILIO_WAITS = 4.0


async def within_twilios_patience(gateway: Gateway, form: Form, suffix: str = "") -> Answer:
    """Post as Twilio is told to: who does not answer in 4 s has not answered."""
    async with asyncio.timeout(_TWILIO_WAITS):
        return await gateway.twilio_posts(form, suffix)


async def is_taken_at_last(gateway: Gateway, form: Form) -> None:
    """Repeat a message until it is acknowledged, as Twilio does for a while."""

    async def look() -> bool:
        answer = await gateway.twilio_posts(form)
        assert answer.is_taken or answer.status == 503
        return answer.is_taken

    await eventually(look)


def sids(forms: list[Form]) -> list[str]:
    return sorted(dict(form)["MessageSid"] for form in forms)


async def in_stream(bus: Bus) -> list[str]:
    """Return the ids of the stream's messages, sorted, once the test's own connection is back too."""

    async def look() -> bool:
        return await bus.check() is None

    await eventually(look)
    return sorted(event.provider_sid for event in await accepted(bus))


async def test_without_nats_messages_are_refused_in_time_and_taken_when_it_is_back(
    nats: NatsServer, bus: Bus, own_gateway: Gateway
) -> None:
    """
    503 within the 4 s that Twilio waits, never a false 200; each repeated message is there once afterwards.
    """
    forms = [message(Body=str(number)) for number in range(10)]
    await asyncio.to_thread(nats.kill)
    answers = await asyncio.gather(*(within_twilios_patience(own_gateway, form) for form in forms))
    assert {(answer.status, answer.body) for answer in answers} == {(503, b"")}
    await asyncio.to_thread(nats.start)
    for form in forms:
        await is_taken_at_last(own_gateway, form)
    assert await in_stream(bus) == sids(forms)


async def test_what_was_acknowledged_before_nats_was_killed_is_still_there(
    nats: NatsServer, bus: Bus, own_gateway: Gateway
) -> None:
    """
    Acknowledged means on disk.
    """
    forms = [message(Body=str(number)) for number in range(20)]
    for form in forms:
        assert (await own_gateway.twilio_posts(form)).is_taken
    await asyncio.to_thread(nats.kill)
    await asyncio.to_thread(nats.start)
    assert await in_stream(bus) == sids(forms)
    for form in forms:
        await is_taken_at_last(own_gateway, form)
    assert await in_stream(bus) == sids(forms)


async def test_messages_that_come_while_nats_restarts_are_there_once(
    nats: NatsServer, bus: Bus, own_gateway: Gateway
) -> None:
    """
    Repeated until they are acknowledged, they get through in the end, whatever an earlier try had stored.
    """
    forms = [message(Body=str(number)) for number in range(30)]
    arriving = asyncio.gather(*(is_taken_at_last(own_gateway, form) for form in forms))
    await asyncio.to_thread(nats.kill)
    await asyncio.to_thread(nats.start)
    await arriving
    assert await in_stream(bus) == sids(forms)


async def test_a_nats_server_that_hangs_is_no_reason_to_hang(nats: NatsServer, bus: Bus, own_gateway: Gateway) -> None:
    """
    What it does not confirm is not acknowledged; what it stored unseen is known when Twilio repeats it.
    """
    form = message()
    assert nats.process is not None
    nats.process.send(signal.SIGSTOP)
    try:
        answer = await within_twilios_patience(own_gateway, form)
    finally:
        nats.process.send(signal.SIGCONT)
    assert answer.status == 503
    await is_taken_at_last(own_gateway, form)
    assert await in_stream(bus) == sids([form])


async def test_without_nats_a_status_callback_is_refused_and_taken_later(
    nats: NatsServer, bus: Bus, own_gateway: Gateway
) -> None:
    """
    A report is as durable as a message.
    """
    form = report()
    await asyncio.to_thread(nats.kill)
    assert (await within_twilios_patience(own_gateway, form, "/status?attempt=at_1")).status == 503
    await asyncio.to_thread(nats.start)

    async def is_reported() -> bool:
        return (await own_gateway.twilio_posts(form, "/status?attempt=at_1")).status == 204

    await eventually(is_reported)
    await in_stream(bus)
    assert await stored(bus) == (0, 1)


async def test_without_nats_a_forged_message_is_still_refused_for_its_signature(
    nats: NatsServer, own_gateway: Gateway
) -> None:
    """
    The secrets are in memory: nobody is asked to come again who would be refused then.
    """
    await asyncio.to_thread(nats.kill)
    answer = await own_gateway.takes(twilio_posts(message(), token="nobody's"))
    assert answer.status == 403


async def test_without_nats_an_account_that_is_not_known_yet_is_asked_to_come_again(
    nats: NatsServer, own_gateway: Gateway
) -> None:
    """
    It may have been entered a moment ago.
    """
    await asyncio.to_thread(nats.kill)
    answer = await within_twilios_patience(own_gateway, message(AccountSid="AC" + "9" * 32))
    assert answer.status == 503


async def test_without_nats_the_process_lives_and_is_not_ready(
    nats: NatsServer, bus: Bus, own_gateway: Gateway
) -> None:
    """
    A restart would not help, so liveness stays; traffic should go elsewhere until it is back.
    """

    async def is_unready() -> bool:
        ready = await own_gateway.ops("/readyz")
        return ready.status == 503 and json.loads(ready.body)["checks"]["nats"] != "ok"

    await asyncio.to_thread(nats.kill)
    await eventually(is_unready)
    assert (await own_gateway.ops("/healthz")).status == 200
    await asyncio.to_thread(nats.start)
    await eventually(own_gateway.is_ready)


async def test_a_missing_stream_is_told_and_nothing_is_acknowledged_until_it_is_back(
    nats: NatsServer, bus: Bus, own_gateway: Gateway
) -> None:
    """
    Ingress creates no streams: that is the topology's work.
    """
    form = message()
    await bus._js.delete_stream(INBOUND.name)
    assert (await within_twilios_patience(own_gateway, form)).status == 503
    ready = await own_gateway.ops("/readyz")
    assert ready.status == 503
    assert json.loads(ready.body)["checks"]["durability"] == "no stream INBOUND"
    await asyncio.to_thread(apply_topology, nats.url)
    await is_taken_at_last(own_gateway, form)
    assert await in_stream(bus) == sids([form])


async def test_a_full_stream_acknowledges_nothing_and_loses_nothing(bus: Bus, own_gateway: Gateway) -> None:
    """
    Old messages are not dropped for new ones: the new ones have to come again.
    """
    first, second = message(), message()
    assert (await own_gateway.twilio_posts(first)).is_taken
    config = (await bus._js.stream_info(INBOUND.name)).config
    await bus._js.update_stream(config.evolve(max_msgs=1))
    assert (await within_twilios_patience(own_gateway, second)).status == 503
    assert await in_stream(bus) == sids([first])
    await bus._js.update_stream(config)
    await is_taken_at_last(own_gateway, second)
    assert await in_stream(bus) == sids([first, second])


async def test_ingress_may_start_before_nats(nats: NatsServer, tmp_path: Path) -> None:
    """
    It waits, and takes messages as soon as it can store them.
    """
    async with open_bus(nats.url, "test") as bus:
        await seed(bus)
    await asyncio.to_thread(nats.kill)
    gateway = Gateway(nats, tmp_path)
    starting = asyncio.create_task(gateway.start())
    try:
        await eventually(gateway.has_a_log)
        await asyncio.to_thread(nats.start)
        await starting
        assert (await gateway.twilio_posts(message())).is_taken
    finally:
        await gateway.stop()


async def ends(gateway: Gateway) -> bool:
    assert gateway.process is not None
    gateway.process.send(signal.SIGTERM)
    return await asyncio.to_thread(gateway.process.wait, 30) == 0


async def test_asked_to_end_it_ends_in_order(nats: NatsServer, tmp_path: Path) -> None:
    """
    SIGTERM is answered with status 0, with and without NATS.
    """
    async with running(Gateway(nats, tmp_path)) as gateway:
        assert await ends(gateway)
    async with running(Gateway(nats, tmp_path)) as gateway:
        await asyncio.to_thread(nats.kill)
        assert await ends(gateway)


async def test_asked_to_end_while_it_reads_its_directory_it_ends_in_order(nats: NatsServer, tmp_path: Path) -> None:
    """
    After a reconnection everything is read again; to be interrupted there must not keep the process alive.
    """
    async with open_bus(nats.url, "test") as bus:
        await seed(bus)
    for _ in range(3):
        async with running(Gateway(nats, tmp_path)) as gateway:
            await asyncio.to_thread(nats.kill)
            await asyncio.to_thread(nats.start)
            await eventually(gateway.is_ready)
            assert await ends(gateway)
