"""A paired line that nine environment variables bring up (spec.md, section 5), from its first code to `/stop`."""

import asyncio

import psycopg

from services.router.pairing import ALREADY_PAIRED, NOT_VALID
from tests.journeys.stack import Stack
from tests.journeys.test_conversation import Phone

NOT_RECOGNIZED = "This number is not recognized."


async def test_nine_variables_bring_up_a_paired_line(ward: Stack) -> None:
    """
    A code from the command line pairs a phone, whose question is answered. Expired, used and made-up codes are refused in the same
    words, a paired phone keeps its user, the fourth code in an hour is refused, and after /stop the phone is a stranger.
    """

    async def code() -> str:
        told = await asyncio.to_thread(ward.told, "users", "pair-code")
        return str(told["code"])

    async with ward.simulator() as simulator:
        ann, bob = Phone(simulator, "+15550100001"), Phone(simulator, "+15550100002")
        used = await code()
        assert (await _answered(ann, f"/pair {used}")).startswith("Paired.")
        assert "What are your hours?" in await _answered(ann, "What are your hours?")
        assert await _answered(ann, f"/pair {await code()}") == ALREADY_PAIRED
        expired = await code()
        await _let_codes_expire(ward)
        for wrong in (expired, used, "ABCDEFGH"):
            assert await _answered(bob, f"/pair {wrong}") == NOT_VALID
        fourth = await asyncio.to_thread(ward.ask, "users", "pair-code")
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
