"""What a person sees, through every process."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.eventually import eventually
from tests.journeys.stack import Stack


class Phone:
    """A phone at the simulator."""

    def __init__(self, simulator: httpx2.AsyncClient, number: str) -> None:
        self.simulator = simulator
        self.number = number

    async def say(self, text: str, **more: Any) -> dict[str, Any]:
        answer = await self.simulator.post("/sim/messages", json={"from": self.number, "body": text, **more})
        found: dict[str, Any] = answer.json()
        return found

    async def got(self) -> list[str]:
        answer = await self.simulator.get(f"/sim/phones/{self.number}/messages")
        return [message["body"] for message in answer.json() if message["direction"] == "in"]

    async def gets(self, count: int) -> list[str]:
        """Wait until the phone shows `count` messages."""

        async def look() -> list[str] | None:
            got = await self.got()
            return got if len(got) >= count else None

        return await eventually(look)


@pytest.fixture
async def phone(stack: Stack) -> AsyncIterator[Phone]:
    """A phone with a number of its own."""
    async with stack.simulator() as simulator:
        yield Phone(simulator, f"+1666{secrets.randbelow(10**7):07d}")


def test_make_up_ends_with_the_agents_answer(shared_stack: tuple[Stack, str]) -> None:
    """
    What `up` prints is a conversation: the person's hello, and an answer to it.
    """
    _, printed = shared_stack
    assert re.search(r"\+15550001 +hello\n.*hello", printed, re.IGNORECASE)


async def test_a_message_gets_its_answer(phone: Phone) -> None:
    """
    Through ingress, router, agent and egress and back to the phone.
    """
    await phone.say("How are you?")
    [answer] = await phone.gets(1)
    assert "How are you?" in answer


async def test_a_retry_storm_makes_one_turn_and_one_reply(phone: Phone, stack: Stack) -> None:
    """
    One MessageSid, fifty times at once, over both routes: one reply.
    """
    sid = "SM" + secrets.token_hex(16)
    await asyncio.gather(
        phone.say("only once", sid=sid, times=25), phone.say("only once", sid=sid, times=25, path="/ln_default")
    )
    await phone.gets(1)
    await phone.say("and then?")
    answers = await phone.gets(2)
    assert len(answers) == 2
    assert "only once" not in answers[1]


async def test_commands_are_answered(phone: Phone, stack: Stack) -> None:
    """
    /help, /pair with a code from the command line, /reset, /stop; each once.
    """
    code = (await asyncio.to_thread(stack.run, "users", "pair-code")).stdout.strip().split()[0]
    for number, text in enumerate(("/help", f"/pair {code}", "/reset", "/stop"), start=1):
        await phone.say(text)
        await phone.gets(number)
    listed, paired, forgotten, stopped = await phone.got()
    assert "*/pair*" in listed
    assert paired.startswith("Paired.")
    assert forgotten.startswith("Done.")
    assert stopped.startswith("Stopped.")


async def test_an_image_gets_the_fixed_sentence(phone: Phone) -> None:
    """
    Text only, politely.
    """
    await phone.say("", media={"content_type": "image/png"})
    assert await phone.gets(1) == ["For now I only accept text messages."]


async def test_a_long_answer_comes_in_order_and_in_parts(phone: Phone) -> None:
    """
    About 6,000 characters of Markdown arrive as several parts of at most 1,500 units, in order, nothing half-converted.
    """
    await phone.say("a long markdown answer, please")
    parts = await phone.gets(4)
    assert all(len(part.encode("utf-16-le")) // 2 <= 1500 for part in parts)
    whole = "\n".join(parts)
    assert "**" not in whole
    assert "](" not in whole
    assert "|--" not in whole


async def test_somebody_without_a_number_is_answered(phone: Phone) -> None:
    """
    A business-scoped user id is an address like any other.
    """
    nameless = Phone(phone.simulator, "US." + secrets.token_hex(8))
    await nameless.say("hello")
    [answer] = await nameless.gets(1)
    assert "hello" in answer


def test_a_canary_is_answered(stack: Stack) -> None:
    """
    Switched on, it writes to the public address, and its answer is reported as delivered; and off again.
    """
    stack.told("lines", "set", "ln_default", "--canary")
    assert stack.told("jobs", "run", "canary") == {"lines": 1, "answered": 1, "stuck": {}}
    line = stack.told("lines", "get", "ln_default")
    assert (line["canary_stuck_at"], line["canary_answered_at"] is not None) == (None, True)
    stack.told("lines", "set", "ln_default", "--no-canary")


async def test_typing_dots_are_shown_while_the_turn_runs(phone: Phone) -> None:
    """
    The simulator sees a typing call for the message before its answer.
    """
    sent = await phone.say("slow 1")
    await phone.gets(1)
    wire = (await phone.simulator.get("/sim/wire")).json()
    typed = [entry for entry in wire if entry["kind"] == "typing" and entry["form"].get("messageId") == sent["sid"]]
    assert typed


async def test_a_turn_longer_than_its_lease_runs_once(phone: Phone, stack: Stack) -> None:
    """
    The model takes 17 s, the lease is for 15: it is renewed, the model is asked once, and the person gets one answer.
    """
    words = f"slow 17 {secrets.token_hex(4)}"
    await phone.say(words)
    assert words in (await phone.gets(1))[0]
    model = next(part["ops_url"] for part in stack.status()["services"] if part["name"] == "model")
    calls = (await phone.simulator.get(f"{model}/script/log")).json()
    assert len([call for call in calls if words in str(call["messages"])]) == 1
