"""`trunkline chat`: what `/sim` does, and how lines look at a terminal."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from cli.outcome import CommandFailed, Exit
from cli.phone import Phone
from cli.switches import obey, words_of
from cli.talk import at_terminal
from tests.eventually import eventually
from tests.simulator.gateway import PERSON, Gateway
from tests.simulator.twilio import Twilio

BARE = PERSON.removeprefix("whatsapp:")


async def said(twilio: Twilio, words: str) -> str:
    def ask() -> str:
        with Phone(twilio.sim.url, BARE) as phone:
            return obey(phone, words.split())

    return await asyncio.to_thread(ask)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("", "All is well at Twilio."),
        ("dup on", "Twice, with one token, each"),
        ("dup", "Twice, with one token, each"),
        ("dup off", "All is well at Twilio."),
        ("429 3", "429, not taken, 3 more"),
        ("latency 2s", "Slow, each"),
        ("refuse 21610", "400 with 21610, each"),
        ("preset closed", "Undelivered 63016, each"),
        ("jump", "Twilio's clock is 24 h ahead."),
        ("jump 90m", "Twilio's clock is 1.5 h ahead."),
        ("sandbox on", "Sandbox: join first, such as: join quick-fox"),
        ("sandbox off", "No sandbox."),
        ("burst 2", "2 messages within 2 s."),
        ("burst 2 0.1s", "2 messages within 0.1 s."),
        ("off", "All is well at Twilio."),
    ],
)
async def test_an_order_says_what_is_wrong_then(words: str, answer: str, twilio: Twilio) -> None:
    """
    In the page's words.
    """
    assert await said(twilio, words) == answer


async def test_a_switch_is_thrown_from_the_keyboard(twilio: Twilio, gateway: Gateway) -> None:
    """
    And a message of a kind is sent.
    """
    await said(twilio, "dup")
    await said(twilio, "send button")
    assert [it.form["ButtonText"] for it in gateway.received] == ["Book a table"] * 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("dupp on", "name is none of: dup"),
        ("dup often", "often is not on, off or a number"),
        ("preset x", "name is none"),
    ],
)
async def test_an_order_that_makes_no_sense_is_explained(words: str, sentence: str, twilio: Twilio) -> None:
    """
    With the status of wrong usage.
    """
    with pytest.raises(CommandFailed, match=sentence) as failed:
        await said(twilio, words)
    assert failed.value.status is Exit.CONFIGURATION


async def test_the_help_and_the_list_name_what_can_be_completed(twilio: Twilio) -> None:
    """
    Every switch, preset and kind.
    """

    def ask() -> tuple[str, set[str]]:
        with Phone(twilio.sim.url, BARE) as phone:
            known = words_of(phone)
            return obey(phone, ["list"]), {*known, *known["preset"], *known["send"]}

    listed, words = await asyncio.to_thread(ask)
    assert {"dup", "flaky", "button"} <= words
    assert all(name in listed for name in ("dup", "flaky", "button"))
    assert "/sim dup on|off" in await said(twilio, "help")


@asynccontextmanager
async def chatting(twilio: Twilio) -> AsyncIterator[tuple[PipeInput, io.StringIO]]:
    """Chat at a terminal for the length of the block: what is typed, and what the terminal was sent."""
    screen = io.StringIO()
    output = Vt100_Output(screen, lambda: Size(rows=40, columns=100), term="xterm")
    with ExitStack() as stack, create_pipe_input() as keys, create_app_session(keys, output):
        phone = await asyncio.to_thread(stack.enter_context, Phone(twilio.sim.url, BARE))
        chat = asyncio.create_task(at_terminal(phone))
        yield keys, screen
        keys.send_text("\x04")
        await chat


async def shows(screen: io.StringIO, text: str) -> None:
    async def look() -> bool:
        return text in screen.getvalue()

    await eventually(look)


async def test_a_line_has_its_ticks_and_its_answer_its_seconds(twilio: Twilio) -> None:
    """
    Whatever comes while the next line is being typed, that line is sent whole.
    """
    async with chatting(twilio) as (keys, screen):
        keys.send_text("hello\r")
        await shows(screen, "> hello  ✓✓ ")
        keys.send_text("half")
        await twilio.created("Hi\nAnna")
        await shows(screen, "Anna  (")
        keys.send_text(" typed\r")
        await shows(screen, "> half typed  ✓✓ ")
    assert [it.body for it in twilio.sim.world.messages.values() if it.direction == "inbound"] == [
        "hello",
        "half typed",
    ]


async def test_a_refused_line_ends_nothing(twilio: Twilio, gateway: Gateway) -> None:
    """
    It is marked, with the cause; the chat goes on, and its last line is sent before it ends.
    """
    gateway.script.extend([403, 403])
    async with chatting(twilio) as (keys, screen):
        keys.send_text("hello\r")
        await shows(screen, "> hello  ✗")
        await shows(screen, "its token or its public URL differs")
        keys.send_text("/sim nonsense\rbye\r")
        await shows(screen, "> /sim nonsense  ✗")
        await shows(screen, "> bye  ✓✓ ")
    assert [*twilio.sim.world.messages.values()][-1].body == "bye"
