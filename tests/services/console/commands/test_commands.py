"""Nouns and verbs over the API: what is printed, what is asked, and how each ends."""

import hashlib
import json
from pathlib import Path

import pytest

from dev.simulator.testing import AUTH_TOKEN
from services.console.access import digest, new_key
from shared.store.session import Store
from tests.conformance.provider import answer, providing
from tests.services.console.commands.conftest import CommandLine

NEW = "0123456789abcdef0123456789abcdef"


async def test_a_company_is_set_up_from_nothing(trunkline: CommandLine, tmp_path: Path) -> None:
    """
    Tenant, agent, account and line, each by what the one before printed; what was set is shown.
    """
    (tmp_path / "instructions.txt").write_text("Be kind.\n")
    tenant = (await trunkline.told("tenants", "create", "Blue Hotel", "--privacy", "encrypted"))["id"]
    agent = await trunkline.told(
        "agents", "add", "Concierge", "--instructions-file", str(tmp_path / "instructions.txt"), "--tenant", tenant
    )
    account = await trunkline.told(
        "accounts", "add", "AC" + "8" * 32, "--token-file", "-", "--tenant", tenant, given=NEW + "\n"
    )
    line = await trunkline.told(
        "lines", "add", "+1 415 555 0100", "--account", account["id"], "--agent", agent["id"], "--tenant", tenant
    )
    assert (agent["instructions"], line["sender"], line["enabled"]) == ("Be kind.\n", "whatsapp:+14155550100", False)
    changed = await trunkline.told("lines", "set", line["id"], "--enable", "--access", "paired", "--quiet-ms", "500")
    assert (changed["enabled"], changed["access"], changed["quiet_ms"]) == (True, "paired", 500)
    assert await trunkline.told("lines", "get", line["id"]) == changed
    assert [it["id"] for it in (await trunkline.told("lines", "list", "--tenant", tenant))["items"]] == [line["id"]]


async def test_where_there_is_one_tenant_it_need_not_be_named(trunkline: CommandLine, tmp_path: Path) -> None:
    """
    With a second one it must, and both are told.
    """
    (tmp_path / "text").write_text("x")
    words = ("agents", "add", "Second", "--instructions-file", str(tmp_path / "text"))
    assert (await trunkline.told(*words))["tenant"] == "tn_default"
    other = (await trunkline.told("tenants", "create", "Other"))["id"]
    refused = await trunkline.run(*words)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert other in refused.stderr
    assert "tn_default" in refused.stderr


async def test_no_value_at_all_is_said_with_the_word_none(trunkline: CommandLine) -> None:
    """
    An agent without a model of its own has the platform's; and nothing to change is a wrong usage.
    """
    assert (await trunkline.told("agents", "set", "ag_default", "--model", "m1"))["model"] == "m1"
    assert (await trunkline.told("agents", "set", "ag_default", "--model", "none"))["model"] is None
    assert (await trunkline.told("tenants", "set", "tn_default", "--daily-messages", "100"))["daily_messages"] == 100
    assert (await trunkline.run("agents", "set", "ag_default")).returncode == 2


async def test_lists_follow_their_pages(trunkline: CommandLine) -> None:
    """
    As many as were asked for, or all; each on a line of its own where lines were asked for, and a note where more may be.
    """
    made = [(await trunkline.told("tenants", "create", f"Company {n}"))["id"] for n in range(4)]
    some = await trunkline.run("tenants", "list", "--limit", "2", "-o", "jsonl")
    assert [json.loads(line)["id"] for line in some.stdout.splitlines()] == ["tn_default", made[-1]]
    every = await trunkline.run("tenants", "list", "--all", "-o", "json")
    assert [it["id"] for it in json.loads(every.stdout)["items"]] == ["tn_default", *made[::-1]]
    assert "--all" in (await trunkline.run("tenants", "list", "--limit", "2")).stderr
    assert every.stderr == ""


async def test_a_long_list_is_read_page_by_page(trunkline: CommandLine, store: Store) -> None:
    """
    The API gives 200 at once.
    """
    async with store.connection() as connection:
        await connection.execute(
            "insert into agent (id, tenant_id, name, instructions)"
            " select 'ag_' || lpad(n::text, 6, '0'), 'tn_default', 'A', '' from generate_series(1, 450) as n"
        )
    assert len((await trunkline.told("agents", "list", "--all"))["items"]) == 451
    assert len((await trunkline.told("agents", "list", "--limit", "300"))["items"]) == 300


