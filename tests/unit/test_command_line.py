"""The commands as they are declared: help, examples, and what may not be among the arguments."""

import ast
import json
import re
import shlex
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.outcome import CommandFailed, Exit
from cli.reference import Command, commands
from cli.times import moment

ROOT = Path(__file__).parents[2]
EVERY = {" ".join(command.words): command for command in commands()}
_SLOW = ("httpx2", "psycopg", "pydantic", "fastapi", "asyncio", "dev", "services", "shared", "cli.api", "cli.stack")


@pytest.mark.parametrize("command", EVERY.values(), ids=EVERY)
def test_every_command_says_what_it_does_and_has_an_example_that_parses(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    The example calls that very command, with options that it has.
    """
    assert command.about.endswith(".")
    words = shlex.split(command.example.partition(" > ")[0])
    words = words[words.index("trunkline") + 1 :]
    assert tuple(words[: len(command.words)]) == command.words
    assert {word for word in words if re.match(r"--?[a-z]", word)} <= set(command.options)
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert end.value.code == 0
    assert "".join(command.example.split()) in "".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", EVERY.values(), ids=EVERY)
def test_no_command_takes_a_secret_among_its_arguments(command: Command) -> None:
    """
    Other users of the machine see arguments, and shells write them down: secrets come from files.
    """
    named = [*command.arguments, *command.options]
    secretive = [it for it in named if re.search(r"token(?!s$)|password|secret", it.lower())]
    assert [it for it in secretive if not it.endswith("-file") and it not in {"SECRET", "--shared-key"}] == []


def test_help_imports_nothing_that_does_the_work() -> None:
    """
    It answers at once because it loads declarations alone.
    """
    code = f"import sys, cli.__main__; print([it for it in {_SLOW} if it in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


@pytest.mark.parametrize("file", sorted((ROOT / "cli" / "commands").glob("*.py")), ids=lambda file: file.stem)
def test_declarations_import_what_works_only_when_they_run(file: Path) -> None:
    """
    At their heads stand nothing but typer, the standard library, and other declarations.
    """
    heads = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {getattr(node, "module", None) or node.names[0].name for node in heads}
    light = {"cli.choices", "typer", *sys.stdlib_module_names}
    assert {name for name in names if name.partition(".")[0] not in light | {"cli"}} == set()
    assert {it for it in names if it.startswith("cli") and not it.startswith("cli.commands")} <= light


def test_a_shell_completes_nouns_and_verbs() -> None:
    """
    The script asks the command itself.
    """
    environment = {"_TRUNKLINE_COMPLETE": "complete_bash", "COMP_WORDS": "trunkline lines pro", "COMP_CWORD": "2"}
    asked = [sys.executable, "-m", "cli"]
    done = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["provision"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """
    It names the variable that is listened to.
    """
    with pytest.raises(SystemExit) as end:
        main(["completion", shell])
    assert end.value.code == 0
    assert "_TRUNKLINE_COMPLETE" in capsys.readouterr().out


def test_variables_are_checked_before_a_service_is_started(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    All faults at once, by name and never with a value; the status is 2 as the service's own would be.
    """
    monkeypatch.setenv("TRUNKLINE_KEYS__VAULT", "too-short")
    monkeypatch.setenv("TRUNKLINE_ROUTR", "x")
    with pytest.raises(SystemExit) as end:
        main(["config", "check", "router", "-o", "json"])
    told = capsys.readouterr()
    faults = " ".join(json.loads(told.out)["faults"])
    assert end.value.code == 2
    assert "TRUNKLINE_DB__URL: Field required" in faults
    assert "TRUNKLINE_KEYS__VAULT" in faults
    assert "TRUNKLINE_ROUTR: unknown variable" in faults
    assert "too-short" not in told.out + told.err


@pytest.mark.parametrize("said", ["24h", "30m", "2026-11-25T10:00:00Z", "2026-11-25T10:00:00+01:00"])
def test_times_are_so_long_ago_or_have_their_zone(said: str) -> None:
    """
    The API gets them with a zone in any case.
    """
    assert datetime.fromisoformat(moment(said, "--since") or "").tzinfo is not None


@pytest.mark.parametrize("said", ["yesterday", "2026-11-25T10:00:00", "24", ""])
def test_other_times_are_a_wrong_usage(said: str) -> None:
    """
    Told by the option, before anything is asked.
    """
    with pytest.raises(CommandFailed, match=r"^--since: ") as failed:
        moment(said, "--since")
    assert failed.value.status == Exit.CONFIGURATION
