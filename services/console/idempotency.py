"""Requests that were made before: a POST with the same Idempotency-Key is answered once, and again with the same answer."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from services.console.access import Principal
from shared.store.sealed import IDEMPOTENT_ANSWER
from shared.store.session import Store
from shared.vault import Vault

_KEPT = "24 hours"
_ABANDONED = "1 minute"
"""After this a request that never ended is taken for dead: whoever repeats it may."""


@dataclass(frozen=True)
class Answered:
    """An answer, as it was given."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class KeyReused(Exception):
    """The key came with another request before."""


class InFlight(Exception):
    """The first request with this key is still running."""


@dataclass(frozen=True)
class Requests:
    """Where they are kept. Answers may hold what is shown once, so they are sealed."""

    store: Store
    vault: Vault
    secret: bytes
    """Keys the fingerprints: a request may name a phone number, and a plain digest of it could be tried out."""

    async def begin(self, who: Principal, key: str, asked: bytes) -> Answered | None:
        """Note that a request begins, or return the answer that it had. Raises KeyReused, InFlight."""
        fingerprint = hmac.digest(self.secret, asked, hashlib.sha256).hex()
        async with self.store.transaction(who.sees) as connection:
            cursor = await connection.execute(
                f"""
                insert into idempotent_request as old (holder, key, tenant_id, fingerprint) values (%s, %s, %s, %s)
                on conflict (holder, key) do update
                  set fingerprint = excluded.fingerprint, status = null, sealed_answer = null, created_at = now()
                  where old.created_at < now() - interval '{_KEPT}'
                     or (old.status is null and old.created_at < now() - interval '{_ABANDONED}')
                returning 1
                """,  # noqa: S608 - constants
                (who.id, key, who.tenant, fingerprint),
            )
            if await cursor.fetchone():
                return None
            cursor = await connection.execute(
                "select fingerprint, sealed_answer from idempotent_request where holder = %s and key = %s",
                (who.id, key),
            )
            row = await cursor.fetchone()
        if row is None or row["fingerprint"] != fingerprint:
            raise KeyReused
        if row["sealed_answer"] is None:
            raise InFlight
        return _opened(self.vault.open(row["sealed_answer"], IDEMPOTENT_ANSWER.at(who.tenant, who.id, key)))

    async def finish(self, who: Principal, key: str, answer: Answered) -> None:
        """Keep the answer."""
        told = {
            "status": answer.status,
            "headers": dict(answer.headers),
            "body": base64.b64encode(answer.body).decode(),
        }
        async with self.store.transaction(who.sees) as connection:
            await connection.execute(
                "update idempotent_request set status = %s, sealed_answer = %s where holder = %s and key = %s",
                (
                    answer.status,
                    self.vault.seal(orjson.dumps(told), IDEMPOTENT_ANSWER.at(who.tenant, who.id, key)),
                    who.id,
                    key,
                ),
            )

    async def forget(self, who: Principal, key: str) -> None:
        """Let the request be made again: it failed."""
        async with self.store.transaction(who.sees) as connection:
            await connection.execute("delete from idempotent_request where holder = %s and key = %s", (who.id, key))


def _opened(answer: bytes) -> Answered:
    told = orjson.loads(answer)
    return Answered(told["status"], told["headers"], base64.b64decode(told["body"]))