async def test_a_table_is_for_people(trunkline: CommandLine, store: Store) -> None:
    """
    Headings and words; what a stranger wrote cannot move the cursor.
    """
    async with store.connection() as connection:
        await connection.execute("update tenant set name = E'Nice\\x1b[2J\\nname' where id = 'tn_default'")
    table = (await trunkline.run("tenants", "list", "-o", "table")).stdout.splitlines()
    assert table[0].split() == ["ID", "NAME", "PRIVACY", "HISTORY", "DAYS", "KEPT"]
    assert table[1].split() == ["tn_default", "Nice", "[2J", "name", "hashed", "no", "90"]
    assert "privacy         hashed" in (await trunkline.run("tenants", "get", "tn_default", "-o", "table")).stdout


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("lines", "get", "ln_nobody"), 4, "not_found"),
        (("lines", "set", "ln_default", "--reply-limit", "5"), 2, "invalid_request"),
        (("tenants", "create", ""), 2, "invalid_request"),
        (("accounts", "secrets", "remove", "cr_default", "ss_nobody", "--yes"), 4, "not_found"),
        (("lines", "undo", "ln_default", "--yes"), 5, "nothing_to_undo"),
    ],
)
async def test_a_refusal_is_the_problem_document_and_a_status(
    words: tuple[str, ...], status: int, code: str, trunkline: CommandLine
) -> None:
    """
    With -o json on stdout; the sentence on stderr either way.
    """
    refused = await trunkline.run(*words, "-o", "json")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (status, code)
    plain = await trunkline.run(*words)
    assert (plain.returncode, plain.stdout, plain.stderr) == (status, "", refused.stderr)
    assert plain.stderr


async def test_who_has_no_right_key_is_told_so(trunkline: CommandLine) -> None:
    """
    Status 3, also without any; and 6 where nobody answers.
    """
    assert (await trunkline.run("lines", "list", TRUNKLINE_API_KEY="tlk_wrong")).returncode == 3
    assert (await trunkline.run("lines", "list", TRUNKLINE_API_KEY="")).returncode == 3
    unheard = await trunkline.run("lines", "list", "-o", "json", TRUNKLINE_API_URL="http://127.0.0.1:9")
    assert (unheard.returncode, json.loads(unheard.stdout)["code"]) == (6, "unavailable")


async def test_a_change_beside_another_changes_nothing(trunkline: CommandLine) -> None:
    """
    The record is read first and its version named: whoever comes second is told that nothing was changed, and what to read.
    """
    async with providing() as api:
        api.script.append(answer(200, {"id": "ag_1"}, headers={"ETag": '"7"'}))
        api.script.append(answer(412, {"code": "changed_meanwhile", "detail": "No."}, "application/problem+json"))
        refused = await trunkline.run("agents", "set", "ag_1", "--memory", "7", TRUNKLINE_API_URL=api.url)
        assert [(it.method, it.headers.get("if-match")) for it in api.requests] == [("GET", None), ("PATCH", '"7"')]
    assert refused.returncode == 5
    assert "trunkline agents get ag_1" in refused.stderr


async def test_what_cannot_be_undone_is_asked_first(trunkline: CommandLine) -> None:
    """
    Where nobody can be asked it takes --yes.
    """
    agent = (await trunkline.told("agents", "add", "Temp", "--instructions-file", "/dev/null"))["id"]
    assert (await trunkline.run("agents", "remove", agent)).returncode == 2
    assert (await trunkline.run("agents", "get", agent)).returncode == 0
    assert (await trunkline.run("agents", "remove", agent, "--yes")).returncode == 0
    assert (await trunkline.run("agents", "get", agent)).returncode == 4


async def test_a_token_comes_from_a_file_or_standard_input_alone(trunkline: CommandLine, tmp_path: Path) -> None:
    """
    Without either there is nobody to be asked here; an empty one and a missing file are told by their option.
    """
    rotate = ("accounts", "rotate", "cr_default")
    assert (await trunkline.run(*rotate)).returncode == 2
    assert (await trunkline.run(*rotate, "--token-file", "-", given="\n")).returncode == 2
    missing = await trunkline.run(*rotate, "--token-file", str(tmp_path / "nowhere"))
    assert (missing.returncode, "--token-file: No such file" in missing.stderr) == (2, True)
    (tmp_path / "token").write_text(f" {NEW}\n")
    done = await trunkline.run(*rotate, "--token-file", str(tmp_path / "token"), "-o", "json")
    assert done.returncode == 0
    assert NEW not in done.stdout + done.stderr


