"""What somebody learns who has every row of the database, and none of the keys that stay outside of it."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest

from services.router.store import Desk
from services.router.threads import Group, Message, User
from shared.addresses import Pepper
from shared.events import InboundContent, InboundReceived
from shared.ids import Address, MessageId, ProviderSid, Sequence, UserId, new_id
from shared.store.data_keys import DataKeys
from shared.store.session import Store
from shared.vault import TenantVault, Vault
from tests.services.desk import ACCOUNT, LINE, SENDER, TENANT, Platform

NUMBERS = [f"1555{number:07}" for number in range(0, 3_000, 3)]
PEPPER, THREAD_PEPPER, VAULT_KEY = b"p" * 32, b"t" * 32, b"v" * 32
SIGNS = 12
"""How much of a digest is looked for: one that was cut short would give a number away as well."""

GUESSED_KEYS = (b"", b"\0" * 32, b"pepper", b"whatsapp", TENANT.encode(), ACCOUNT.encode(), SENDER.encode())
PLAIN = (hashlib.sha256, hashlib.sha512, hashlib.sha1, hashlib.md5, hashlib.blake2b)
FORMS = ("{}", f"address|{TENANT}|whatsapp|{{}}", "binding|whatsapp|{}", f"whatsapp|{SENDER}|{{}}", "whatsapp|{}")


async def takes_in(desk: Desk, vault: Vault, number: str, user: str | None) -> None:
    """Let a person write to the line, and pair, where there is a user to be."""
    person = Address(f"whatsapp:+{number}")
    content = InboundContent(sender=person, user_id=None, phone=person, profile_name="Ann", text=f"I am +{number}")
    event = InboundReceived(
        tenant=TENANT, event_id=secrets.token_hex(8), line=LINE, channel="whatsapp", account_sid=ACCOUNT,
        provider_sid=ProviderSid("SM" + secrets.token_hex(16)), to=SENDER, num_media=0, received_at=datetime.now(UTC), sealed="",
    )  # fmt: skip
    event = event.model_copy(update={"sealed": vault.seal_text(content.model_dump_json(), event.seal_context)})
    thread = Pepper(THREAD_PEPPER).thread_key("whatsapp", SENDER, person)
    message = Message(
        MessageId(new_id("msg")), Sequence(1), event.received_at, None, ACCOUNT, event.provider_sid, 0, False, content, {},
        thread,
    )  # fmt: skip
    async with desk.open(Group.alone(thread), event) as mailbox:
        await mailbox.record(message, "asked")
        await mailbox.say(message, f"Hello +{number}", "answer")
        await mailbox.note_lead()
        if user is not None:
            await mailbox.bind(User(UserId(user), "", TENANT))


@pytest.fixture
async def dump(store: Store) -> str:
    """All rows of all tables, after a thousand people wrote, every tenth of them a user."""
    platform = await Platform(store, Vault({1: VAULT_KEY}), Pepper(PEPPER)).plant()
    keys = DataKeys(platform.vault)
    async with store.connection() as connection:
        await keys.ensure(connection, TENANT)
        await connection.execute(
            "insert into app_user (id, tenant_id, email, role)"
            " select 'us_' || n, %s, 'user' || n || '@example.org', 'USER' from generate_series(0, 99) n",
            (TENANT,),
        )
    desk = Desk(store, TenantVault({1: VAULT_KEY}, keys), platform.pepper)
    for place, number in enumerate(NUMBERS):
        await takes_in(desk, platform.vault, number, None if place % 10 else f"us_{place // 10}")
    tables = await platform.rows(
        "select table_name as name from information_schema.tables where table_schema = 'public'"
    )
    rows = [
        row["row"] for table in tables for row in await platform.rows(f'select t::text as row from "{table["name"]}" t')
    ]
    return "\n".join(rows)


def found(dump: str, keys: Iterable[bytes], *, plain: bool) -> set[str]:
    """Return the numbers that are found by trying: digests of them, with these keys and without any."""
    starts = {token[:SIGNS] for token in re.findall(rf"[0-9a-z+/]{{{SIGNS},}}", dump.lower())}
    keys = tuple(keys)
    return {
        number for number in NUMBERS if any(starts.intersection(_shown(it)) for it in _digests(number, keys, plain))
    }


def _digests(number: str, keys: tuple[bytes, ...], plain: bool) -> Iterator[bytes]:  # noqa: FBT001
    for spelling in (f"whatsapp:+{number}", f"+{number}", number):
        for text in (form.format(spelling).encode() for form in FORMS):
            if plain:
                yield text
                yield from (algorithm(text).digest() for algorithm in PLAIN)
            yield from (hmac.digest(key, text, "sha256") for key in keys)


def _shown(digest: bytes) -> set[str]:
    """Return how a digest begins in each way to write one down."""
    written = (digest.hex(), base64.b64encode(digest).decode(), base64.b32encode(digest).decode())
    return {text.lower()[:SIGNS] for text in written}


async def test_a_dump_without_the_peppers_gives_no_number_away(dump: str) -> None:
    """
    Not in clear, and not by trying every number there is: plain digests, and keyed ones with every key that is no secret.
    """
    assert not [number for number in NUMBERS if number in dump or number.encode().hex() in dump]
    assert found(dump, GUESSED_KEYS, plain=True) == set()


@pytest.mark.parametrize("key", [PEPPER, THREAD_PEPPER])
async def test_with_a_pepper_every_number_is_found(dump: str, key: bytes) -> None:
    """
    The search is a good one: only the key is missing.
    """
    assert found(dump, [key], plain=False) == set(NUMBERS)
