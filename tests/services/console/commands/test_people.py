"""Commands about people, what was said, and who may ask."""

import asyncio
import csv
import io
import json
import signal
import sys
from pathlib import Path

import pytest

from shared.addresses import Pepper
from shared.ids import TenantId
from shared.store.session import Store
from shared.vault import Vault
from tests.services.console.api.past import NUMBER, Past
from tests.services.console.commands.conftest import CommandLine

ROOT = Path(__file__).parents[4]


@pytest.fixture
async def past(trunkline: CommandLine, store: Store, vault: Vault, pepper: Pepper) -> Past:
    """What happened to a company beside the first one: two tenants, so that it has to be named."""
    async with store.connection() as connection:
        await connection.execute("insert into tenant (id, name) values ('tn_one', 'One')")
    planted = await Past(store, vault, pepper, TenantId("tn_one")).plant()
    await planted.settings(history=True, privacy="encrypted")
    return planted


async def test_messages_are_listed_by_company_person_and_state(trunkline: CommandLine, past: Past) -> None:
    """
    A number goes in no URL; a company has to be named where there are several.
    """
    words = ("messages", "list", "--tenant", "tn_one")
    assert len((await trunkline.told(*words))["items"]) == 4
    found = (await trunkline.told(*words, "--number", NUMBER, "--status", "delivered"))["items"]
    assert [(it["direction"], it["text"]) for it in found] == [("outbound", "Hi *Ada*")]
    assert (await trunkline.told(*words, "--number", "+393339999999"))["items"] == []
    assert (await trunkline.told(*words, "--since", "10m"))["items"] == []
    assert (await trunkline.run("messages", "list")).returncode == 2


async def test_a_message_is_shown_with_what_happened_to_it(trunkline: CommandLine, past: Past) -> None:
    """
    Step by step, for a person as a table below its facts.
    """
    found = await trunkline.told("messages", "get", "msg_one1")
    assert [step["step"] for step in found["timeline"]][:3] == ["received", "routed", "turn"]
    table = (await trunkline.run("messages", "get", "msg_one1", "-o", "table")).stdout
    assert "provider_sid" in table
    assert [line.split()[2] for line in table.splitlines() if "routed" in line] == ["routed"]


def _heed_interrupts() -> None:
    """Undo that the tests themselves may run in the background of a shell, where Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def test_messages_are_followed_until_interrupted(trunkline: CommandLine, past: Past) -> None:
    """
    The last ones first, then each as it comes, also one that is older than what was shown; Ctrl-C ends with status 130.
    """
    words = ("messages", "tail", "--tenant", "tn_one", "-n", "1", "-o", "json")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        *words,
        cwd=ROOT,
        env=trunkline.environment,
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=_heed_interrupts,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        newest = json.loads(await process.stdout.readline())
        assert newest["direction"] == "outbound"
        await past.message("msg_onelate", "late", 0)
        assert json.loads(await process.stdout.readline())["id"] == "msg_onelate"
        process.send_signal(signal.SIGINT)
        assert await process.stdout.read() == b""
        assert await process.wait() == 130


async def test_a_conversation_is_read_from_its_beginning(trunkline: CommandLine, past: Past) -> None:
    """
    Both sides, the oldest first; texts only where the company keeps a history.
    """
    listed = (await trunkline.told("conversations", "list", "--tenant", "tn_one", "--state", "open"))["items"]
    assert [it["id"] for it in listed] == ["cv_one"]
    shown = (await trunkline.run("conversations", "show", "cv_one", "-o", "table")).stdout
    assert shown.index("< hello") < shown.index("> Hi **Ada**")
    await past.settings(history=False)
    hidden = (await trunkline.run("conversations", "show", "cv_one", "-o", "table")).stdout
    assert "hello" not in hidden
    assert "keeps no history" in hidden


async def test_leads_are_a_table_for_a_spreadsheet(trunkline: CommandLine, past: Past) -> None:
    """
    CSV as it is, and nothing else on stdout.
    """
    done = await trunkline.run("leads", "list", "--csv", "--tenant", "tn_one")
    [lead] = csv.DictReader(io.StringIO(done.stdout))
    assert (lead["name"], lead["agent"]) == ("Ada", "ag_one")
    listed = (await trunkline.told("leads", "list", "--tenant", "tn_one", "--agent", "ag_one"))["items"]
    assert [it["id"] for it in listed] == [lead["lead"]]


async def test_a_pairing_is_ended_with_a_reason(trunkline: CommandLine, past: Past) -> None:
    """
    Asked first; afterwards there is none.
    """
    await past.pair()
    [binding] = (await trunkline.told("bindings", "list", "--tenant", "tn_one"))["items"]
    unbind = ("bindings", "unbind", binding["id"], "--reason", "lost phone")
    assert (await trunkline.run(*unbind)).returncode == 2
    assert await trunkline.told(*unbind, "--yes") == {"goodbye": False}
    assert (await trunkline.told("bindings", "list", "--tenant", "tn_one"))["items"] == []


async def test_users_are_added_changed_and_shut_out(trunkline: CommandLine) -> None:
    """
    Who is shut out gets no pairing code any more.
    """
    made = await trunkline.told("users", "create", "Anna@example.com", "--name", "Anna", "--role", "COMPANY_ADMIN")
    assert (made["email"], made["role"], made["tenant"]) == ("anna@example.com", "COMPANY_ADMIN", "tn_default")
    assert (await trunkline.run("users", "pair-code", "--user", "anna@example.com")).returncode == 0
    assert (await trunkline.told("users", "set", made["id"], "--disable"))["disabled"] is True
    assert (await trunkline.run("users", "pair-code", "--user", "anna@example.com")).returncode == 4
    assert len((await trunkline.told("users", "list"))["items"]) == 2


async def test_a_key_opens_what_it_was_made_for_until_it_is_revoked(trunkline: CommandLine) -> None:
    """
    It is printed alone, so that a file or a variable can take it.
    """
    done = await trunkline.run(
        "keys",
        "create",
        "reports",
        "--scope",
        "agents:read",
        "--expires",
        "1d",
        "--tenant",
        "tn_default",
        "-o",
        "table",
    )
    key = done.stdout.strip()
    assert key.startswith("tlk_")
    assert (await trunkline.run("agents", "list", TRUNKLINE_API_KEY=key)).returncode == 0
    assert (await trunkline.run("tenants", "list", TRUNKLINE_API_KEY=key)).returncode == 3
    [listed] = (await trunkline.told("keys", "list"))["items"]
    assert key not in str(listed)
    assert (await trunkline.run("keys", "revoke", listed["id"], "--yes")).returncode == 0
    assert (await trunkline.run("agents", "list", TRUNKLINE_API_KEY=key)).returncode == 3


async def test_the_audit_log_tells_who_did_what(trunkline: CommandLine) -> None:
    """
    What the commands before did is in it, and can be asked for.
    """
    await trunkline.told("agents", "set", "ag_default", "--memory", "7")
    [deed] = (await trunkline.told("audit", "list", "--object", "ag_default"))["items"]
    assert (deed["actor"], deed["action"], deed["after"]) == ("key/console", "agent.changed", {"memory": 7})
    assert (await trunkline.told("audit", "list", "--action", "line.changed"))["items"] == []