async def test_secrets_of_an_account_are_told_apart_by_their_fingerprints(trunkline: CommandLine) -> None:
    """
    One that is added, also a shared key's; and the token before, which ends by itself after a rotation.
    """
    secrets = ("accounts", "secrets")
    added = await trunkline.told(*secrets, "add", "cr_default", "--token-file", "-", given=NEW)
    shared = await trunkline.told(
        *secrets, "add", "cr_default", "--token-file", "-", "--shared-key", "SK1", "--until", "7d", given="s"
    )
    assert (shared["kind"], shared["key_id"], shared["not_after"] is not None) == ("shared_key", "SK1", True)
    rotated = await trunkline.told("accounts", "rotate", "cr_default", "--token-file", "-", given=NEW)
    assert rotated["token_fingerprint"] == added["fingerprint"]
    kept = (await trunkline.told(*secrets, "list", "cr_default"))["items"]
    assert [it["id"] for it in kept[1:]] == [shared["id"], added["id"]]
    assert kept[0]["not_after"] is not None
    assert kept[0]["fingerprint"] == hashlib.sha256(AUTH_TOKEN.encode()).hexdigest()[:8]
    for it in kept:
        assert (await trunkline.run(*secrets, "remove", "cr_default", it["id"], "--yes")).returncode == 0
    assert (await trunkline.told(*secrets, "list", "cr_default"))["items"] == []


async def test_a_line_is_tested_checked_provisioned_and_set_back(trunkline: CommandLine) -> None:
    """
    Each with a status of its own where something is wrong.
    """
    assert (await trunkline.told("lines", "test", "ln_default"))["text"] == "Connected to “Trunkline simulator”."
    await trunkline.sim.api.post("/sim/conditions", json={"name": "webhook_elsewhere"})
    checked = await trunkline.run("lines", "check", "ln_default", "-o", "json")
    wrong = {it["code"] for it in json.loads(checked.stdout)["findings"] if it["severity"] != "ok"}
    assert (checked.returncode, "webhook_elsewhere" in wrong) == (1, True)
    assert (await trunkline.told("lines", "provision", "ln_default"))["outcome"] == "changed"
    assert (await trunkline.told("lines", "undo", "ln_default", "--yes"))["outcome"] == "changed"
    done = await trunkline.told("jobs", "run", "provisioning")
    assert (done["lines"], done["provisioned"], done["drifted"]) == (1, 1, 1)
    await trunkline.sim.api.post("/sim/conditions", json={"name": "wrong_token"})
    refused = await trunkline.run("lines", "test", "ln_default", "-o", "table")
    assert (refused.returncode, refused.stdout.startswith("Invalid credentials.")) == (1, True)
    assert (await trunkline.run("lines", "provision", "ln_default")).returncode == 1


async def test_the_doctor_of_a_distant_platform_asks_its_api_alone(trunkline: CommandLine) -> None:
    """
    No process here is looked at; the services, the clocks and the lines are, and the address that leads nowhere is found.
    """
    await trunkline.sim.api.post("/sim/conditions", json={"name": "quality_low"})
    done = await trunkline.run("doctor", "-o", "json")
    found = {(it["subject"], it["code"]): it for it in json.loads(done.stdout)["findings"]}
    assert ("console", "service_ready") in found
    assert ("clock", "clock_right") in found
    assert found["ln_default", "quality_low"]["remedy"]
    assert found["ln_default", "probe_unreachable_closed"]["remedy"]
    assert done.returncode == 1


async def test_a_tenants_key_has_its_own_lines_examined(trunkline: CommandLine, store: Store) -> None:
    """
    How the platform does is not its business, and is left out.
    """
    key = new_key()
    async with store.connection() as connection:
        await connection.execute("insert into tenant (id, name) values ('tn_other', 'Other')")
        await connection.execute(
            "insert into api_key (id, tenant_id, name, digest, scopes) values ('ak_1', 'tn_other', 'k', %s, %s)",
            (digest(key), ["lines:read"]),
        )
    healthy = await trunkline.run("doctor", "-o", "json", TRUNKLINE_API_KEY=key)
    assert (healthy.returncode, json.loads(healthy.stdout)) == (0, {"good": True, "findings": []})
    assert (await trunkline.run("doctor", "--line", "ln_default", TRUNKLINE_API_KEY=key)).returncode == 4


async def test_the_doctor_says_when_nobody_answers_or_lets_it_in(trunkline: CommandLine) -> None:
    """
    As findings, with their remedies.
    """
    for more, code in (
        ({"TRUNKLINE_API_URL": "http://127.0.0.1:9"}, "console_unreachable"),
        ({"TRUNKLINE_API_KEY": "tlk_wrong"}, "key_refused"),
    ):
        done = await trunkline.run("doctor", "-o", "json", **more)
        [found] = json.loads(done.stdout)["findings"]
        assert (done.returncode, found["code"], found["remedy"] != "") == (1, code, True)
