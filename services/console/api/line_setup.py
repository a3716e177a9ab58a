"""What is set up for lines at their provider: tests of a login, checks, provisionings (product-ux.md, section 3.1)."""

from collections.abc import Sequence
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field, SecretStr, model_validator

from services.console.api.accounts import AccountSid, KeySid
from services.console.api.fields import Body, id_in_path
from services.console.api.problems import Faults
from services.console.api.routes import Asking, Route, may
from services.console.lines import Lines, NothingToUndo
from shared.channels.line_setup import Connection, ConnectionTest, Finding, Provisioned, Provisioning, Severity
from shared.channels.ports import Credentials
from shared.ids import AccountSid as Sid

FAULTS: Faults = {NothingToUndo: (409, "nothing_to_undo", "Nothing was changed at the provider for this line.")}

_TOLD = {
    Connection.OK: "Connected to “{name}”.",
    Connection.INVALID_CREDENTIALS: "Invalid credentials. Check Account SID and Auth Token.",
    Connection.API_KEY: "Credentials can send. Reading the account name needs the Auth Token.",
    Connection.UNREACHABLE: "Twilio could not be reached. Nothing was changed.",
    Connection.RATE_LIMITED: "Tested too often. Try again in 30 s.",
}
PROVIDER = "twilio/whatsapp"


Id = Annotated[str, id_in_path("ln")]


class TypedCredentials(Body):
    """A login to be tested, that is stored nowhere: an auth token, or an API key's secret with its SID."""

    account_sid: AccountSid
    auth_token: Annotated[SecretStr, Field(min_length=1, max_length=200)] | None = None
    api_key_sid: KeySid | None = None
    api_key_secret: Annotated[SecretStr, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _is_one_login(self) -> Self:
        key = self.api_key_sid is not None and self.api_key_secret is not None
        half = (self.api_key_sid is None) != (self.api_key_secret is None)
        if half or key == (self.auth_token is not None):
            raise ValueError("give an auth token, or an API key's SID and secret")
        return self

    def opened(self) -> Credentials:
        """Return it as the provider's port takes it."""
        secret = self.auth_token or self.api_key_secret
        assert secret is not None, "one of them was given"  # noqa: S101
        return Credentials(Sid(self.account_sid), secret.get_secret_value().strip(), key_sid=self.api_key_sid or "")


class ConnectionTested(BaseModel):
    """How a test ended, in a word for programs and a sentence for people."""

    outcome: Connection
    text: str
    friendly_name: str | None


class Found(BaseModel):
    """One thing that was looked at. `fixable`: a provisioning mends it."""

    code: str
    severity: Severity
    text: str
    remedy: str
    fixable: bool


class Checked(BaseModel):
    """All that was looked at. `good`: nothing is wrong."""

    good: bool
    findings: list[Found]


class ProvisioningDone(BaseModel):
    """How it ended. `code`: the provider's error, where it refused."""

    outcome: Provisioned
    code: int | None


def line_setup(found: Lines) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["lines"], route_class=Route)

    @router.post("/connection-tests", **may("lines:write"))
    async def test_typed_connection(wanted: TypedCredentials) -> ConnectionTested:
        return _tested(await found.try_out(PROVIDER, wanted.opened()))

    @router.post("/lines/{line}/connection-tests", **may("lines:write"))
    async def test_connection(who: Asking, line: Id) -> ConnectionTested:
        return _tested(await found.test(who, line))

    @router.post("/lines/{line}/checks", **may("lines:read"))
    async def check_line(who: Asking, line: Id) -> Checked:
        return _checked(await found.check(who, line))

    @router.post("/lines/{line}/probes", **may("lines:read"))
    async def probe_line(who: Asking, line: Id) -> Checked:
        return _checked(await found.probe(who, line))

    @router.post("/lines/{line}/provisionings", status_code=201, **may("lines:write", platform=True))
    async def provision_line(who: Asking, line: Id) -> ProvisioningDone:
        return _done(await found.provision(who, line))

    @router.delete("/lines/{line}/provisionings/last", **may("lines:write", platform=True))
    async def undo_provisioning(who: Asking, line: Id) -> ProvisioningDone:
        return _done(await found.undo(who, line))

    return router


def _tested(test: ConnectionTest) -> ConnectionTested:
    text = _TOLD[test.outcome].format(name=test.friendly_name)
    return ConnectionTested(outcome=test.outcome, text=text, friendly_name=test.friendly_name)


def _checked(findings: Sequence[Finding]) -> Checked:
    found = [Found(**vars(finding)) for finding in findings]
    return Checked(good=all(it.severity is Severity.OK for it in found), findings=found)


def _done(done: Provisioning) -> ProvisioningDone:
    return ProvisioningDone(outcome=done.outcome, code=done.code)
