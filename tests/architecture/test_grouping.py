"""How the suite is shared out between its processes."""

from dev.stack.home import REPOSITORY
from tests.conftest import GROUPS, group_of

_STACKS = ("from tests.chaos", "from tests.journeys.stack", "from tests.stack")


def test_whoever_runs_a_whole_stack_runs_beside_no_other() -> None:
    """
    All of them are in one group, whose tests one process runs.
    """
    for file in (REPOSITORY / "tests").rglob("test_*.py"):
        if any(line.startswith(_STACKS) for line in file.read_text().splitlines()):
            assert group_of(f"{file.relative_to(REPOSITORY)}::test") == "whole stacks", file


def test_every_group_is_of_tests_that_are_there() -> None:
    """
    A name that was changed would leave its tests to themselves.
    """
    assert [name for name in GROUPS if not (REPOSITORY / name).exists()] == []
