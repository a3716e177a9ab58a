"""Conversations with the stack: one message (`say`), many (`chat`), and the first one (`up`)."""

import asyncio
import os
import sys
import time
from pathlib import Path

from cli.local import running_stack
from cli.outcome import CommandFailed, Exit, bold, fail, faint, note, say
from cli.phone import Phone
from cli.switches import obey, words_of
from dev.stack.foreground import simulator_address

_FIRST_PHONE = "+15550001"
_FIRST_WORDS = "hello"
_FIRST_WAIT = 30.0
_FIRST_QUIET = 0.5
"""Seconds after which the first answer counts as complete: it is a short one."""

_POLL = 1.0
"""Seconds that a look takes at most: so long the end of a chat may take."""

_SOON = 1.0
"""Seconds after which a line is shown though it is not taken yet."""


def first_message(simulator_url: str, line: str) -> bool:
    """Write the first message of a new stack and print the conversation; False when nobody answered in 30 s."""
    other = line.removeprefix("whatsapp:")
    width = max(len(_FIRST_PHONE), len(other))
    say()
    with Phone(simulator_url, _FIRST_PHONE) as phone:
        began = time.monotonic()
        phone.write(_FIRST_WORDS)
        say(f"{_FIRST_PHONE.ljust(width)}  {_FIRST_WORDS}")
        answered = False
        for part in phone.answer(_FIRST_WAIT, _FIRST_QUIET):
            took = "" if answered else faint(f"  ({time.monotonic() - began:.1f} s)")
            answered = True
            say(f"{bold(other.ljust(width))}  {_indented(part.text, width + 2)}{took}")
    return answered


def say_once(text: str, *, sender: str, line: str | None, wait: str, image: bool, file: Path | None = None) -> None:
    """Write one message; print each part of the answer, or end with status 6 when none comes in time."""
    seconds = _seconds(wait)
    if not (text or image or file):
        fail(Exit.CONFIGURATION, "Say something, or send a picture or a file: --image, --file")
    with Phone(_simulator(), sender, line) as phone:
        phone.write(text, image=image, file=file)
        _print_answer(phone, seconds)


def chat(*, sender: str, line: str | None, wait: str) -> None:
    """Talk line by line: at a terminal until Ctrl-D, from a pipe until the last line is answered. `/sim …` is the simulator's."""
    seconds = _seconds(wait)
    with Phone(_simulator(), sender, line) as phone:
        if sys.stdin.isatty():
            note(f"You are {sender}. Say hi, or /help. What goes wrong: /sim help. Ctrl-D ends.")
            asyncio.run(at_terminal(phone))
        else:
            for words in filter(None, map(str.strip, sys.stdin)):
                _answered(phone, words, seconds)


def _answered(phone: Phone, words: str, seconds: float) -> None:
    order = _order(words)
    if order is not None:
        if answer := obey(phone, order):
            note(answer)
        return
    phone.write(words)
    _print_answer(phone, seconds)


def _order(words: str) -> list[str] | None:
    """Return what stands behind `/sim`; None where the words are a message."""
    first, *more = words.split()
    return more if first.lower() == "/sim" else None


async def at_terminal(phone: Phone) -> None:
    """Talk at a terminal: what comes is printed above the line that is being typed, which stays whole."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import NestedCompleter
    from prompt_toolkit.patch_stdout import patch_stdout

    written: list[float] = []
    commands = dict.fromkeys(("/help", "/pair", "/reset", "/stop"))
    following = await asyncio.to_thread(words_of, phone)
    session: PromptSession[str] = PromptSession(
        completer=NestedCompleter.from_nested_dict(commands | {"/sim": following}),
        complete_while_typing=False,
        erase_when_done=True,
    )
    lines: asyncio.Queue[str] = asyncio.Queue()
    with patch_stdout():
        tasks = [asyncio.create_task(_listen(phone, written)), asyncio.create_task(_say_all(phone, lines, written))]
        try:
            while True:
                words = (await session.prompt_async("> ")).strip()
                if words:
                    lines.put_nowait(words)
        except EOFError:
            await lines.join()
        finally:
            for task in tasks:
                task.cancel()


async def _say_all(phone: Phone, lines: asyncio.Queue[str], written: list[float]) -> None:
    """Say one line after the other, while the next one is being typed."""
    while True:
        await _said(phone, await lines.get(), written)
        lines.task_done()


async def _said(phone: Phone, words: str, written: list[float]) -> None:
    """Say a line, or do what it orders, and print it with its ticks: ✓✓ once the gateway has it, and after how long."""
    began = time.monotonic()
    order = _order(words)
    if order is None:
        written.append(began)
    doing = asyncio.create_task(
        asyncio.to_thread(phone.write, words) if order is None else asyncio.to_thread(obey, phone, order)
    )
    done, _ = await asyncio.wait([doing], timeout=_SOON)
    if not done:
        print(f"> {words}  …")
    try:
        answer = await doing
    except CommandFailed as failed:
        written.clear()
        print(f"> {words}  ✗\n{failed}")
        return
    print(f"> {words}" if order is not None else f"> {words}  ✓✓ {(time.monotonic() - began) * 1000:.0f} ms")
    if answer:
        print(answer)


async def _listen(phone: Phone, written: list[float]) -> None:
    complained = ""
    while True:
        try:
            came = await asyncio.to_thread(phone.poll, _POLL)
        except CommandFailed as failed:
            if str(failed) != complained:
                complained = str(failed)
                print(complained)
            await asyncio.sleep(_SOON)
            continue
        for part in came:
            took = f"  ({time.monotonic() - written[-1]:.1f} s)" if written else ""
            written.clear()
            print(f"< {_indented(part.text, 2)}{took}")


def _print_answer(phone: Phone, seconds: float) -> None:
    answered = False
    for part in phone.answer(seconds):
        say(part.text)
        answered = True
    if not answered:
        fail(Exit.UNAVAILABLE, f"No answer within {seconds:g} s.")


def _indented(text: str, width: int) -> str:
    return text.replace("\n", "\n" + " " * width)


def _seconds(wait: str) -> float:
    try:
        seconds = float(wait.removesuffix("s"))
    except ValueError:
        seconds = -1.0
    if seconds < 0:
        fail(Exit.CONFIGURATION, f"--wait: {wait} is not a number of seconds")
    return seconds


def _simulator() -> str:
    _, state = running_stack()
    return str(state["simulator_url"] or simulator_address(os.environ))
