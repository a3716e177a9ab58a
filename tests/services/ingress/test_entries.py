"""The directory in use: what the console writes counts a moment later, without a restart."""

import asyncio
import signal

from dev.embedded import NatsServer
from shared.bus import Bus
from shared.directory import LineEntry, SigningSecret, account_key, line_key, seal_entry
from shared.ids import AccountSid, LineId
from shared.vault import Vault
from tests.eventually import eventually
from tests.services.ingress.gateway import (
    LINE,
    OTHER_LINE,
    OTHER_TENANT,
    TENANT,
    VAULT,
    Gateway,
    accepted,
    account,
    enter,
    line,
    remove,
    stored,
)
from tests.services.ingress.wire import (
    ACCOUNT,
    SENDER,
    TOKEN,
    Answer,
    Form,
    encoded,
    message,
    post,
    signature,
    twilio_posts,
)

NEW_ACCOUNT = AccountSid("AC" + "c" * 32)
NEW_SENDER = "whatsapp:+14155230000"
NEW_LINE = LineId("ln_new")


async def eventually_answered(gateway: Gateway, request: bytes, status: int) -> Answer:
    """Repeat a request until it is answered so."""

    async def look() -> Answer | None:
        answer = await gateway.takes(request)
        return answer if answer.status == status else None

    return await eventually(look)


async def test_a_new_account_and_its_line_count_at_once(bus: Bus, own_gateway: Gateway) -> None:
    """
    Even the first message finds them: what is not known is asked for.
    """
    form = message(AccountSid=NEW_ACCOUNT, To=NEW_SENDER)
    request = twilio_posts(form, token="new token")
    assert (await own_gateway.takes(request)).status == 403
    await enter(bus, account(NEW_ACCOUNT, SigningSecret(secret="new token")))
    await enter(bus, line(NEW_LINE, NEW_SENDER, of=NEW_ACCOUNT, tenant=OTHER_TENANT))
    assert (await own_gateway.takes(request)).is_taken
    [event] = await accepted(bus)
    assert (event.tenant, event.line, event.account_sid) == (OTHER_TENANT, NEW_LINE, NEW_ACCOUNT)


async def test_a_new_lines_own_path_counts_within_a_moment(bus: Bus, own_gateway: Gateway) -> None:
    """
    Until the change has come, the path is unknown.
    """
    form = message(To=NEW_SENDER)
    request = twilio_posts(form, f"/{NEW_LINE}")
    assert (await own_gateway.takes(request)).status == 404
    await enter(bus, line(NEW_LINE, NEW_SENDER))
    assert (await eventually_answered(own_gateway, request, 200)).is_taken
    assert [event.line for event in await accepted(bus)] == [NEW_LINE]


async def test_a_disabled_line_takes_nothing_within_a_moment_and_a_reenabled_one_does(
    bus: Bus, own_gateway: Gateway
) -> None:
    """
    Both ways Twilio is told that all is well.
    """

    async def is_stored() -> bool:
        before = await stored(bus)
        assert (await own_gateway.twilio_posts(message())).is_taken
        return await stored(bus) != before

    async def is_not_stored() -> bool:
        return not await is_stored()

    assert await is_stored()
    await enter(bus, line(LINE, SENDER, enabled=False))
    await eventually(is_not_stored)
    await enter(bus, line(LINE, SENDER))
    await eventually(is_stored)


async def test_a_removed_line_is_unknown_within_a_moment(bus: Bus, own_gateway: Gateway) -> None:
    """
    Its path is gone, and on the common path its number is nobody's.
    """
    await remove(bus, line(LINE, SENDER))
    await eventually_answered(own_gateway, twilio_posts(message(), f"/{LINE}"), 404)
    before = await stored(bus)
    assert (await own_gateway.twilio_posts(message())).is_taken
    assert await stored(bus) == before


async def test_a_line_that_moves_to_another_tenant_takes_its_messages_there(bus: Bus, own_gateway: Gateway) -> None:
    """
    From a moment on, and never to both.
    """
    await enter(bus, line(OTHER_LINE, SENDER, tenant=OTHER_TENANT))

    async def has_moved() -> bool:
        assert (await own_gateway.twilio_posts(message())).is_taken
        return (await accepted(bus))[-1].tenant == OTHER_TENANT

    await eventually(has_moved)
    assert {(event.tenant, event.line) for event in await accepted(bus)} <= {(TENANT, LINE), (OTHER_TENANT, OTHER_LINE)}


