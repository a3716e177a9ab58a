"""Rows of work that has failed, as the services leave them."""

from dataclasses import dataclass
from typing import Any

from shared.addresses import Pepper
from shared.ids import AddressKey, TenantId, ThreadKey, new_id
from shared.store.session import Store

TENANT = TenantId("tn_default")
KEYED = Pepper(b"p" * 32)


async def a_thread(store: Store, alias: AddressKey | None = None) -> ThreadKey:
    """Plant a contact and its thread on the default line."""
    key = ThreadKey("t" * 26)
    async with store.transaction() as connection:
        await connection.execute(
            "insert into contact (id, tenant_id, channel, sealed_address, sealed_name) values ('ct_1', %s, 'whatsapp', '', '')",
            (TENANT,),
        )
        await connection.execute(
            "insert into thread (key, tenant_id, line_id, contact_id) values (%s, %s, 'ln_default', 'ct_1')",
            (key, TENANT),
        )
        if alias:
            await connection.execute(
                """
                insert into contact_alias (tenant_id, channel, address_key, contact_id, pepper_version)
                values (%s, 'whatsapp', %s, 'ct_1', 1)
                """,
                (TENANT, alias),
            )
    return key


@dataclass(frozen=True)
class DeadWork:
    """Plants letters, and looks at what became of the work."""

    store: Store
    thread: ThreadKey

    async def letter(self, payload: str, stage: str = "egress", reason: str = "provider_refused") -> str:
        """List work as given up; return the letter's id."""
        letter = new_id("dl")
        await self.rows(
            """
            insert into dead_letter (id, tenant_id, thread, stage, reason, attempts, payload)
            values (%s, %s, %s, %s, %s, 1, %s) returning 1
            """,
            letter,
            TENANT,
            self.thread,
            stage,
            reason,
            payload,
        )
        return letter

    async def reply(self, *states: str, failure: str | None = None) -> list[int]:
        """Plant a reply whose parts are in these states; return the parts' ids."""
        [reply] = await self.rows(
            """
            insert into reply (public_id, tenant_id, thread, after_seq, kind, sealed_body, received_at, state)
            values (%s, %s, %s, 1, 'agent', '', now(), 'failed') returning id
            """,
            new_id("rp"),
            TENANT,
            self.thread,
        )
        parts = []
        for ordinal, state in enumerate(states, start=1):
            [part] = await self.rows(
                """
                insert into part (tenant_id, thread, reply_id, ordinal, sealed_body, state, failure, tries, provider_sid)
                values (%s, %s, %s, %s, '', %s, %s, 1, %s) returning id
                """,
                TENANT,
                self.thread,
                reply["id"],
                ordinal,
                state,
                failure if state == "failed" else None,
                new_id("SM") if state != "cancelled" else None,
            )
            parts.append(part["id"])
        return parts

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.rows("select state from part order by reply_id, ordinal")]

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async with self.store.connection() as connection:
            return await (await connection.execute(query, values)).fetchall()
