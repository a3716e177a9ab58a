"""The part of the simulator's own API that is about accounts: conditions, lines, keys and what signs webhooks."""

from typing import Annotated, Literal

from pydantic import Field

from dev.simulator.accounts import Account, Key, new_token
from dev.simulator.asking import Order
from dev.simulator.conditions import CONDITIONS, seed
from dev.simulator.lines import Hook
from dev.simulator.messages import new_sid
from dev.simulator.world import World

_ADDRESS = r"^(whatsapp:)?\+[1-9][0-9]{6,14}$"


class Seeding(Order):
    """What is asked of `/sim/conditions`."""

    name: str
    sender: Annotated[str, Field(pattern=_ADDRESS)] | None = None


class NewAccount(Order):
    """What is asked of `/sim/accounts`: an account, or a subaccount of `owner`, with a line."""

    friendly_name: Annotated[str, Field(min_length=1, max_length=64)]
    owner: str | None = None
    sender: Annotated[str, Field(pattern=_ADDRESS)] | None = None


class NewKey(Order):
    """What is asked of `/sim/keys`: a standard key, or with `permits` a restricted one."""

    account: str | None = None
    permits: list[Literal["messages", "senders", "numbers", "services", "content", "alerts"]] | None = None


class Signing(Order):
    """What is asked of `/sim/signing`: the shared key that signs webhooks from now on; without one, the primary token."""

    account: str | None = None
    shared_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")] | None = None
    secret: Annotated[str, Field(min_length=1)] | None = None


class UnknownAccount(ValueError):
    """There is no such account."""


def conditions() -> dict[str, str]:
    """Return every condition's name and meaning."""
    return {name: meaning for name, (meaning, _) in CONDITIONS.items()}


def seeded(world: World, asked: Seeding) -> dict[str, str]:
    """Seed a condition. Raises UnknownCondition."""
    return seed(world, asked.name, asked.sender)


def accounts(world: World) -> list[dict[str, object]]:
    """Return every account with its tokens and lines."""
    return [
        {
            "sid": one.sid,
            "friendly_name": one.friendly_name,
            "owner": one.owner_sid,
            "status": one.status,
            "auth_token": one.auth_token,
            "secondary_token": one.secondary_token,
            "signs_with": one.signs_with,
            "senders": [sender.sender_id for sender in one.senders.values()],
            "numbers": [number.phone_number for number in one.numbers.values()],
        }
        for one in world.accounts.by_sid.values()
    ]


def add_account(world: World, asked: NewAccount) -> dict[str, str]:
    """Make an account. Raises UnknownAccount."""
    owner = _account(world, asked.owner).sid if asked.owner else None
    made = world.accounts.add(Account(friendly_name=asked.friendly_name, owner_sid=owner))
    if asked.sender:
        made.add(asked.sender, Hook.at(world.settings.webhook_url))
    return {"account_sid": made.sid, "user": made.sid, "secret": made.auth_token}


def add_key(world: World, asked: NewKey) -> dict[str, str]:
    """Make an API key. Raises UnknownAccount."""
    account, sid = _account(world, asked.account), new_sid("SK")
    key = Key(new_token(), None if asked.permits is None else frozenset(asked.permits))
    account.keys[sid] = key
    return {"account_sid": account.sid, "user": sid, "secret": key.secret}


def sign_with(world: World, asked: Signing) -> dict[str, str | None]:
    """Choose what signs an account's webhooks; a shared key's secret is made unless it is given. Raises UnknownAccount."""
    account = _account(world, asked.account)
    account.signs_with = asked.shared_key
    if asked.shared_key is not None:
        known = account.shared_keys.get(asked.shared_key)
        account.shared_keys[asked.shared_key] = asked.secret or known or new_token()
    secret = account.shared_keys[asked.shared_key] if asked.shared_key else account.auth_token
    return {"shared_key": asked.shared_key, "secret": secret}


def _account(world: World, sid: str | None) -> Account:
    if sid is None:
        return world.accounts.first
    if sid not in world.accounts.by_sid:
        raise UnknownAccount("account: there is none with this sid")
    return world.accounts.by_sid[sid]
