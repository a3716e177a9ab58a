"""The dead-letter list: what was given up, why, and how it is tried again or discarded."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import DictRow
from pydantic import ValidationError

from services.console.access import Principal
from services.console.records import Deed, note
from shared.bus import Bus, Delivery, Stored
from shared.events import DeliveryGivenUp, InboundReceived, PartReported, ReplyReady
from shared.failures import OUTCOME_UNKNOWN
from shared.ids import ReplyId, Sequence, TenantId, ThreadKey, new_id
from shared.store.session import EVERY_TENANT, Connection, Store
from shared.telemetry import DEAD_LETTER_SETTLED, DEAD_LETTERED, log
from shared.topology import INBOUND, OUT, STATUS, out_subject

_COLUMNS = (
    "id, tenant_id as tenant, thread, stage, reason, attempts, payload, state, created_at, settled_at, settled_note"
)
_RESENT = """
update part set state = case when failure = %(unknown)s then 'unknown' else 'queued' end,
    next_at = case when failure = %(unknown)s then now() end,
    provider_sid = case when failure = %(unknown)s then provider_sid end,
    tries = 0, checks = 0, failure = null, error_code = null, accepted_at = null
where id = %(part)s and state in ('failed', 'undelivered') and sealed_body is not null
returning thread, reply_id, ordinal, tenant_id
"""
"""A part that Twilio may have sent is only looked for again, never simply sent."""


@dataclass(frozen=True)
class DeadLetter:
    """Work that was given up. `payload` names where it rests: a stream and sequence, a turn, messages, or a part."""

    id: str
    tenant: TenantId
    thread: ThreadKey
    stage: str
    reason: str
    attempts: int
    payload: str
    state: str
    created_at: datetime
    settled_at: datetime | None
    settled_note: str | None


class LetterUnknown(Exception):
    """There is no such dead letter."""


class LetterSettled(Exception):
    """It was replayed or discarded already."""


class NotReplayable(Exception):
    """It cannot be tried again; says why. `text` and its `values`, for who shows it in another language."""

    def __init__(self, text: str, **values: str) -> None:
        super().__init__(text % values)
        self.text, self.values = text, values


@dataclass(frozen=True)
class DeadLetters:
    """Lists, replays, discards; and takes in what JetStream itself gives up. `sees`: whose letters the asker may know of."""

    store: Store
    bus: Bus

    async def list(
        self, sees: TenantId, state: str, before: str | None, most: int, reason: str | None = None
    ) -> list[DeadLetter]:
        """Return letters of a state, the newest first; `before` is the last id of the page before."""
        async with self.store.connection(sees) as connection:
            cursor = await connection.execute(
                f"""
                select {_COLUMNS} from dead_letter where state = %s and (%s::text is null or id < %s)
                and (%s::text is null or reason = %s) order by id desc limit %s
                """,  # noqa: S608 - constants
                (state, before, before, reason, reason, most),
            )
            return [DeadLetter(**row) for row in await cursor.fetchall()]

    async def reasons(self, sees: TenantId, state: str) -> Many[str]:
        """Return why letters of a state were given up."""
        async with self.store.connection(sees) as connection:
            query = "select distinct reason from dead_letter where state = %s order by reason limit 100"
            return [row["reason"] for row in await (await connection.execute(query, (state,))).fetchall()]

    async def show(self, sees: TenantId, letter: str) -> DeadLetter:
        """Return one. Raises LetterUnknown."""
        async with self.store.connection(sees) as connection:
            cursor = await connection.execute(f"select {_COLUMNS} from dead_letter where id = %s", (letter,))  # noqa: S608
            row = await cursor.fetchone()
        if row is None:
            raise LetterUnknown
        return DeadLetter(**row)

    async def replay(self, who: Principal, letter: str) -> DeadLetter:
        """
        Let the stage that failed try again; what was delivered is not sent again.

        Raises LetterUnknown, LetterSettled, NotReplayable, BusUnavailable. Repeated after a crash it has one effect.
        """
        found = await self.show(who.sees, letter)
        if found.state != "waiting":
            raise LetterSettled
        match found.payload.partition("/"):
            case "part", _, part:
                await self._resend(found, int(part))
            case "turn", _, turn:
                await self._ask_again(found, "select from_seq, upto_seq from turn where id = %s", turn)
            case "form", _, form:
                await self._send_form(form)
            case "messages", _, span:
                await self._ask_again(
                    found, "select split_part(%s, '-', 1)::bigint, split_part(%s, '-', 2)::bigint", span
                )
            case stream, _, seq:
                await self._republish(found, await self._stored(stream, Sequence(int(seq))))
        return await self._settle(who, letter, "replayed", None)

    async def discard(self, who: Principal, letter: str, reason: str) -> DeadLetter:
        """Give it up for good, and remember why. Raises LetterUnknown, LetterSettled."""
        return await self._settle(who, letter, "discarded", reason)

    async def on_given_up(self, event: DeliveryGivenUp, _delivery: Delivery) -> None:
        """List what JetStream will not deliver again."""
        stored = await self.bus.read_one(event.stream, event.stream_seq)
        _, _, tenant, thread = (stored.subject.split(".") + [""] * 4)[:4] if stored else ("", "", "", "")
        async with self.store.connection(EVERY_TENANT) as connection:
            cursor = await connection.execute(
                """
                insert into dead_letter (id, tenant_id, thread, stage, reason, attempts, payload)
                select %s, id, %s, %s, 'malformed_event', %s, %s from tenant
                order by id <> %s, created_at limit 1 on conflict do nothing
                """,
                (new_id("dl"), thread, event.consumer, event.deliveries, f"{event.stream}/{event.stream_seq}", tenant),
            )
        if cursor.rowcount:
            log.warning(DEAD_LETTERED, stage=event.consumer, reason="malformed_event")

    async def _settle(self, who: Principal, letter: str, state: str, why: str | None) -> DeadLetter:
        async with self.store.transaction(who.sees) as connection:
            cursor = await connection.execute(
                f"""
                update dead_letter set state = %s, settled_at = now(), settled_note = %s
                where id = %s and state = 'waiting' returning {_COLUMNS}
                """,  # noqa: S608 - constants
                (state, why, letter),
            )
            row = await cursor.fetchone()
            if row is not None:
                told = {"reason": row["reason"], **({"note": why} if why else {})}
                await note(connection, who, Deed(f"dead_letter.{state}", letter, row["tenant"], after=told))
        if row is None:
            await self.show(who.sees, letter)
            raise LetterSettled
        log.info(DEAD_LETTER_SETTLED, letter=letter, state=state, stage=row["stage"], reason=row["reason"])
        return DeadLetter(**row)

    async def _resend(self, letter: DeadLetter, part: int) -> None:
        """Queue a failed part again, and what of its reply was skipped for it."""
        async with self.store.transaction(EVERY_TENANT) as connection:
            await connection.execute("select 1 from thread where key = %s for update nowait", (letter.thread,))
            cursor = await connection.execute(_RESENT, {"part": part, "unknown": OUTCOME_UNKNOWN.code})
            row = await cursor.fetchone()
            if row is None:
                raise NotReplayable("The part was delivered meanwhile, is being sent, or its text is gone.")
            await _reopen(connection, part, row)
        ready = ReplyReady(tenant=letter.tenant, thread=letter.thread, reply_id=ReplyId(row["reply_id"]))
        await self.bus.publish(OUT, out_subject(letter.tenant, letter.thread), ready, message_id=f"replay:{letter.id}")

    async def _ask_again(self, letter: DeadLetter, query: str, key: str) -> None:
        """Put a turn's messages into the thread again; the router asks the agent once more."""
        async with self.store.connection(EVERY_TENANT) as connection:
            cursor = await connection.execute(
                f"""
                select seq from message join ({query}) span (first, last) on seq between first and last
                where thread = %s and outcome = 'asked' order by seq
                """,  # noqa: S608 - constants
                (*[key] * query.count("%s"), letter.thread),
            )
            seqs = [Sequence(row["seq"]) for row in await cursor.fetchall()]
        if not seqs:
            raise NotReplayable("Its messages are gone.")
        for stored in [await self._stored(INBOUND.name, seq) for seq in seqs]:
            await self._republish(letter, stored)

    async def _send_form(self, form: str) -> None:
        """Let a form be sent again, from its first try on."""
        async with self.store.connection(EVERY_TENANT) as connection:
            cursor = await connection.execute(
                "update form_submission set state = 'waiting', tries = 0, failure = null, next_at = now()"
                " where id = %s and state = 'failed'",
                (form,),
            )
        if not cursor.rowcount:
            raise NotReplayable("The form is gone, or is no longer one that could not be sent.")

    async def _stored(self, stream: str, seq: Sequence) -> Stored:
        stored = await self.bus.read_one(stream, seq)
        if stored is None:
            raise NotReplayable("It has left the stream %(stream)s.", stream=stream)
        return stored

    async def _republish(self, letter: DeadLetter, stored: Stored) -> None:
        """Publish a stored event once more, at the end of its subject."""
        message_id = f"replay:{letter.id}:{stored.seq}"
        try:
            if stored.subject.startswith("in."):
                inbound = InboundReceived.decode(stored.body).model_copy(update={"replay_of": letter.id})
                await self.bus.publish(INBOUND, stored.subject, inbound, message_id=message_id)
            elif stored.subject.startswith("status."):
                report = PartReported.decode(stored.body)
                await self.bus.publish(STATUS, stored.subject, report, message_id=message_id)
            else:
                raise NotReplayable("It is only a hint: the work it spoke of is found without it.")
        except ValidationError:
            raise NotReplayable("It still cannot be read.") from None


