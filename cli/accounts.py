"""Commands about accounts: what takes a secret in."""

from cli.api import ask
from cli.asking import confirm, secret
from cli.outcome import note
from cli.records import given, make, show_record, versioned
from cli.times import in_future

_TOKEN_FILE = "--token-file"  # noqa: S105 - an option's name


def add(account_sid: str, name: str | None, token_file: str | None, tenant: str | None) -> None:
    """Take an account in."""
    token = secret(token_file, "Auth token", _TOKEN_FILE)
    make("accounts", {"account_sid": account_sid, "name": name, "auth_token": token, "tenant": tenant})


def rotate(account: str, token_file: str | None, keep_old_for: int | None) -> None:
    """Replace the auth token."""
    told = given({"auth_token": secret(token_file, "New auth token", _TOKEN_FILE), "keep_old_for": keep_old_for})
    show_record(versioned("PATCH", f"accounts/{account}", told, read=f"accounts get {account}"))
    if keep_old_for != 0:
        note(f"The token before still signs for a while: trunkline accounts secrets list {account}")


def add_secret(account: str, token_file: str | None, shared_key: str | None, until: str | None) -> None:
    """Let a further secret sign."""
    kind = "auth_token" if shared_key is None else "shared_key"
    told = {"kind": kind, "key_id": shared_key, "not_after": in_future(until, "--until")}
    make(f"accounts/{account}/signing-secrets", {**told, "secret": secret(token_file, "Secret", _TOKEN_FILE)})
    note("It counts within a second.")


def remove_secret(account: str, which: str, *, sure: bool) -> None:
    """Let a secret sign no more."""
    confirm("What is still signed with it will be refused.", sure=sure)
    ask("DELETE", f"accounts/{account}/signing-secrets/{which}")
    note("Removed.")
