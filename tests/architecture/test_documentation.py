"""The documentation becomes a site, and what is broken in it does not."""

from pathlib import Path

import pytest

from dev.site import ROOT, build
from shared import failures
from shared.failures import Failure


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Documentation of two pages, and the description of an API without routes."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/openapi.json").write_text('{"paths": {}}')
    (tmp_path / "README.md").write_text("# A tree\n")
    (tmp_path / "docs/api.md").write_text("# The API\n\n## Keys\n")
    for folder in ("decisions", "runbooks"):
        (tmp_path / "docs" / folder).mkdir()
    return tmp_path


def test_the_documentation_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """
    `make docs`; every page is in it, the root's as well.
    """
    site = tmp_path / "site"
    assert build(ROOT, site) == []
    pages = {page.relative_to(ROOT / "docs").with_suffix("") for page in (ROOT / "docs").rglob("*.md")}
    made = {page.relative_to(site).with_suffix("") for page in site.rglob("*.html")}
    missing = pages - made - {Path("proof/README")}
    assert not missing
    assert {Path(name) for name in ("index", "routes", "security", "decisions/index", "runbooks/index")} <= made


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[gone](gone.md)", "page does not exist"),
        ("[gone](api.md#gone)", "anchor does not exist"),
        ("[gone](gone.json)", "broken.html leads to gone.json"),
        ("![elsewhere](https://example.org/a.png)", "broken.html loads https://example.org/a.png"),
    ],
)
def test_a_broken_page_fails_the_build(tree: Path, text: str, told: str) -> None:
    """
    Whatever a page leads to is there, and what it shows comes with it.
    """
    (tree / "docs/broken.md").write_text(f"# Broken\n\n{text}\n")
    [fault] = build(tree, tree / "site")
    assert told in fault


def test_troubleshooting_names_every_code_of_our_own() -> None:
    """
    What a log line or a dead letter says can be looked up; codes of parts are in docs/error-codes.md.
    """
    page = (ROOT / "docs/troubleshooting.md").read_text()
    codes = {it.code for it in vars(failures).values() if isinstance(it, Failure)}
    assert {code for code in codes if f"`{code}`" not in page} == set()