async def _reopen(connection: Connection, part: int, row: DictRow) -> None:
    await connection.execute("update attempt set outcome = 'superseded' where part_id = %s", (part,))
    await connection.execute(
        "update part set state = 'queued' where reply_id = %s and ordinal > %s and state = 'cancelled'",
        (row["reply_id"], row["ordinal"]),
    )
    await connection.execute("update reply set state = 'cut' where id = %s", (row["reply_id"],))
    await connection.execute("update thread set send_at = now() where key = %s", (row["thread"],))


@dataclass(frozen=True)
class HeldPart:
    """A part that waits for something beyond us: a proof from Twilio (unknown), or the person's next message (parked)."""

    id: int
    tenant: TenantId
    thread: ThreadKey
    reply: int
    ordinal: int
    state: str
    tries: int
    resent: bool
    next_look_at: datetime | None
    created_at: datetime


async def held_parts(store: Store, sees: TenantId, states: Many[str], most: int) -> list[HeldPart]:
    """Return parts that are held, the oldest first."""
    async with store.connection(sees) as connection:
        cursor = await connection.execute(
            """
            select id, tenant_id as tenant, thread, reply_id as reply, ordinal, state, tries, resent,
                   next_at as next_look_at, created_at
            from part where state = any(%s) order by id limit %s
            """,
            (list(states), most),
        )
        return [HeldPart(**row) for row in await cursor.fetchall()]
