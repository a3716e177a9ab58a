"""Work takes turns at the connections of its process."""

import asyncio

import pytest
from psycopg_pool import PoolTimeout

from shared.store.turns import Turns
from tests.eventually import eventually

LONG, AT_ONCE = 60.0, 0.0


class Line:
    """Work that queues up for turns, and goes on when it is told to."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.served: list[str] = []
        self._may_end: dict[str, asyncio.Event] = {}

    async def come(self, name: str) -> "asyncio.Task[None]":
        """Let somebody come, and return once they have a turn or wait for one."""
        before = len(self.served) + self.turns.waiting
        task = asyncio.create_task(self._have(name))

        async def is_here() -> bool:
            return len(self.served) + self.turns.waiting > before

        await eventually(is_here)
        return task

    async def end(self, name: str) -> None:
        """Let somebody's turn end, and the next one's begin."""
        served, waiting = len(self.served), self.turns.waiting
        self._may_end[name].set()

        async def is_next() -> bool:
            return not waiting or len(self.served) > served

        await eventually(is_next)

    async def _have(self, name: str) -> None:
        self._may_end[name] = asyncio.Event()
        async with self.turns.one():
            self.served.append(name)
            await self._may_end[name].wait()


async def test_as_many_as_there_are_places_and_then_in_turn() -> None:
    """
    Two places, four that come: the third is served before the fourth.
    """
    line = Line(Turns(2, LONG))
    tasks = [await line.come(name) for name in ("one", "two", "three", "four")]
    assert line.served == ["one", "two"]
    await line.end("two")
    assert line.served == ["one", "two", "three"]
    await line.end("one")
    assert line.served == ["one", "two", "three", "four"]
    await line.end("three")
    await line.end("four")
    await asyncio.gather(*tasks)
    assert line.turns.waiting == 0


async def test_nobody_waits_where_nobody_gets_on() -> None:
    """
    Who has the place does not hand it back: whoever waits is told, and holds no place that others would lack.
    """
    line = Line(Turns(1, AT_ONCE))
    first = await line.come("first")
    with pytest.raises(PoolTimeout):
        async with line.turns.one():
            pass
    await line.end("first")
    await first
    async with line.turns.one():
        pass


async def test_who_goes_away_while_waiting_leaves_the_turn_to_the_next() -> None:
    """
    Also when the turn has just come.
    """
    line = Line(Turns(1, LONG))
    first, second, third = [await line.come(name) for name in ("first", "second", "third")]
    second.cancel()
    line._may_end["first"].set()
    await first
    third.cancel()
    await asyncio.wait({second, third})
    async with line.turns.one():
        pass
    assert line.served == ["first"]


async def test_who_has_a_turn_may_not_wait_for_another() -> None:
    """
    Where all who have one did so, nobody would get on.
    """
    turns = Turns(2, LONG)
    async with turns.one():
        with pytest.raises(RuntimeError):
            async with turns.one():
                pass
    async with turns.one():
        pass
