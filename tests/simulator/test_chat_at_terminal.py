"""`trunkline chat` as a person at a terminal sees it: the command itself, on a real pseudo-terminal."""

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dev.stack.home import Home
from dev.stack.lock import hold
from tests.simulator.gateway import PERSON, Gateway
from tests.simulator.terminal import Terminal, terminal
from tests.simulator.twilio import Twilio

GREETING = "You are +15550001234. Say hi, or /help."


@asynccontextmanager
async def chatting(twilio: Twilio, root: Path) -> AsyncIterator[Terminal]:
    """Chat with the simulator of a stack whose supervisor we are."""
    home = Home(root)
    home.prepare()
    (home.run / "state.json").write_text(json.dumps({"simulator_url": twilio.sim.url}))
    environment = {**os.environ, "TRUNKLINE_HOME": str(root), "TERM": "xterm-256color"}
    supervising = hold(home)
    assert supervising is not None
    words = ("-m", "cli", "chat", "--as", PERSON.removeprefix("whatsapp:"))
    with supervising:
        async with terminal(words, environment) as seen:
            await seen.until(GREETING, ">")
            yield seen
            seen.type("\x03")
            await seen.process.wait()
            assert seen.echoes()


async def test_a_reply_comes_above_a_line_that_is_half_typed(twilio: Twilio, tmp_path: Path) -> None:
    """
    The line stays as it was, with its cursor, and is sent whole; lines have their ticks and answers their seconds.
    """
    async with chatting(twilio, tmp_path) as seen:
        seen.type("hello\r")
        await seen.until(GREETING, "> hello  ✓✓ ", ">")
        seen.type("half")
        await seen.until("> half")
        await twilio.created("Hi\nAnna")
        await seen.until("> hello  ✓✓ ", "< Hi", "  Anna  (", "> half")
        assert (seen.screen.cursor.x, seen.screen.cursor.y) == (len("> half"), len(seen.lines) - 1)
        seen.type(" typed\r")
        *_, hello, _, anna, half, _ = await seen.until("> hello", "< Hi", "  Anna", "> half typed  ✓✓ ", ">")
    assert re.fullmatch(r"> hello  ✓✓ \d+ ms", hello)
    assert re.fullmatch(r"  Anna  \(\d+\.\d s\)", anna)
    assert re.fullmatch(r"> half typed  ✓✓ \d+ ms", half)
    bodies = [it.body for it in twilio.sim.world.messages.values() if it.direction == "inbound"]
    assert bodies == ["hello", "half typed"]


async def test_a_switch_is_thrown_between_two_lines(twilio: Twilio, gateway: Gateway, tmp_path: Path) -> None:
    """
    `/sim dup on` says what is wrong from then on: the next message comes twice.
    """
    async with chatting(twilio, tmp_path) as seen:
        seen.type("/sim dup on\r")
        await seen.until("> /sim dup on", "Twice, with one token, each", ">")
        seen.type("hello\r")
        await seen.until("> hello  ✓✓ ", ">")
        assert [it.form["Body"] for it in gateway.messages] == ["hello", "hello"]


async def test_ctrl_c_ends_it_and_leaves_the_terminal_as_it_was(twilio: Twilio, tmp_path: Path) -> None:
    """
    With status 130, also within a line, of which nothing is sent.
    """
    async with chatting(twilio, tmp_path) as seen:
        assert not seen.echoes()
        seen.type("never sent")
        await seen.until("> never sent")
    assert seen.process.returncode == 130
    assert twilio.sim.world.messages == {}
