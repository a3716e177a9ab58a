"""A paired line that nine environment variables bring up (spec.md, section 5), from its first code to `/stop`."""

import asyncio
import secrets
from collections.abc import Iterator

import psycopg
import pytest

from services.router.pairing import ALREADY_PAIRED, NOT_VALID
from tests.journeys.stack import Stack, free_offset
from tests.journeys.test_conversation import Phone

NOT_RECOGNIZED = "This number is not recognized."


@pytest.fixture
def paired_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the source documents' own variables, and one of ours."""
    offset = free_offset()
    stack = Stack.at(
        tmp_path_factory.mktemp("paired") / "home",
        TWILIO_ACCOUNT_SID="AC" + secrets.token_hex(16),
        TWILIO_AUTH_TOKEN=secrets.token_hex(16),
        TWILIO_DEFAULT_FROM="whatsapp:+15005550088",
        TWILIO_WEBHOOK_URL=f"http://127.0.0.1:{8080 + offset}/webhooks/twilio",
        CHANNEL_PAIR_CODE_TTL_MS="600000",
        CHANNEL_PAIR_RATE_LIMIT="3",
        CHANNEL_INBOUND_RPS_BUCKET="10",
        CHANNEL_INBOUND_RPS_WINDOW="60000",
        TRUNKLINE_DEFAULT_LINE_ACCESS="paired",
        TRUNKLINE_PORT_OFFSET=str(offset),
    )
    try:
        stack.up()
        yield stack
    finally:
        stack.end()


async def test_nine_variables_bring_up_a_paired_line(paired_stack: Stack) -> None:
    """
    A code from the command line pairs a phone, whose question is answered. Expired, used and made-up codes are refused in the same
    words, a paired phone keeps its user, the fourth code in an hour is refused, and after /stop the phone is a stranger.
    """

    async def code() -> str:
        told = await asyncio.to_thread(paired_stack.told, "users", "pair-code")
        return str(told["code"])

    async with paired_stack.simulator() as simulator:
        ann, bob = Phone(simulator, "+15550100001"), Phone(simulator, "+15550100002")
        used = await code()
        assert (await _answered(ann, f"/pair {used}")).startswith("Paired.")
        assert "What are your hours?" in await _answered(ann, "What are your hours?")
        assert await _answered(ann, f"/pair {await code()}") == ALREADY_PAIRED
        expired = await code()
        await _let_codes_expire(paired_stack)
        for wrong in (expired, used, "ABCDEFGH"):
            assert await _answered(bob, f"/pair {wrong}") == NOT_VALID
        fourth = await asyncio.to_thread(paired_stack.ask, "users", "pair-code")
        assert fourth.returncode != 0
        assert "Too many codes" in fourth.stderr
        assert (await _answered(ann, "/stop")).startswith("Stopped.")
        assert (await _answered(ann, "Are you there?")).startswith(NOT_RECOGNIZED)


async def _answered(phone: Phone, text: str) -> str:
    """Write, and return the next message that comes."""
    known = len(await phone.got())
    await phone.say(text)
    return (await phone.gets(known + 1))[known]


async def _let_codes_expire(stack: Stack) -> None:
    """Move the codes' time, since the database's clock cannot be moved."""
    url = (await asyncio.to_thread(stack.status))["database_url"]
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("update pair_code set expires_at = expires_at - interval '10 minutes'")
