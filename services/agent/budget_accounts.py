"""Budgets in Postgres: one statement holds tokens on all accounts of a call, or on none (ADR 20)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from psycopg import Error as DatabaseError

from services.agent.budget import Spender
from shared.failures import (
    CONVERSATION_BUDGET_SPENT,
    DAY_BUDGET_SPENT,
    MESSAGE_BUDGET_SPENT,
    Failure,
    GatewayError,
    Later,
)
from shared.ids import TenantId
from shared.store.presence import OWNER_IS_DEAD
from shared.store.session import Connection, Store
from shared.telemetry import BUDGET_UNSETTLED, log

_TRIES = 8
"""How often what others hold is waited for."""

_SPENT: dict[str, Failure] = {
    "conversation": CONVERSATION_BUDGET_SPENT,
    "day": DAY_BUDGET_SPENT,
    "message": MESSAGE_BUDGET_SPENT,
}

_HOLD = """
insert into token_account (tenant_id, account, held, allowed)
select %(tenant)s, account, %(tokens)s, allowed from (
  select case when kind = 'day' then 'day/' || current_date else kind end as account, allowed
  from unnest(%(accounts)s::text[], %(limits)s::bigint[]) as wanted (kind, allowed)
) as named where %(tokens)s::bigint <= allowed order by account
on conflict (tenant_id, account) do update
  set held = token_account.held + excluded.held, allowed = excluded.allowed, changed_at = now()
  where token_account.used + token_account.held + excluded.held <= excluded.allowed
returning account
"""
"""Holds tokens on every account that has room for them. Accounts are locked in one order, so that no two turns block each other."""

_WRITE_DOWN = """
insert into token_hold (turn_id, tenant_id, accounts, tokens, owner)
values (%(turn)s, %(tenant)s, %(accounts)s, %(tokens)s, %(owner)s)
"""

_GIVE_BACK = """
with gone as (
  delete from token_hold where turn_id in (
    select turn_id from token_hold where tenant_id = %(tenant)s and {which} for update skip locked
  )
  returning accounts, tokens
),
back as (
  select account, sum(tokens) as tokens from gone cross join unnest(accounts) as account group by account
)
update token_account set held = held - back.tokens, changed_at = now()
from back where tenant_id = %(tenant)s and token_account.account = back.account
"""
_GIVE_BACK_OWN = _GIVE_BACK.format(which="turn_id = %(turn)s")
_GIVE_BACK_OF_THE_DEAD = _GIVE_BACK.format(which=OWNER_IS_DEAD.format(column="owner"))

_SETTLE = """
with gone as (
  delete from token_hold where turn_id = %(turn)s and owner = %(owner)s returning accounts, tokens
)
update token_account set held = held - gone.tokens, used = used + %(used)s, changed_at = now()
from gone where tenant_id = %(tenant)s and account = any(gone.accounts)
"""


class _Short(Exception):
    """An account has not so much left."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.failure = _SPENT[kind]


@dataclass(frozen=True)
class Accounts:
    """
    Budgets in Postgres. A turn without limits costs no statement.

    A turn holds tokens for one call at a time. What a process held that died is given back when its turn is run again, and
    before anybody of its tenant is refused. `owner`: this process's proof of life.
    """

    store: Store
    owner: int

    async def hold(self, spender: Spender, tokens: int) -> None:
        """Hold them on all accounts, or on none."""
        limited = dict(spender.accounts())
        if not limited:
            return
        try:
            await _patiently(lambda: self._hold(spender, limited, tokens))
        except _Short:
            await _patiently(lambda: self._give_back_of_the_dead(spender.tenant))
        else:
            return
        try:
            await _patiently(lambda: self._hold(spender, limited, tokens))
        except _Short as short:
            raise GatewayError(short.failure) from None

    async def settle(self, spender: Spender, tokens: int) -> None:
        """Count them. Where the database is away they stay held, until the turn's next call or this process's end."""
        if not any(spender.accounts()):
            return
        facts = {"tenant": spender.tenant, "turn": spender.turn, "owner": self.owner, "used": tokens}

        async def settle() -> None:
            async with self.store.connection(spender.tenant) as connection:
                await connection.execute(_SETTLE, facts)

        try:
            await _patiently(settle)
        except (DatabaseError, Later) as error:
            log.warning(BUDGET_UNSETTLED, tokens=tokens, exc_info=error)

    async def _hold(self, spender: Spender, limited: dict[str, int], tokens: int) -> None:
        facts: dict[str, Any] = {
            "tenant": spender.tenant,
            "turn": spender.turn,
            "owner": self.owner,
            "tokens": tokens,
            "accounts": [*limited],
            "limits": [*limited.values()],
        }
        async with self.store.transaction(spender.tenant) as connection:
            await connection.execute(_GIVE_BACK_OWN, facts)
            held = await _held(connection, facts)
            kinds = {account.partition("/")[0] for account in held}
            for account in limited:
                if (kind := account.partition("/")[0]) not in kinds:
                    raise _Short(kind)
            await connection.execute(_WRITE_DOWN, {**facts, "accounts": held})

    async def _give_back_of_the_dead(self, tenant: TenantId) -> None:
        async with self.store.connection(tenant) as connection:
            await connection.execute(_GIVE_BACK_OF_THE_DEAD, {"tenant": tenant})


async def _held(connection: Connection, facts: dict[str, Any]) -> list[str]:
    return [row["account"] for row in await (await connection.execute(_HOLD, facts)).fetchall()]


async def _patiently(do: Callable[[], Awaitable[None]]) -> None:
    """Do it, again while others hold what it needs. Raises Later in the end."""
    for _ in range(_TRIES - 1):
        try:
            return await do()
        except Later as later:
            await asyncio.sleep(later.delay)
    return await do()
