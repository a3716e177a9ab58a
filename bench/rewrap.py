"""
`python -m bench.rewrap`: how long a rotation takes for 10,000 tenants while readers go on, with everything on one core.

Each tenant has a data key, and a credential that the ring sealed itself: both come under the newest key. The readers fetch
data keys from the table all the while, as processes do that have just started, and open what those sealed.
"""

import asyncio
import json
import os
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from dev.embedded import postgres_server
from shared.store.data_keys import DataKeys
from shared.store.migrations import upgrade
from shared.store.rewrap import Rewrap
from shared.store.sealed import CREDENTIAL_SECRET
from shared.store.session import Store, open_store
from shared.vault import TenantVault, Vault, place

TENANTS = [f"tn_{number}" for number in range(10_000)]
READERS = 4
BEFORE, RING = {1: b"v" * 32}, {1: b"v" * 32, 2: b"w" * 32}


@dataclass
class Readers:
    """What the readers read, and what went wrong. `slowest`: seconds."""

    sealed: dict[str, bytes]
    reads: int = 0
    wrong: int = 0
    slowest: float = 0.0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, store: Store) -> None:
        """Read one tenant after another until told to stop."""
        while not self.stopping.is_set():
            tenant, began = random.choice(TENANTS), time.perf_counter()
            keys = DataKeys(Vault(RING))
            async with store.connection() as connection:
                await keys.ensure(connection, tenant)
            self.wrong += TenantVault(RING, keys).open(self.sealed[tenant], _place(tenant)) != tenant.encode()
            self.slowest = max(self.slowest, time.perf_counter() - began)
            self.reads += 1


async def plant(store: Store) -> dict[str, bytes]:
    """Make the tenants, and return a value that each one's data key sealed."""
    ring, keys = Vault(BEFORE), DataKeys(Vault(BEFORE))
    async with store.connection() as connection, connection.cursor() as cursor:
        await cursor.executemany("insert into tenant (id, name) values (%s, 'T')", [(tenant,) for tenant in TENANTS])
        await cursor.executemany(
            "insert into credential (id, tenant_id, account_sid, sealed_secret) values (%s, %s, %s, %s)",
            [(f"cr_{one}", one, one, ring.seal(b"x" * 32, CREDENTIAL_SECRET.at(one, f"cr_{one}"))) for one in TENANTS],
        )
        for start in range(0, len(TENANTS), 1_000):
            await keys.ensure(connection, *TENANTS[start : start + 1_000])
    vault = TenantVault(BEFORE, keys)
    return {tenant: vault.seal(tenant.encode(), _place(tenant)) for tenant in TENANTS}


async def rotate(url: str) -> dict[str, object]:
    """Rewrap beside the readers, and return the figures."""
    async with open_store(url, READERS + 1, "bench") as store:
        readers, keys = Readers(await plant(store)), DataKeys(Vault(RING))
        reading = [asyncio.create_task(readers.read(store)) for _ in range(READERS)]
        rewrap, began = Rewrap(store, Vault(RING), TenantVault(RING, keys), keys), time.perf_counter()
        progress = await rewrap.run()
        seconds = time.perf_counter() - began
        readers.stopping.set()
        await asyncio.gather(*reading)
        return {
            "seconds": round(seconds, 1),
            "done": dict(progress.done),
            "unreadable": progress.unreadable.total(),
            "still_named": await rewrap.named(),
            "reads": {"count": readers.reads, "wrong": readers.wrong, "slowest_s": round(readers.slowest, 3)},
        }


def _place(tenant: str) -> str:
    return place(tenant, "bench", "1")


def main() -> None:
    """Measure, and print the figures as JSON."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder, postgres_server(Path(folder)) as server:
        url = server.create_database("rewrap")
        upgrade(url)
        print(json.dumps(asyncio.run(rotate(url)), indent=2))


if __name__ == "__main__":
    main()
