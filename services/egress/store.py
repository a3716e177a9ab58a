"""The send ledger: the SQL that lets one sender at a time move a thread forward, each attempt on record before it is made."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import orjson
from psycopg import AsyncCursor
from psycopg.rows import DictRow

from services.egress import parts
from services.egress import statements as sql
from services.egress.ordering import Draft, Part
from services.egress.outcomes import fail_part
from shared.channels.ports import Credentials
from shared.faultpoints import Step
from shared.ids import Address, AttemptId, ProviderSid, ReplyId, TenantId, ThreadKey, new_id
from shared.metrics import TAKEOVERS
from shared.store.credentials import credentials
from shared.store.sealed import CONTACT_ADDRESS, PART_BODY, REPLY_BODY
from shared.store.session import Connection, Store
from shared.vault import Vault


@dataclass(frozen=True)
class Claim:
    """The right to send on a thread, and with what. `scope`: all whose rows it may touch, the line's tenant first."""

    thread: ThreadKey
    scope: tuple[TenantId, ...]
    fence: int
    channel: str
    provider: str
    sender: Address
    to: Address | None
    """None where the tenant's privacy has had it dropped: the person has to write first."""
    credentials: Credentials
    limit: int
    """UTF-16 units of a part."""
    truncated: bool
    """Whether a long reply is cut off rather than sent in parts."""
    in_group: bool
    """Whether it is for all threads of a person, whose root this is."""
    due_at: datetime
    """Since when it had something to send."""


@dataclass(frozen=True)
class Reply:
    """A reply before it is cut."""

    id: ReplyId
    tenant: TenantId
    markdown: str
    sources: tuple[str, ...]
    trace: dict[str, str]


@dataclass(frozen=True)
class View:
    """What there is to send on a thread: its oldest reply without parts, and its parts in sending order."""

    uncut: Reply | None
    parts: Sequence[Part]

    def with_cut(self, parts: Sequence[Part]) -> "View":
        """Return what there is to send once the reply was cut into these parts: they go first."""
        return View(None, sorted((*self.parts, *parts), key=lambda part: (part.reply, part.ordinal)))


@dataclass(frozen=True)
class Try:
    """An attempt that is about to be made."""

    attempt: AttemptId
    part: Part
    body: str
    number: int
    of: int
    trace: dict[str, str]


@dataclass(frozen=True)
class Doubt:
    """An attempt whose outcome nobody knows."""

    attempt: AttemptId
    part: Part
    body: str
    since: datetime
    checks: int
    resent: bool


class FenceLost(Exception):
    """Somebody else sends on this thread now."""


@dataclass(frozen=True)
class Standing:
    """How a thread stands in a transaction that has it locked."""

    now: datetime
    last_inbound_at: datetime
    """When the person last wrote, by the time of arrival."""
    regrouped: bool = False
    """Whether the thread proved to be one of several of a person since it was claimed: it is for their root to go on."""


