"""Where a tenant has its contact forms sent: to a webhook or by mail. Definitions, and what goes out for a form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

import orjson

from shared.actions import Unfit
from shared.outbound import Allowed, Refused, parse
from shared.outbound.guard import may_be_sent
from shared.outbound.mailbox import MailServer, check_server
from shared.store.sealed import FORM_SECRETS
from shared.vault import Vault

MAILBOX = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9-]{1,63})+"
)
PASSWORD = "password"  # noqa: S105 - the name of one
_OURS = frozenset({"accept", "content-type", "idempotency-key"})


@dataclass(frozen=True)
class Form:
    """A form that a visitor left. `fields`: name, message and email."""

    id: str
    tenant: str
    conversation: str
    fields: Mapping[str, str]
    created_at: datetime


def check_delivery(kind: str, options: Mapping[str, Any], secrets: Mapping[str, str], allowed: Allowed) -> None:
    """Raise Unfit for a delivery that could do harm, or cannot work."""
    try:
        if kind == "email":
            check_server(mail_server(options), allowed)
        else:
            parse(options["url"], allowed)
    except Refused as refused:
        raise Unfit(refused.failure.words) from None
    if kind == "email" and not all(MAILBOX.fullmatch(options[name]) for name in ("sender", "recipient")):
        raise Unfit("sender and recipient are mail addresses.")
    if kind == "webhook" and not all(
        may_be_sent(name, value) and name.lower() not in _OURS for name, value in secrets.items()
    ):
        raise Unfit("A header may not be sent, or not with this value.")


def mail_server(options: Mapping[str, Any]) -> MailServer:
    """Return the mail server of a delivery by mail."""
    return MailServer(options["host"], options["port"], options["security"], options["username"])


def as_json(form: Form) -> bytes:
    """Return a form as a webhook gets it."""
    told = {"id": form.id, "tenant": form.tenant, "conversation": form.conversation, "created_at": form.created_at}
    return orjson.dumps({**told, "form": dict(form.fields)})


def as_mail(form: Form, options: Mapping[str, Any]) -> EmailMessage:
    """Return a form as a mail. What the visitor wrote is in its body; an answer goes to them where they gave an address."""
    mail = EmailMessage()
    mail["From"], mail["To"] = options["sender"], options["recipient"]
    mail["Subject"] = "A message from your contact form"
    mail["Date"] = format_datetime(form.created_at)
    mail["Message-ID"] = f"<{form.id}@{options['sender'].rpartition('@')[2]}>"
    if MAILBOX.fullmatch(form.fields.get("email", "")):
        mail["Reply-To"] = form.fields["email"]
    lines = [f"{name.capitalize()}: {form.fields[name]}" for name in ("name", "email") if form.fields.get(name)]
    mail.set_content("\n".join([*lines, "", form.fields.get("message", "")]))
    return mail


def seal_delivery(vault: Vault, tenant: str, delivery: str, secrets: Mapping[str, str]) -> bytes | None:
    """Seal a delivery's secrets for its row."""
    return vault.seal(orjson.dumps(dict(secrets)), FORM_SECRETS.at(tenant, delivery)) if secrets else None


def open_delivery(vault: Vault, tenant: str, delivery: str, sealed: bytes | None) -> dict[str, str]:
    """Undo `seal_delivery`. Raises as the vault does."""
    return dict(orjson.loads(vault.open(sealed, FORM_SECRETS.at(tenant, delivery)))) if sealed else {}
