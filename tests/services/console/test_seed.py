"""The platform's first rows, from the environment."""

from typing import Any

from services.console.seed import Seed
from services.console.settings import ConsoleSettings
from shared.store.session import Store
from shared.vault import Vault, place
from tests.services.console.conftest import ACCOUNT, TOKEN, MakeSettings

TABLES = ("tenant", "app_user", "agent", "credential", "line")


async def rows(store: Store, query: str, *values: Any) -> list[dict[str, Any]]:
    async with store.connection() as connection:
        return await (await connection.execute(query, values)).fetchall()


async def everything(store: Store) -> list[list[dict[str, Any]]]:
    """Return all that was seeded, but for the ciphertext, which is never the same twice."""
    tables = [await rows(store, f"select * from {table} order by id") for table in TABLES]
    return [[{name: row[name] for name in row if name != "sealed_secret"} for row in table] for table in tables]


async def token(store: Store, vault: Vault) -> str:
    [row] = await rows(store, "select id, tenant_id, sealed_secret from credential")
    return vault.open(row["sealed_secret"], place(row["tenant_id"], "credential", row["id"])).decode()


async def test_the_seed_makes_one_of_each(seeded: ConsoleSettings, store: Store) -> None:
    """
    A tenant with a user, an agent, an account and a line: enough for the first message.
    """
    assert [len(table) for table in await everything(store)] == [1, 1, 1, 1, 1]


async def test_twilios_variables_make_the_account_and_the_line(
    seeded: ConsoleSettings, store: Store, vault: Vault
) -> None:
    """
    TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, sealed at its place, and TWILIO_DEFAULT_FROM, here Twilio's sandbox.
    """
    [account] = await rows(store, "select account_sid from credential")
    [line] = await rows(store, "select sender, channel, provider, enabled, access from line")
    assert account["account_sid"] == ACCOUNT
    assert await token(store, vault) == TOKEN
    assert line == {
        "sender": "whatsapp:+14155238886",
        "channel": "whatsapp",
        "provider": "twilio",
        "enabled": True,
        "access": "open",
    }


async def test_the_token_is_not_stored_in_the_open(seeded: ConsoleSettings, store: Store) -> None:
    """
    Who reads the table cannot send.
    """
    [row] = await rows(store, "select sealed_secret from credential")
    assert TOKEN.encode() not in bytes(row["sealed_secret"])


async def test_the_lines_number_may_be_written_without_its_scheme(
    configured: MakeSettings, store: Store, vault: Vault, console_store: Store
) -> None:
    """
    And with the spaces that people write.
    """
    await Seed(console_store, vault).plant(configured({"TWILIO_DEFAULT_FROM": "+49 30 123456"}))
    assert await rows(store, "select sender from line") == [{"sender": "whatsapp:+4930123456"}]


async def test_the_lines_access_is_set_by_its_variable(
    configured: MakeSettings, store: Store, vault: Vault, console_store: Store
) -> None:
    """
    TRUNKLINE_DEFAULT_LINE_ACCESS: open or paired.
    """
    await Seed(console_store, vault).plant(configured({"TRUNKLINE_DEFAULT_LINE_ACCESS": "paired"}))
    assert await rows(store, "select access from line") == [{"access": "paired"}]


async def test_seeding_twice_changes_nothing(
    seeded: ConsoleSettings, configured: MakeSettings, store: Store, vault: Vault, console_store: Store
) -> None:
    """
    Each start of the console does it.
    """
    before = await everything(store)
    await Seed(console_store, vault).plant(configured())
    assert await everything(store) == before
    assert await token(store, vault) == TOKEN


async def test_changed_variables_reach_the_rows(
    seeded: ConsoleSettings, configured: MakeSettings, store: Store, vault: Vault, console_store: Store
) -> None:
    """
    A new token, another account or number: the rows follow, none is added.
    """
    changed = {
        "TWILIO_ACCOUNT_SID": "AC" + "2" * 32,
        "TWILIO_AUTH_TOKEN": "another",
        "TWILIO_DEFAULT_FROM": "+4930123456",
    }
    await Seed(console_store, vault).plant(configured(changed))
    assert await token(store, vault) == "another"
    assert await rows(
        store, "select account_sid, sender from line join credential on credential_id = credential.id"
    ) == [{"account_sid": "AC" + "2" * 32, "sender": "whatsapp:+4930123456"}]


async def test_what_somebody_changed_by_hand_is_kept(
    seeded: ConsoleSettings, configured: MakeSettings, store: Store, vault: Vault, console_store: Store
) -> None:
    """
    The environment does not describe names, instructions, and whether the line is switched off.
    """
    await rows(store, "update tenant set name = 'Ours' returning 1")
    await rows(store, "update agent set instructions = 'Be brief.', memory = 9 returning 1")
    await rows(store, "update line set enabled = false returning 1")
    before = await everything(store)
    await Seed(console_store, vault).plant(configured())
    assert await everything(store) == before


async def test_other_tenants_are_left_alone(
    seeded: ConsoleSettings, configured: MakeSettings, store: Store, vault: Vault, console_store: Store
) -> None:
    """
    The seed writes its own rows only.
    """
    await rows(store, "insert into tenant (id, name) values ('tn_other', 'Other') returning 1")
    await Seed(console_store, vault).plant(configured())
    assert await rows(store, "select name from tenant where id = 'tn_other'") == [{"name": "Other"}]
