"""Documents that are made from code are current."""

from pathlib import Path

from cli.reference import page
from dev.configuration import reference

ROOT = Path(__file__).parents[2]


def test_the_configuration_page_names_every_variable() -> None:
    """
    It is what `python -m dev.configuration` prints.
    """
    assert (ROOT / "docs" / "configuration.md").read_text() == reference()


def test_the_page_about_the_command_line_names_every_command() -> None:
    """
    It is what `python -m cli.reference` prints.
    """
    assert (ROOT / "docs" / "cli.md").read_text() == page()
