"""
Conditions: what is wrong with an account, a line or Twilio itself, by a stable name.

Each is seeded on top of a line that is otherwise in order, and lasts until everything is mended.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dev.simulator.accounts import Account, Key, new_token
from dev.simulator.alerts import Alert
from dev.simulator.lines import Hook, Number, Sender
from dev.simulator.messages import new_sid
from dev.simulator.services import Service
from dev.simulator.world import World

SANDBOX = "whatsapp:+14155238886"
ELSEWHERE = "https://elsewhere.invalid/webhooks/twilio"
_OFFLINE = {
    "code": "63020",
    "message": "The business has not accepted Twilio's invitation at Meta.",
    "more_info": "https://www.twilio.com/docs/errors/63020",
}


class UnknownCondition(ValueError):
    """There is no such condition."""


@dataclass
class Case:
    """What a condition changes: a line, its account, and the login to try it with, which a condition may replace."""

    world: World
    account: Account
    address: str
    user: str
    secret: str

    @property
    def line(self) -> Sender | Number:
        """Return the line, which is made where it is missing."""
        hook = Hook.at(self.world.settings.webhook_url)
        return self.account.line(self.address) or self.account.add(self.address, hook)

    @property
    def sender(self) -> Sender:
        """Return the line, which must be a WhatsApp sender."""
        if not isinstance(self.line, Sender):
            raise UnknownCondition("this condition needs a WhatsApp sender")
        return self.line

    @property
    def number(self) -> Number:
        """Return the line, which must be a phone number."""
        if not isinstance(self.line, Number):
            raise UnknownCondition("this condition needs a phone number")
        return self.line

    def hook(self, **changes: str | None) -> None:
        """Change the line's webhooks."""
        self.line.hook = self.line.hook.but(**changes)

    def remove(self) -> None:
        """Take the line from the account."""
        line = self.line
        self.account.senders.pop(line.sid, None)
        self.account.numbers.pop(line.sid, None)

    def service(self, **details: Any) -> None:  # noqa: ANN401 - the service's own fields
        """Put the line into a Messaging Service."""
        service, line = Service("Support pool", **details), self.line
        pool: dict[str, Any] = service.senders if isinstance(line, Sender) else service.numbers
        pool[line.sid] = line
        self.account.services[service.sid] = service

    def key(self, key: Key) -> None:
        """Log in with an API key."""
        self.user, self.secret = new_sid("SK"), key.secret
        self.account.keys[self.user] = key

    def alert(self, code: int, http_status: int | None = None) -> None:
        """Let a webhook of ours have failed just now."""
        url = self.world.settings.webhook_url.partition("#")[0]
        self.account.alerts.append(Alert(code, url, http_status, new_sid("SM")))


def _status(status: str) -> Callable[[Case], None]:
    return lambda case: setattr(case.sender, "status", status)


def _trouble(name: Any) -> Callable[[Case], None]:  # noqa: ANN401 - one of world.Trouble
    return lambda case: setattr(case.world, "trouble", name)


def _account(**changes: str) -> Callable[[Case], None]:
    return lambda case: vars(case.account).update(changes)


def _alert(code: int, http_status: int | None = None) -> Callable[[Case], None]:
    return lambda case: case.alert(code, http_status)


def _hook(**changes: str | None) -> Callable[[Case], None]:
    return lambda case: case.hook(**changes)


def _wrong_token(case: Case) -> None:
    case.account.auth_token, case.account.secondary_token = new_token(), None


def _token_promoted(case: Case) -> None:
    case.account.secondary_token = new_token()
    case.account.promote()


def _sender_offline(case: Case) -> None:
    case.sender.status, case.sender.offline_reasons = "OFFLINE", [_OFFLINE]


def _sender_of_another_account(case: Case) -> None:
    case.remove()
    other = case.world.accounts.add(Account(friendly_name="Branch office", owner_sid=case.account.sid))
    hook = Hook.at(case.world.settings.webhook_url)
    other.add(case.address, hook)
    if case.address.startswith("whatsapp:"):
        other.add(case.address.removeprefix("whatsapp:"), hook)  # the number that the sender speaks for


def _sandbox(case: Case) -> None:
    case.address = SANDBOX
    case.remove()


def _without_overrides(case: Case) -> None:
    case.hook(callback_url=(case.line.hook.callback_url or "").partition("#")[0])


def _method(line: Sender | Number, method: str) -> None:
    line.hook = line.hook.but(callback_method=method)


def _update(case: Case, end: Any) -> None:  # noqa: ANN401 - one of Sender.updates
    case.hook(callback_url=ELSEWHERE)
    case.sender.updates = end


def _http(case: Case) -> None:
    url = case.line.hook.callback_url or ""
    case.hook(callback_url="http://" + url.partition("://")[2])