@dataclass
class Desk:
    """
    A thread, locked for one transaction of its sender.

    What is written travels with the next thing that is read, and so does the lock itself, where the thread was claimed before: without the
    fence all of it is rolled back.
    """

    connection: Connection
    claim: Claim
    vault: Vault
    locked: Standing | AsyncCursor[DictRow]
    """How the thread stands, or what has not been read of it yet."""

    async def standing(self) -> Standing:
        """Return how the thread stands. Raises `FenceLost`."""
        if isinstance(self.locked, AsyncCursor):
            row = await self.locked.fetchone()
            if row is None:
                raise FenceLost
            self.locked = Standing(row["now"], row["heard"], row["in_group"] and not self.claim.in_group)
        return self.locked

    async def view(self) -> View:
        """Return what there is to send. Raises `FenceLost`."""
        cursor = await self.connection.execute(sql.VIEW, {"thread": self.claim.thread})
        await self.standing()
        rows = await cursor.fetchall()
        return View(
            self._reply(rows[0]) if rows[0]["uncut"] is not None else None,
            [_part(row) for row in rows if row["reply_id"] is not None],
        )

    def _reply(self, row: DictRow) -> Reply:
        tenant = TenantId(row["uncut_tenant"])
        body = orjson.loads(self.vault.open(row["sealed_body"], REPLY_BODY.at(tenant, row["public_id"])))
        return Reply(ReplyId(row["uncut"]), tenant, body["markdown"], tuple(body["sources"]), row["uncut_trace"])

    async def cut(self, reply: Reply, bodies: Sequence[str]) -> list[Part]:
        """Write a reply's parts and return them; one without any is done."""
        sealed = [
            self.vault.seal(body.encode(), PART_BODY.at(reply.tenant, reply.id, n))
            for n, body in enumerate(bodies, start=1)
        ]
        values = {
            "tenant": reply.tenant,
            "thread": self.claim.thread,
            "reply": reply.id,
            "sealed": sealed,
            "state": "cut" if bodies else "done",
        }
        await self.connection.execute(sql.CUT, values)
        return [
            Part(reply.id, n, parts.QUEUED, None, None, Draft(reply.tenant, body, 0, len(sealed), reply.trace))
            for n, body in enumerate(sealed, start=1)
        ]

    async def begin(self, part: Part) -> Try:
        """Put an attempt on record: from the commit on, only evidence tells whether the part was sent."""
        body, draft, attempt = self._body(part), _draft(part), AttemptId(new_id("at"))
        await self.connection.execute(sql.BEGIN, {**_named(part), "attempt": attempt})
        return Try(attempt, part, body, draft.tries + 1, draft.of, draft.trace)

    async def doubt(self, part: Part) -> Doubt:
        """Return the part's last attempt, whose outcome is not known."""
        cursor = await self.connection.execute(
            f"""
            select attempt.id, attempt.started_at, part.checks, part.resent
            from attempt join part on part.id = attempt.part_id
            where {sql.PART} order by attempt.started_at desc limit 1
            """,  # noqa: S608 - a constant
            _named(part),
        )
        row = await cursor.fetchone()
        assert row is not None, "a part is only in doubt after an attempt"  # noqa: S101
        return Doubt(AttemptId(row["id"]), part, self._body(part), row["started_at"], row["checks"], row["resent"])

    async def hold(self, part: Part, next_at: datetime, checks: int) -> None:
        """Keep a doubtful part until the next look."""
        await self.connection.execute(
            f"""
            update part set state = 'unknown', next_at = %(next_at)s, checks = %(checks)s
            where {sql.PART} and state in ('sending', 'unknown')
            """,  # noqa: S608 - a constant
            {**_named(part), "next_at": next_at, "checks": checks},
        )

    async def requeue(self, part: Part, next_at: datetime, *, resent: bool = False) -> None:
        """Let a part be tried again."""
        await self.connection.execute(
            f"""
            update part set state = 'queued', next_at = %(next_at)s, resent = resent or %(resent)s, checks = 0
            where {sql.PART} and state in ('sending', 'unknown')
            """,  # noqa: S608 - a constant
            {**_named(part), "next_at": next_at, "resent": resent},
        )

    async def end(self, attempt: AttemptId, outcome: str, http_status: int | None, code: int | None) -> None:
        """Write down how an attempt ended."""
        await self.connection.execute(
            "update attempt set outcome = %s, http_status = %s, error_code = %s, ended_at = now() where id = %s",
            (outcome, http_status, code, attempt),
        )

    async def accept(
        self,
        part: Part,
        attempt: AttemptId,
        sid: ProviderSid,
        *,
        http_status: int | None = None,
        towards: str = parts.ACCEPTED,
    ) -> None:
        """Bind the provider's id to a part; a report that came before may have moved it further already."""
        await self.connection.execute(
            sql.ACCEPT,
            {
                **_named(part),
                "attempt": attempt,
                "sid": sid,
                "http_status": http_status,
                "towards": towards,
                "below": parts.below(towards),
            },
        )

    async def fail(self, part: Part, failure: str, code: int | None, *, stops: bool) -> None:
        """End a part for good; the rest of its reply is skipped, and everything queued where the person wants no more."""
        await fail_part(self.connection, part.reply, part.ordinal, failure, code, state=parts.FAILED)
        if stops:
            await self.connection.execute("update thread set opted_out_at = now() where key = %s", (self.claim.thread,))
            await self.connection.execute(
                "update reply set state = 'cancelled' where thread = %s and state in ('open', 'cut')",
                (self.claim.thread,),
            )
            await self.connection.execute(sql.DROP_CANCELLED, {"thread": self.claim.thread})

    async def park(self) -> int:
        """Keep everything unsent until the person writes again; return how many parts that are."""
        cursor = await self.connection.execute(
            "update part set state = 'parked', next_at = null where thread = %s and state = 'queued' returning 1",
            (self.claim.thread,),
        )
        parked = len(await cursor.fetchall())
        await self.connection.execute(
            "update thread set parked_at = coalesce(parked_at, now()) where key = %s", (self.claim.thread,)
        )
        return parked

    async def bound_elsewhere(self, sids: Sequence[ProviderSid]) -> set[ProviderSid]:
        """Return which of the provider's ids belong to parts already."""
        cursor = await self.connection.execute(
            "select provider_sid from part where provider_sid = any(%s)", (list(sids),)
        )
        return {ProviderSid(row["provider_sid"]) for row in await cursor.fetchall()}

    async def release(self, send_at: datetime | None) -> None:
        """Give the thread up, saying when there is something to do again; what was cancelled is dropped."""
        await self.connection.execute(
            sql.RELEASE, {"send_at": send_at, "thread": self.claim.thread, "fence": self.claim.fence}
        )

    def _body(self, part: Part) -> str:
        draft = _draft(part)
        return self.vault.open(draft.sealed, PART_BODY.at(draft.tenant, part.reply, part.ordinal)).decode()


