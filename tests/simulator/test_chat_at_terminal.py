"""`trunkline chat` as a person at a terminal sees it: the command itself, on a real pseudo-terminal; and from a pipe."""

import json
import os
import re
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from dev.stack.home import Home
from dev.stack.lock import hold
from tests.simulator.gateway import PERSON, Gateway
from tests.simulator.terminal import Terminal, terminal
from tests.simulator.twilio import Twilio

CHAT = ("-m", "cli", "chat", "--as", PERSON.removeprefix("whatsapp:"))
GREETING = "You are +15550001234. Say hi, or /help."


@contextmanager
def a_stack(twilio: Twilio, root: Path) -> Iterator[dict[str, str]]:
    """Be the supervisor of a stack with this simulator; its commands' environment."""
    home = Home(root)
    home.prepare()
    (home.run / "state.json").write_text(json.dumps({"simulator_url": twilio.sim.url}))
    supervising = hold(home)
    assert supervising is not None
    with supervising:
        yield {**os.environ, "TRUNKLINE_HOME": str(root), "TERM": "xterm-256color"}


@asynccontextmanager
async def chatting(twilio: Twilio, root: Path) -> AsyncIterator[Terminal]:
    """Chat for the length of the block, and end it by Ctrl-C."""
    with a_stack(twilio, root) as environment:
        async with terminal(CHAT, environment) as seen:
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


async def test_from_a_pipe_it_ends_with_6_where_nobody_answers(twilio: Twilio, tmp_path: Path) -> None:
    """
    In the time that it was given; what was written is with the gateway all the same.
    """
    with a_stack(twilio, tmp_path) as environment:
        words = (sys.executable, *CHAT, "--wait", "0.1s")
        process = await create_subprocess_exec(*words, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment)
        said, noted = await process.communicate(b"hello\nnever written\n")
    assert (process.returncode, said, noted) == (6, b"", b"No answer within 0.1 s.\n")
    assert [it.body for it in twilio.sim.world.messages.values()] == ["hello"]
