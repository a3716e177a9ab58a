"""What becomes of parts and replies, as their sender and reports of them write it down."""

from services.egress import statements as sql
from shared.ids import AttemptId, PartId, ProviderSid, ReplyId, new_id
from shared.store.session import Connection


async def record_accepted(connection: Connection, part: PartId, attempt: AttemptId, sid: ProviderSid) -> None:
    """Write down that the provider took a part under this id."""
    await connection.execute(
        "update part set provider_sid = %s, accepted_at = coalesce(accepted_at, now()), next_at = null where id = %s",
        (sid, part),
    )
    await connection.execute("update attempt set provider_sid = %s where id = %s", (sid, attempt))


async def fail_part(
    connection: Connection, reply: ReplyId, ordinal: int, failure: str, code: int | None, *, state: str
) -> None:
    """End a part for good and skip the rest of its reply; what failed is on the dead-letter list."""
    values = {
        "reply": reply,
        "ordinal": ordinal,
        "state": state,
        "failure": failure,
        "code": code,
        "letter": new_id("dl"),
    }
    await connection.execute(
        f"update part set state = %(state)s, failure = %(failure)s, error_code = %(code)s, next_at = null where {sql.PART}",  # noqa: S608 - a constant
        values,
    )
    await connection.execute(
        f"update part set state = 'cancelled' where reply_id = %(reply)s and state in {sql.UNSENT}",  # noqa: S608 - constants
        values,
    )
    await connection.execute(
        f"""
        insert into dead_letter (id, tenant_id, thread, stage, reason, attempts, payload)
        select %(letter)s, tenant_id, thread, 'egress', %(failure)s, tries, 'part/' || id from part where {sql.PART}
        on conflict do nothing
        """,  # noqa: S608 - a constant
        values,
    )
    await connection.execute("update reply set state = 'failed' where id = %(reply)s", values)


async def close_reply(connection: Connection, reply: ReplyId) -> None:
    """Mark a reply done once each of its parts is with the provider."""
    await connection.execute(
        f"""
        update reply set state = 'done' where id = %s and state = 'cut'
          and not exists (select 1 from part where reply_id = reply.id and state in {sql.OPEN})
        """,  # noqa: S608 - constants
        (reply,),
    )
