"""What the integration page does: a line's login at its provider is tested and stored (product-ux.md, section 3.1)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from services.console.accounts import Accounts
from services.console.api.accounts import AccountChange, NewAccount
from services.console.api.line_setup import PROVIDER, TypedCredentials
from services.console.api.lines import LineChange, NewLine
from services.console.lines import Lines
from services.console.pages.forms import Wrong, filled, text, version
from services.console.pages.navigation import _
from services.console.pages.view import View
from services.console.records import Unknown
from services.console.scan import existing
from shared.addresses import whatsapp
from shared.channels.line_setup import Connection, ConnectionTest, Finding
from shared.channels.ports import Credentials
from shared.ids import Address, TenantId
from shared.store.session import Store

_LIMIT = 10.0
"""Seconds that a test and its checks may take together."""

_WORKS = frozenset({Connection.OK, Connection.API_KEY})
TOLD: Mapping[Connection, str] = {
    Connection.OK: _("Connected to “%(name)s”."),
    Connection.INVALID_CREDENTIALS: _("Invalid credentials. Check Account SID and Auth Token."),
    Connection.API_KEY: _("Credentials can send. Reading the account name needs the Auth Token."),
    Connection.UNREACHABLE: _("Twilio could not be reached. Nothing was changed."),
    Connection.RATE_LIMITED: _("Tested too often. Try again in 30 s."),
}
CHECKS: Mapping[str, str] = {
    "account_active": _("Account active"),
    "sender_online": _("Sender online"),
    "webhook_here": _("Webhook points here"),
    "fallback_here": _("Fallback points here"),
    "status_callback_here": _("Delivery reports come here"),
    "no_recent_alerts": _("No failed webhooks in the last hour"),
}
"""Checks that are in order, in the viewer's language. Others say it in the words of the check."""


@dataclass(frozen=True)
class Tested:
    """How a test of the login ended, and what was looked at then."""

    outcome: Connection
    text: str
    findings: Sequence[Finding] = ()

    @property
    def works(self) -> bool:
        """Tell whether messages can be sent with this login."""
        return self.outcome in _WORKS


@dataclass(frozen=True)
class Place:
    """What a page of this kind is about. `line`, `account`: None while there is none."""

    tenant: TenantId
    line: DictRow | None = None
    account: DictRow | None = None

    @property
    def path(self) -> str:
        """Return the page's address."""
        return f"/channels/{self.line['id']}/integration" if self.line else "/channels/new"


@dataclass(frozen=True)
class Integration:
    """The collaborators."""

    store: Store
    lines: Lines
    accounts: Accounts

    async def place(self, view: View, line: str) -> Place:
        """Return a line and its account; a company does not see one that is the platform's. Raises Unknown."""
        row = await self.lines.records.get(view.who, line)
        try:
            account = await self.accounts.records.get(view.who, row["account"])
        except Unknown:
            account = None
        return Place(TenantId(row["tenant"]), row, account)

    async def new_place(self, view: View) -> Place:
        """Return where a line is made: the company that is named."""
        named = view.request.query_params.get("tenant") or text(view, "tenant", 64) or None
        return Place(await existing(self.store, view.who, view.company(named)))

    async def test(self, view: View, place: Place) -> Tested:
        """Test what was typed, or where nothing was, what is stored. Raises Wrong; Unknown for an account that is another's."""
        if place.line is not None and place.account is None:
            raise Unknown
        try:
            async with asyncio.timeout(_LIMIT):
                return await self._test(view, place)
        except TimeoutError:
            return self._told(view, ConnectionTest(Connection.UNREACHABLE))

    async def _test(self, view: View, place: Place) -> Tested:
        login = await self._login(view, place)
        test = await self.lines.try_out(PROVIDER, login)
        if test.outcome not in _WORKS:
            return self._told(view, test)
        return self._told(view, test, await self.lines.look(PROVIDER, login, Address(whatsapp(text(view, "sender")))))

    async def _login(self, view: View, place: Place) -> Credentials:
        """Return the login that is meant. What is stored goes with its own Account SID alone."""
        typed = [name for name in ("auth_token", "api_key_sid", "api_key_secret") if text(view, name).strip()]
        if "api_key_sid" in typed and "api_key_secret" in typed:
            return filled(view, TypedCredentials, auth_token=None).opened()
        if "auth_token" in typed or place.line is None or place.account is None:
            if not typed:
                raise Wrong({"auth_token": view.text(_("Fill this in."))})
            return filled(view, TypedCredentials).opened()
        if text(view, "account_sid").strip() != place.account["account_sid"]:
            raise Wrong({"auth_token": view.text(_("Another account needs its own Auth Token."))})
        return await self.accounts.credentials_of_line(place.line["id"])

    async def save(self, view: View, place: Place, *, enabled: bool) -> DictRow:
        """Store the login and the line; an admin of a company does not enable it. Raises Wrong, Taken, Stale."""
        if place.line is None:
            new = filled(view, NewLine, tenant=place.tenant, account=_ANY, enabled=enabled)
            account = await self._account(view, place)
            values = new.model_dump(exclude={"tenant"}) | CHANNEL | {"account": account["id"]}
            return await self.lines.make(view.who, place.tenant, values)
        change = filled(view, LineChange, account=_ANY, agent=place.line["agent"])
        account = await self._account(view, place)
        if not view.who.is_platform:
            return place.line
        values = {"account": account["id"], "sender": change.sender, "enabled": enabled}
        return await self.lines.change(view.who, place.line["id"], version(view), values)

    async def _account(self, view: View, place: Place) -> DictRow:
        wanted = filled(view, NewAccount, tenant=place.tenant, auth_token=text(view, "auth_token") or "-", **_key(view))
        found = await self.accounts.records.list(view.who, None, 1, tenant=place.tenant, account_sid=wanted.account_sid)
        secrets = _secrets(view)
        if not found:
            if "token" not in secrets:
                raise Wrong({"auth_token": view.text(_("Fill this in."))})
            return await self.accounts.make(view.who, place.tenant, wanted.account_sid, "Twilio", secrets)
        if not secrets:
            return found[0]
        keep_old = AccountChange.model_fields["keep_old_for"].default
        return await self.accounts.change(
            view.who, found[0]["id"], found[0]["version"], name=None, secrets=secrets, keep_old=keep_old
        )

    def _told(self, view: View, test: ConnectionTest, findings: Sequence[Finding] = ()) -> Tested:
        return Tested(test.outcome, view.text(TOLD[test.outcome], name=test.friendly_name), findings)


CHANNEL = {"channel": "whatsapp", "provider": "twilio"}
_ANY = "cr_0"
"""Stands for the account while the rest of a form is checked: nothing is stored before all of it is right."""


def _key(view: View) -> dict[str, Any]:
    sid, secret = text(view, "api_key_sid").strip(), text(view, "api_key_secret").strip()
    return {"api_key": {"sid": sid, "secret": secret}} if sid or secret else {}


def _secrets(view: View) -> dict[str, str]:
    token, key = text(view, "auth_token", 200).strip(), _key(view)
    found = {"token": token} if token else {}
    return found | ({"key_sid": key["api_key"]["sid"], "key": key["api_key"]["secret"]} if key else {})