CONDITIONS: Mapping[str, tuple[str, Callable[[Case], None]]] = {
    "healthy": ("nothing is wrong", lambda case: case.hook()),
    "wrong_token": ("the auth token is not the account's", _wrong_token),
    "token_promoted": ("the secondary token was promoted: the old one is invalid", _token_promoted),
    "account_suspended": ("the account is suspended", _account(status="suspended")),
    "account_closed": ("the account is closed", _account(status="closed")),
    "trial_account": ("the account is a trial", _account(type="Trial")),
    "api_key_only": ("log in with a standard API key", lambda case: case.key(Key(new_token()))),
    "restricted_key": (
        "log in with a key that may only send",
        lambda case: case.key(Key(new_token(), frozenset({"messages"}))),
    ),
    "sender_missing": ("the account has no such sender or number", Case.remove),
    "sender_offline": ("the sender is offline, with its reasons", _sender_offline),
    "sender_pending_verification": ("the sender's number is not verified", _status("PENDING_VERIFICATION")),
    "sender_in_review": ("Twilio reviews the sender", _status("TWILIO_REVIEW")),
    "sender_of_another_account": ("a subaccount has the sender", _sender_of_another_account),
    "sandbox_number_in_production": ("the line is Twilio's sandbox", _sandbox),
    "quality_low": ("Meta rates the sender low", lambda case: setattr(case.sender, "quality", "LOW")),
    "webhook_missing": ("the webhook is not set", _hook(callback_url=None, fallback_url=None)),
    "webhook_elsewhere": ("the webhook is somebody else's", _hook(callback_url=ELSEWHERE)),
    "webhook_method_put": ("the sender's webhook is called with PUT", lambda case: _method(case.sender, "PUT")),
    "webhook_method_get": ("the number's webhook is called with GET", lambda case: _method(case.number, "GET")),
    "webhook_without_overrides": ("the webhook lacks its #rc=… fragment", _without_overrides),
    "webhook_http_not_https": ("the webhook is not encrypted", _http),
    "fallback_missing": ("no fallback is set", _hook(fallback_url=None)),
    "fallback_elsewhere": ("the fallback is somebody else's", _hook(fallback_url=ELSEWHERE)),
    "status_callback_missing": ("no status callback is set", _hook(status_callback_url=None)),
    "status_callback_elsewhere": ("status callbacks go elsewhere", _hook(status_callback_url=ELSEWHERE)),
    "messaging_service_overrides_inbound": (
        "a Messaging Service takes what people write",
        lambda case: case.service(inbound_request_url=ELSEWHERE),
    ),
    "messaging_service_drops_inbound": ("a Messaging Service drops what people write", lambda case: case.service()),
    "messaging_service_defers": (
        "a Messaging Service leaves it to the sender; nothing is wrong",
        lambda case: case.service(inbound_request_url=ELSEWHERE, use_inbound_webhook_on_number=True),
    ),
    "sms_application_overrides": (
        "an application overrides the number's addresses",
        lambda case: setattr(case.number, "application_sid", new_sid("AP")),
    ),
    "number_lacks_sms": ("the number cannot do SMS", lambda case: setattr(case.number, "has_sms", False)),
    "alerts_recent_11200": ("webhooks were answered 502", _alert(11200, 502)),
    "alerts_recent_403": ("webhooks were answered 403, as a bad signature is", _alert(11200, 403)),
    "alerts_recent_11205": ("webhooks could not be delivered", _alert(11205)),
    "alerts_recent_12300": ("webhooks were answered with a wrong content type", _alert(12300, 200)),
    "alerts_recent_14107": ("replies ran in a circle", _alert(14107)),
    "update_never_settles": (
        "the webhook is somebody else's, and an update stays ONLINE:UPDATING",
        lambda case: _update(case, "stick"),
    ),
    "update_refused": (
        "the webhook is somebody else's, and an update is refused",
        lambda case: _update(case, "refuse"),
    ),
    "template_rejected": (
        "WhatsApp rejects templates",
        lambda case: setattr(case.world, "templates_end", "rejected"),
    ),
    "clock_skew": ("Twilio's clock is ten minutes ahead", lambda case: setattr(case.world, "clock_skew", 600.0)),
    "rate_limited": ("Twilio answers 429", _trouble("rate_limited")),
    "server_error": ("Twilio answers 500", _trouble("server_error")),
    "network_down": ("Twilio breaks the connection", _trouble("network_down")),
    "network_hang": ("Twilio never answers", _trouble("network_hang")),
}
"""Every condition: what it means, and what it does."""


def seed(world: World, name: str, address: str | None = None) -> dict[str, str]:
    """
    Seed a condition on the first account's line, the settings' own unless `address` names one, which is made if needed.

    Return what to try it with: `account_sid`, `user` (the account's sid, or a key's), `secret`, `sender`.

    Raises:
        UnknownCondition: there is none of this name, or it cannot strike this kind of line.
    """
    if name not in CONDITIONS:
        raise UnknownCondition(f"condition is none of: {', '.join(CONDITIONS)}")
    account = world.accounts.first
    token = account.auth_token
    case = Case(world, account, address or world.settings.sender, account.sid, token)
    case.hook()
    CONDITIONS[name][1](case)
    world.seeded.append(name)
    world.news.tell()
    return {"account_sid": account.sid, "user": case.user, "secret": case.secret, "sender": case.address}