@dataclass(frozen=True)
class SendLedger:
    """Where egress finds its work and leaves what came of it."""

    store: Store
    vault: Vault
    owner: int

    @asynccontextmanager
    async def claimed(
        self, tenant: TenantId, thread: ThreadKey, step: Step | None = None
    ) -> AsyncIterator[Desk | None]:
        """Take the right to send on a thread, locked for one transaction; None where somebody alive has it."""
        async with self.store.transaction(tenant, step=step) as connection:
            row = await self._claimed(connection, tenant, thread)
            if row is None:
                yield None
                return
            if row["guests"]:
                await self.store.widen(connection, tenant, *row["guests"])
                row |= await (await connection.execute(sql.GUEST, (row["contact_id"],))).fetchone() or {}
            if row["taken_over"]:
                TAKEOVERS.labels("egress").inc()
            if row["holder"] is not None:
                await self.store.have_keys(connection, row["holder"])
            yield Desk(connection, self._claim(thread, row), self.vault, Standing(row["now"], row["heard"]))

    async def _claimed(self, connection: Connection, tenant: TenantId, thread: ThreadKey) -> DictRow | None:
        values = {"owner": self.owner, "thread": thread}
        row = await (await connection.execute(sql.CLAIM, values)).fetchone()
        if row is not None and row["root"] == thread:
            return await self._group_claimed(connection, tenant, values)
        return row if row is not None and row["out_fence"] is not None else None

    async def _group_claimed(
        self, connection: Connection, tenant: TenantId, values: dict[str, object]
    ) -> DictRow | None:
        """Claim all of a person's threads by their root, and let it have what is left to send on the others."""
        await connection.execute(sql.LOCK_GROUP, values)
        guests = [row["guest"] for row in await (await connection.execute(sql.GUESTS, values)).fetchall()]
        if guests:
            await self.store.widen(connection, tenant, *guests)
        row = await (await connection.execute(sql.CLAIM_GROUP, values)).fetchone()
        if row is None or row["out_fence"] is None:
            return None
        await connection.execute(sql.GATHER, values)
        return row

    @asynccontextmanager
    async def desk(self, claim: Claim, step: Step | None = None) -> AsyncIterator[Desk]:
        """Lock the thread for one transaction and prolong the claim. Raises `FenceLost`."""
        async with self.store.transaction(*claim.scope, step=step) as connection:
            values = {"thread": claim.thread, "fence": claim.fence, "owner": self.owner}
            desk = Desk(connection, claim, self.vault, await connection.execute(sql.FENCED, values))
            yield desk
            await desk.standing()  # nothing is kept that was written without the fence

    def _claim(self, thread: ThreadKey, row: DictRow) -> Claim:
        where = CONTACT_ADDRESS.at(row["contact_tenant"], row["contact_id"])
        address = row["sealed_address"] and self.vault.open(row["sealed_address"], where)
        return Claim(
            thread=thread,
            scope=(TenantId(row["tenant_id"]), *row["guests"]),
            fence=row["out_fence"],
            channel=row["channel"],
            provider=row["provider"],
            sender=Address(row["sender"]),
            to=Address(address.decode()) if address else None,
            credentials=credentials(self.vault, row),
            limit=row["reply_limit"],
            truncated=row["long_replies"] == "truncate",
            in_group=row["root"] is not None,
            due_at=row["due_at"],
        )

    async def due(self, patience: float) -> list[tuple[TenantId, ThreadKey]]:
        """Return threads that had something to send so many seconds ago and that nobody alive sends to, each tenant in its turn."""
        rows = await self.store.rows(sql.DUE, {"owner": self.owner, "patience": patience})
        return [(TenantId(row["tenant_id"]), ThreadKey(row["key"])) for row in rows]


def _part(row: DictRow) -> Part:
    draft = None
    if row["sealed"] is not None:
        draft = Draft(TenantId(row["tenant"]), row["sealed"], row["tries"], row["of"], row["trace"])
    return Part(ReplyId(row["reply_id"]), row["ordinal"], row["state"], row["next_at"], row["accepted_at"], draft)


def _draft(part: Part) -> Draft:
    assert part.draft is not None, "what is open has its text"  # noqa: S101
    return part.draft


def _named(part: Part) -> dict[str, object]:
    """Return a part's name, as the statements have it."""
    return {"reply": part.reply, "ordinal": part.ordinal}
