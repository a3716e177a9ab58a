"""A crowd of people who write at a steady rate, and post again what was not accepted."""

import asyncio
import secrets
from dataclasses import dataclass, field

import httpx2

from tests.eventually import eventually
from tests.journeys.history import History, judge, read


@dataclass
class Crowd:
    """`people` phones, each of which writes one message after another."""

    simulator: httpx2.AsyncClient
    people: int
    prefix: int
    each: int
    written: list[str] = field(default_factory=list)

    def phone(self, person: int) -> str:
        return f"+1555{self.prefix:03d}{person:04d}"

    async def write(self, per_second: float) -> None:
        """Write all messages, round after round; a message waits for the person's previous one to be accepted."""
        gates = [asyncio.Lock() for _ in range(self.people)]
        async with asyncio.TaskGroup() as group:
            for number in range(self.each):
                for person in range(self.people):
                    group.create_task(self._one(person, number, gates[person]))
                    await asyncio.sleep(1 / per_second)  # eventually: the rate is what is asked for

    async def _one(self, person: int, number: int, gate: asyncio.Lock) -> None:
        mark = f"{self.prefix}{person:04d}-{number}"
        message = {"from": self.phone(person), "body": f"hello [{mark}]", "sid": "SM" + secrets.token_hex(16)}
        async with gate:

            async def accepted() -> bool:
                answer = await self.simulator.post("/sim/messages", json=message)
                return bool(answer.status_code == 200 and answer.json()["status"] == 200)

            await eventually(accepted, 60)
        self.written.append(mark)

    async def history(self) -> History:
        wire = (await self.simulator.get("/sim/wire")).json()
        mine = {f"whatsapp:{self.phone(person)}" for person in range(self.people)}
        whole = read(wire)
        return History(
            {who: marks for who, marks in whole.accepted.items() if who in mine},
            {who: marks for who, marks in whole.answered.items() if who in mine},
            whole.doubled_parts,
        )

    async def all_answered(self, seconds: float) -> History:
        """Wait until nothing that was written is unanswered."""

        async def look() -> History | None:
            history = await self.history()
            complete = sum(map(len, history.accepted.values())) >= len(self.written)
            return history if complete and not judge(history).lost else None

        return await eventually(look, seconds)
