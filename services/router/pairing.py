"""Decisions about pairing codes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.router.mailbox import Mailbox
from shared.telemetry import PAIRING_SUSPENDED, log

_MOST_WRONG = 5
_MOST_WRONG_HERE = 100
_WRONG_WINDOW = timedelta(minutes=10)
_RECENT = """
select count(*) as wrong from (
  select 1 from wrong_code where tenant_id = %s and at > now() - interval '10 minutes' limit %s
) as recent
"""

ALREADY_PAIRED = "Number already paired. Send /stop first to free it."
NOT_VALID = "Code expired or not valid. Make a new one in your profile."
"""One answer for wrong, expired and used codes, so that guessing teaches nothing."""

CODE_MISSING = "Send /pair followed by the code from your profile, such as /pair ABCDEFGH."


def normalise(code: str) -> str:
    """Return a code as it was made: people type it in small letters, with dashes or spaces."""
    return "".join(sign for sign in code.upper() if sign.isalnum())


def may_try(wrong: Sequence[datetime], at: datetime) -> bool:
    """Tell whether a number may try another code: at most 5 wrong ones in 10 minutes, then silence."""
    return len([time for time in wrong if time > at - _WRONG_WINDOW]) < _MOST_WRONG


async def may_try_here(mailbox: Mailbox) -> bool:
    """Tell whether a tenant's lines take codes at all: after 100 wrong ones in 10 minutes they are silent for everybody."""
    cursor = await mailbox.connection.execute(_RECENT, (mailbox.line.tenant, _MOST_WRONG_HERE))
    row = await cursor.fetchone()
    if row is not None and row["wrong"] >= _MOST_WRONG_HERE:
        log.warning(PAIRING_SUSPENDED, tenant=mailbox.line.tenant)
        return False
    return True


async def note_wrong(mailbox: Mailbox, at: datetime) -> None:
    """Count a wrong code for its number and for the tenant."""
    mailbox.thread.wrong_codes = with_wrong(mailbox.thread.wrong_codes, at)
    await mailbox.connection.execute("insert into wrong_code (tenant_id) values (%s)", (mailbox.line.tenant,))


def with_wrong(wrong: Sequence[datetime], at: datetime) -> list[datetime]:
    """Return the wrong tries to remember after one more."""
    return [*(time for time in wrong if time > at - _WRONG_WINDOW), at]
