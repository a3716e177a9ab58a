"""Proves a login: reads the account or, for an API key that may not, one of its messages."""

from shared.channels.line_setup import Connection, ConnectionTest
from shared.channels.whatsapp_twilio.rest import NotAnswered, Record, Trouble, TwilioRest

_OUTCOMES = {
    Trouble.RATE_LIMITED: Connection.RATE_LIMITED,
    Trouble.UNREACHABLE: Connection.UNREACHABLE,
    Trouble.REFUSED: Connection.UNREACHABLE,
}
"""The rest are credentials that this account does not take."""


class AccountRecord(Record):
    """What we read of an account. Its auth token, which Twilio answers with, is not among it."""

    sid: str
    friendly_name: str | None = None
    status: str
    type: str | None = None

    @property
    def is_active(self) -> bool:
        """Tell whether the account may send."""
        return self.status == "active"


class _Messages(Record):
    messages: tuple[Record, ...]


async def prove(rest: TwilioRest) -> AccountRecord | None:
    """
    Return the account; None where an API key proved itself by listing a message, since it may not read the account.

    Standard keys are refused the account with 401 and 20003, as wrong credentials are. Raises NotAnswered.
    """
    if not rest.is_key:
        return await rest.get(AccountRecord, rest.account_url(""))
    try:
        return await rest.get(AccountRecord, rest.account_url(""))  # a main key may
    except NotAnswered as refused:
        if refused.trouble not in {Trouble.UNAUTHORIZED, Trouble.FORBIDDEN}:
            raise
    await rest.get(_Messages, rest.account_url("/Messages"), {"PageSize": 1})
    return None


async def tested(rest: TwilioRest) -> ConnectionTest:
    """Test a login."""
    try:
        account = await prove(rest)
    except NotAnswered as problem:
        return ConnectionTest(_OUTCOMES.get(problem.trouble, Connection.INVALID_CREDENTIALS))
    if account is None:
        return ConnectionTest(Connection.API_KEY)
    return ConnectionTest(Connection.OK, account.friendly_name or account.sid)
