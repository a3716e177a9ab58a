"""Commands about keys of the API."""

from cli.api import ask
from cli.asking import confirm
from cli.outcome import is_table, note, say, say_json
from cli.records import given
from cli.times import in_future


def create(name: str, scopes: list[str], expires: str | None, tenant: str | None) -> None:
    """Make a key and print it: alone for a person, for whom the rest is a note."""
    told = {"name": name, "scopes": scopes, "expires_at": in_future(expires, "--expires"), "tenant": tenant}
    made = ask("POST", "api-keys", given(told))
    if not is_table():
        say_json(made)
        return
    say(made["token"])
    note(f"Key {made['id']} of {made['tenant'] or 'the platform'}. It is shown this once: keep it now.")


def revoke(key: str, *, sure: bool) -> None:
    """Let a key open nothing more."""
    confirm("Whoever uses this key is shut out at once.", sure=sure)
    ask("DELETE", f"api-keys/{key}")
    note("Revoked.")
