"""The account itself, its subaccounts, and the change of its token."""

from datetime import UTC, datetime

from starlette.responses import JSONResponse, Response

from dev.simulator.accounts import Account, new_token
from dev.simulator.answers import Call, Operation, Refusal, page_of_2010
from dev.simulator.messages import API_VERSION
from dev.simulator.services import iso
from dev.simulator.world import World

_TOKENS = "/v1/AuthTokens"


class AccountResource:
    """
    The resource.

    The list of accounts and the tokens are not in the trimmed documents: their form is the SDK's.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def operations(self) -> list[Operation]:
        """Return what can be called."""
        return [
            Operation("GET", f"/{API_VERSION}/Accounts.json", "account.list", "account", self._list),
            Operation("GET", f"/{API_VERSION}/Accounts/{{account}}.json", "account.fetch", "account", self._fetch),
            Operation("POST", f"{_TOKENS}/Secondary", "token.create", "account", self._create),
            Operation("DELETE", f"{_TOKENS}/Secondary", "token.delete", "account", self._delete),
            Operation("POST", f"{_TOKENS}/Promote", "token.promote", "account", self._promote),
        ]

    async def _list(self, call: Call) -> Response:
        """List the account and its subaccounts."""
        every = self._world.accounts.by_sid.values()
        seen = [one for one in every if call.account.sid in {one.sid, one.owner_sid}]
        status = call.query.get("Status")
        return page_of_2010(call, "accounts", [it for it in seen if status in {None, it.status}], Account.record)

    async def _fetch(self, call: Call) -> Response:
        return JSONResponse(call.account.record())

    async def _create(self, call: Call) -> Response:
        call.account.secondary_token = new_token()
        told = {"secondary_auth_token": call.account.secondary_token}
        return JSONResponse(_token(call, "Secondary") | told, 201)

    async def _delete(self, call: Call) -> Response:
        call.account.secondary_token = None
        return Response(status_code=204)

    async def _promote(self, call: Call) -> Response:
        if not call.account.promote():
            raise Refusal(404, 20404, "There is no secondary token")
        return JSONResponse(_token(call, "Promote") | {"auth_token": call.account.auth_token})


def _token(call: Call, part: str) -> dict[str, str]:
    now = iso(datetime.now(UTC))
    url = f"https://accounts.twilio.com{_TOKENS}/{part}"
    return {"account_sid": call.account.sid, "date_created": now, "date_updated": now, "url": url}
