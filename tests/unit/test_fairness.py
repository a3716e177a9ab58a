"""Which threads a process works on."""

import asyncio
from collections.abc import Sequence

from shared.fairness import FairWork
from shared.ids import TenantId, ThreadKey
from tests.eventually import eventually

LOUD, QUIET = TenantId("tn_loud"), TenantId("tn_quiet")


class Hall:
    """Threads that wait, in the order in which they shall be served, and who works on what."""

    def __init__(self, room: int) -> None:
        self.waiting: list[tuple[TenantId, ThreadKey]] = []
        self.served: list[ThreadKey] = []
        self.running = 0
        self.most_running = 0
        self.gate = asyncio.Event()
        self.failing: set[ThreadKey] = set()
        self.work = FairWork(room, self._due, self._serve, every=0.01, patience=1.0)

    def comes(self, tenant: TenantId, name: str) -> None:
        thread = ThreadKey(name)
        self.waiting.append((tenant, thread))
        self.work.hint(tenant, thread)

    async def _due(self, patience: float) -> Sequence[tuple[TenantId, ThreadKey]]:
        return []

    async def _serve(self, tenant: TenantId, thread: ThreadKey) -> None:
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        await self.gate.wait()
        self.running -= 1
        self.served.append(thread)
        self.waiting = [it for it in self.waiting if it[1] != thread]
        if thread in self.failing:
            raise ValueError

    async def open(self) -> None:
        """Let work end, once as many are at it as there is room for."""

        async def full() -> bool:
            return self.running > 0

        await eventually(full)
        self.gate.set()

    async def all_served(self, count: int) -> None:
        async def look() -> bool:
            return len(self.served) == count

        await eventually(look)


async def test_beyond_the_room_threads_wait_and_are_all_served() -> None:
    """
    Two at a time, however many hints come.
    """
    hall = Hall(room=2)
    for number in range(10):
        hall.comes(LOUD, f"l{number}")
    await hall.open()
    await hall.all_served(10)
    assert hall.most_running == 2


async def test_a_tenant_that_holds_no_place_gets_one_at_once() -> None:
    """
    One more than the four that a loud tenant fills is kept for it; its second thread waits for its turn.
    """
    hall = Hall(room=4)
    for number in range(10):
        hall.comes(LOUD, f"l{number}")
    hall.comes(QUIET, "q0")
    hall.comes(QUIET, "q1")

    async def five() -> bool:
        return hall.running == 5

    await eventually(five)
    await hall.open()
    await hall.all_served(12)
    assert hall.most_running == 5
    assert hall.served[4] == "q0"


async def test_places_that_get_free_go_to_the_tenants_in_turn() -> None:
    """
    A quiet tenant's three threads are among the first, although twenty of the loud one's came before them.
    """
    hall = Hall(room=1)
    for number in range(20):
        hall.comes(LOUD, f"l{number}")
    for number in range(3):
        hall.comes(QUIET, f"q{number}")
    await hall.open()
    await hall.all_served(23)
    assert hall.served.index(ThreadKey("q2")) <= 6


async def test_a_thread_has_one_worker_and_a_hint_meanwhile_lets_it_look_again() -> None:
    """
    What comes during the work is looked at after it.
    """
    hall = Hall(room=5)
    for _ in range(3):
        hall.comes(LOUD, "l0")
    await hall.open()
    await hall.all_served(2)
    assert hall.most_running == 1


async def test_work_that_fails_gives_its_room_back() -> None:
    """
    The next thread is served all the same.
    """
    hall = Hall(room=1)
    hall.failing.add(ThreadKey("l0"))
    hall.comes(LOUD, "l0")
    hall.comes(LOUD, "l1")
    await hall.open()
    await hall.all_served(2)


async def test_at_the_end_nothing_is_taken_and_what_takes_too_long_is_cancelled() -> None:
    """
    A worker that does not end in time is broken off; a hint that comes then is left to others.
    """
    hall = Hall(room=1)
    hall.comes(LOUD, "l0")
    await asyncio.gather(hall.work.end(0.01), return_exceptions=True)
    hall.comes(LOUD, "l1")
    assert hall.served == []
