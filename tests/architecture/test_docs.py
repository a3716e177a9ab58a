"""Documents that are made from code are current."""

import re
from pathlib import Path

from cli.reference import page
from dev import error_codes, metrics
from dev.configuration import reference

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


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


def test_the_page_about_error_codes_is_what_egress_decides_by() -> None:
    """
    It is what `python -m dev.error_codes` prints.
    """
    assert (ROOT / "docs" / "error-codes.md").read_text() == error_codes.page()


def test_links_between_documents_lead_somewhere() -> None:
    """
    To a file or a folder that is there.
    """
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [(document, link) for document in documents for link in _LINK.findall(document.read_text())]
    assert [(document.name, link) for document, link in links if not (document.parent / link).exists()] == []


def test_the_page_about_metrics_names_every_one() -> None:
    """
    It is what `python -m dev.metrics` prints.
    """
    assert (ROOT / "docs" / "metrics.md").read_text() == metrics.page()
