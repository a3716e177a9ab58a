"""`trunkline pipelines`: from a file to what agents run, and back."""

from pathlib import Path

import pytest

from shared.store.session import Store
from tests.services.console.commands.conftest import CommandLine

DOCUMENT = "steps:\n  - step: model\n    addition: {0}\n"


def write(file: Path, addition: str) -> None:
    file.write_text(DOCUMENT.format(addition))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "support.yaml"
    found.write_text(DOCUMENT.format("First."))
    return found


async def test_a_file_becomes_what_agents_run_and_is_taken_back(trunkline: CommandLine, file: Path) -> None:
    """
    Put, activated, put again and activated, rolled back; each by the name that the file gave it.
    """
    made = await trunkline.told("pipelines", "put", str(file))
    assert (made["name"], made["active_version"]) == ("support", None)
    assert (await trunkline.told("agents", "set", "ag_default", "--pipeline", made["id"]))["pipeline"] == made["id"]
    assert (await trunkline.told("pipelines", "activate", "support"))["active_version"] == 1
    write(file, "Second.")
    assert (await trunkline.told("pipelines", "put", str(file)))["active_version"] == 1
    assert (await trunkline.told("pipelines", "activate", "support"))["active_version"] == 2
    assert (await trunkline.told("pipelines", "rollback", "support"))["active_version"] == 1
    assert (await trunkline.told("pipelines", "activate", made["id"], "--version", "2"))["past"] == [1]
    [listed] = (await trunkline.told("pipelines", "list"))["items"]
    assert (listed["newest_version"], listed["agents"]) == (2, ["ag_default"])
    versions = (await trunkline.told("pipelines", "versions", "support"))["items"]
    assert [version["number"] for version in versions] == [2, 1]
    assert "First." in (await trunkline.told("pipelines", "show", "support", "--version", "1"))["document"]
    assert "Second." in (await trunkline.told("pipelines", "show", "support"))["draft"]


async def test_a_file_is_checked_without_changing_anything(trunkline: CommandLine, file: Path) -> None:
    """
    What is wrong is told with its place; so it is when somebody tries to put it.
    """
    assert (await trunkline.told("pipelines", "check", str(file))) == {"faults": []}
    write(file, "Help {sys.nobody}")
    refused = await trunkline.run("pipelines", "check", str(file), "-o", "table")
    assert refused.returncode == 1
    assert f"{file}:3:5: steps[0].addition may hold only" in refused.stdout
    assert "line 3, column 5" in (await trunkline.run("pipelines", "put", str(file))).stderr
    assert (await trunkline.told("pipelines", "list"))["items"] == []


async def test_the_shipped_pipeline_is_shown(trunkline: CommandLine) -> None:
    """
    As a document to begin with.
    """
    shown = await trunkline.run("pipelines", "show", "whatsapp-default", "-o", "table")
    assert "steps:" in shown.stdout
    assert (await trunkline.run("pipelines", "activate", "nothing")).returncode == 2


async def test_a_trial_that_comes_to_nothing_says_why(trunkline: CommandLine, file: Path, store: Store) -> None:
    """
    Here no agent is at work.
    """
    async with store.connection() as connection:
        await connection.execute("update tenant set history = true")
        await connection.execute(
            "insert into contact (id, tenant_id, channel) values ('ct_1', 'tn_default', 'whatsapp')"
        )
        await connection.execute(
            "insert into conversation (id, tenant_id, contact_id, agent_id, line_id, channel)"
            " values ('cv_1', 'tn_default', 'ct_1', 'ag_default', 'ln_default', 'whatsapp')"
        )
    done = await trunkline.run("pipelines", "try", str(file), "--conversation", "cv_1")
    assert done.returncode == 1
    assert "agent_unavailable" in done.stderr
