"""Which message a dead letter is about, and which dead letter a message waits in: the way between their pages."""

from psycopg.rows import DictRow

from services.console.dead_letters import DeadLetter
from shared.store.session import Connection
from shared.topology import INBOUND

_OF_PART = """
select id, reason from dead_letter
where state = 'waiting' and stage in ('egress', 'status') and payload = %s order by id desc limit 1
"""
_OF_MESSAGE = """
select dead_letter.id, dead_letter.reason from message join dead_letter on dead_letter.thread = message.thread
where message.id = %(message)s and dead_letter.state = 'waiting' and case split_part(payload, '/', 1)
    when 'turn' then exists (select from turn where turn.id = split_part(payload, '/', 2)
                             and turn.thread = message.thread and message.seq between from_seq and upto_seq)
    when 'messages' then message.seq between split_part(split_part(payload, '/', 2), '-', 1)::bigint
                                     and split_part(payload, '-', 2)::bigint
    when %(stream)s then message.seq = split_part(payload, '/', 2)::bigint
    else false end
order by dead_letter.id desc limit 1
"""
_MESSAGE_OF = {
    "part": "select 'pt_' || id as message from part where %(thread)s = thread and id = %(at)s::bigint",
    "turn": """
    select message.id as message from turn join message on message.thread = turn.thread and message.seq = turn.upto_seq
    where turn.id = %(at)s
    """,
    "messages": """
    select id as message from message where thread = %(thread)s and seq = split_part(%(at)s, '-', 2)::bigint
    """,
    INBOUND.name: "select id as message from message where thread = %(thread)s and seq = %(at)s::bigint",
}


async def message_of(connection: Connection, letter: DeadLetter) -> str | None:
    """Return the message, or the part of an answer, that was given up; None where none is left to be looked at."""
    kind, _, at = letter.payload.partition("/")
    if kind not in _MESSAGE_OF:
        return None
    row = await (await connection.execute(_MESSAGE_OF[kind], {"thread": letter.thread, "at": at})).fetchone()
    return row["message"] if row else None


async def letter_of(connection: Connection, message: str) -> DictRow | None:
    """Return the dead letter that holds what is to become of a message, by its id; None where nothing was given up."""
    if message.startswith("pt_"):
        cursor = await connection.execute(_OF_PART, (f"part/{message.removeprefix('pt_')}",))
    else:
        cursor = await connection.execute(_OF_MESSAGE, {"message": message, "stream": INBOUND.name})
    return await cursor.fetchone()