async def test_while_a_token_is_replaced_both_count_and_afterwards_only_the_new_one(
    bus: Bus, own_gateway: Gateway
) -> None:
    """
    The way a token is replaced without losing a message.
    """
    old, new = SigningSecret(secret=TOKEN), SigningSecret(secret="new token")
    assert (await own_gateway.takes(twilio_posts(message(), token="new token"))).status == 403
    await enter(bus, account(ACCOUNT, old, new))
    await eventually_answered(own_gateway, twilio_posts(message(), token="new token"), 200)
    assert (await own_gateway.takes(twilio_posts(message()))).is_taken
    await enter(bus, account(ACCOUNT, new))
    await eventually_answered(own_gateway, twilio_posts(message()), 403)
    assert (await own_gateway.takes(twilio_posts(message(), token="new token"))).is_taken


async def test_a_removed_account_is_refused_within_a_moment(bus: Bus, own_gateway: Gateway) -> None:
    """
    With nothing to verify with, nothing is genuine.
    """
    await bus.config.remove(account_key(ACCOUNT))
    await eventually_answered(own_gateway, twilio_posts(message()), 403)


async def test_what_was_entered_while_ingress_was_cut_off_counts_when_it_is_back(
    nats: NatsServer, bus: Bus, own_gateway: Gateway
) -> None:
    """
    The change was announced while ingress had no connection; everything is read again after a reconnection.
    """

    async def is_connected() -> bool:
        return await bus.check() is None

    assert own_gateway.process is not None
    own_gateway.process.send(signal.SIGSTOP)
    try:
        await asyncio.to_thread(nats.kill)
        await asyncio.to_thread(nats.start)
        await eventually(is_connected)
        await enter(bus, line(NEW_LINE, NEW_SENDER))
    finally:
        own_gateway.process.send(signal.SIGCONT)
    await eventually_answered(own_gateway, twilio_posts(message(To=NEW_SENDER), f"/{NEW_LINE}"), 200)


async def test_an_entry_that_cannot_be_opened_changes_nothing(bus: Bus, own_gateway: Gateway) -> None:
    """
    Sealed with another key, or for another place, or not sealed at all: the last good entry stays.
    """
    key = line_key(ACCOUNT, SENDER)
    entry = line(OTHER_LINE, SENDER, tenant=OTHER_TENANT)
    spoilt = [
        seal_entry(Vault({1: b"x" * 32}), key, entry),
        seal_entry(VAULT, line_key(ACCOUNT, NEW_SENDER), entry),
        entry.model_dump_json().encode(),
        b"\x00",
    ]
    for number, value in enumerate(spoilt):
        assert await bus.config.put(key, value)
        # A change that can be seen comes after it, so it has been heard of.
        marker = line(LineId(f"ln_marker{number}"), f"whatsapp:+1415524000{number}")
        await enter(bus, marker)
        await eventually_answered(own_gateway, by_path(marker), 200)
        assert (await own_gateway.twilio_posts(message())).is_taken
        assert (await accepted(bus))[-1].line == LINE


def by_path(entry: LineEntry) -> bytes:
    return twilio_posts(message(To=entry.to), f"/{entry.line}")


async def test_a_shared_key_signs_once_it_is_registered(bus: Bus, own_gateway: Gateway) -> None:
    """
    It is chosen by its id among the account's own, and the token goes on to count.
    """
    secrets = (
        SigningSecret(secret=TOKEN),
        SigningSecret(kind="shared_key", key_id="webhooks_key", secret="key secret"),
    )
    assert (await own_gateway.takes(with_shared_key(message()))).status == 403
    await enter(bus, account(ACCOUNT, *secrets))
    await eventually_answered(own_gateway, with_shared_key(message()), 200)
    assert (await own_gateway.twilio_posts(message())).is_taken


def with_shared_key(form: Form) -> bytes:
    proof = signature(form, token="key secret", algorithm="sha256")
    return post(encoded(form), proof, X_Twilio_Webhooks_Signature_Settings="key=webhooks_key,algorithm=HMAC_SHA256")
