"""The keys of a stack and the account of its simulator: made at first start, kept with mode 0600."""

import secrets
from collections.abc import Mapping

from dev.embedded.postgres import PostgresServer
from dev.stack.faults import Misconfigured
from dev.stack.home import Home, read_json, write_json, write_private

DATABASE_USERS = ("router", "agent", "egress", "console")
"""The services that have a database login, each with a role of its own."""

KEYS = ("vault", "pepper", "thread-pepper", "console", *(f"db-{name}" for name in DATABASE_USERS))
_KEY_BYTES = 32
_SANDBOX_SENDER = "whatsapp:+14155238886"
"""Twilio's public number of the WhatsApp sandbox."""


def make_keys(home: Home) -> None:
    """Make the keys that are not there yet: 32 random bytes each, in hexadecimal."""
    for name in KEYS:
        file = home.keys / name
        if not file.exists():
            write_private(file, secrets.token_hex(_KEY_BYTES) + "\n")


def database_urls(home: Home, postgres: PostgresServer) -> dict[str, str]:
    """Return where each service finds the database, as whom; and the migrations, as its owner."""
    logins = {name: postgres.url_for(name, _password(home, name)) for name in DATABASE_USERS}
    return logins | {"migrations": postgres.url}


def let_in_services(home: Home, postgres: PostgresServer) -> None:
    """Make the services' logins: each may do what the migrations granted to its role, and no more."""
    for name in DATABASE_USERS:
        postgres.let_in(name, _password(home, name), f"trunkline_{name}")


def _password(home: Home, name: str) -> str:
    return (home.keys / f"db-{name}").read_text(encoding="utf-8").strip()


def platform_account(home: Home, environ: Mapping[str, str], webhook_url: str) -> dict[str, str]:
    """
    Return the TWILIO_* variables of the platform account: the caller's, else an account that exists only in the simulator.

    Raises:
        Misconfigured: a SID without its token, or the reverse.
    """
    token_names = ("TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_FILE")
    names = ("TWILIO_ACCOUNT_SID", *token_names, "TWILIO_DEFAULT_FROM", "TWILIO_WEBHOOK_URL")
    account = {name: environ[name] for name in names if environ.get(name)}
    has_token = any(name in account for name in token_names)
    if has_token != ("TWILIO_ACCOUNT_SID" in account):
        missing = "TWILIO_ACCOUNT_SID" if has_token else "TWILIO_AUTH_TOKEN"
        raise Misconfigured(missing, "required, since the other half of the account is set")
    if not has_token:
        account |= _made_account(home)
    return {"TWILIO_DEFAULT_FROM": _SANDBOX_SENDER, "TWILIO_WEBHOOK_URL": webhook_url} | account


def _made_account(home: Home) -> dict[str, str]:
    file = home.keys / "simulator-account.json"
    if not file.exists():
        made = {"TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16), "TWILIO_AUTH_TOKEN": secrets.token_hex(16)}
        write_json(file, made)
    return dict(read_json(file))
