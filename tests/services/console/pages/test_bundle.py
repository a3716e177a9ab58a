"""The built assets: committed, complete, named by what is in them, and current."""

import re
from pathlib import Path

from dev.assets import SOURCES, hashed
from services.console.pages.templates import BUNDLE, manifest
from tests.services.console.pages.conftest import Visitor

TEMPLATES = BUNDLE.parent / "templates"


def _built(name: str) -> bytes:
    return (BUNDLE / manifest()[name]).read_bytes()


def test_each_file_is_named_by_its_hash_and_listed() -> None:
    """
    Browsers keep it for ever: another content needs another name. `make assets` builds anew.
    """
    assert {name: hashed(name, _built(name)) for name in manifest()} == dict(manifest())
    assert {it.name for it in BUNDLE.iterdir()} == {*manifest().values(), "manifest.json"}


def test_the_bundle_holds_the_sources_as_they_are() -> None:
    """
    Whoever changes a script, a style or the list of icons runs `make assets`.
    """
    assert _built("console.js").endswith((SOURCES / "console.js").read_bytes())
    assert _built("favicon.svg") == (SOURCES / "favicon.svg").read_bytes()
    styles = re.sub(rb"\.[0-9a-f]{12}\.woff2", b".woff2", _built("console.css"))
    assert styles == (SOURCES / "console.css").read_bytes()
    icons = set(re.findall(rb'<symbol id="([^"]+)"', _built("icons.svg")))
    assert icons == set((SOURCES / "icons.txt").read_bytes().split())


def test_every_icon_that_is_drawn_is_in_the_sprite() -> None:
    """
    One that is not would be an empty space.
    """
    pages = Path(BUNDLE.parent)
    drawn = set()
    for file in (*pages.glob("*.py"), *TEMPLATES.glob("*.html")):
        drawn |= set(re.findall(r'icon\("([a-z0-9-]+)"\)', file.read_text()))
    assert drawn <= set((SOURCES / "icons.txt").read_text().split())


def test_licences_come_along() -> None:
    """
    Of everything that is not ours.
    """
    told = _built("licences.txt").decode()
    for package in ("htmx.org", "uplot", "@fontsource-variable/inter", "lucide-static"):
        assert f"{package}\n\n" in told


def test_no_file_names_where_packages_come_from() -> None:
    """
    Neither the lock nor the bundle: that is everybody's own setting.
    """
    lock = (SOURCES / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert '"integrity"' in lock


def test_a_page_is_small() -> None:
    """
    At most 200 KB uncompressed with the font (product-ux.md, section 9).
    """
    loaded = ("console.css", "console.js", "icons.svg", "inter-latin.woff2", "favicon.svg")
    assert sum(len(_built(name)) for name in loaded) < 180_000


async def test_assets_may_be_kept_for_ever_and_nothing_else_is_served(visitor: Visitor) -> None:
    """
    By their built name alone.
    """
    for name, kind in (("console.css", "text/css"), ("console.js", "text/javascript"), ("icons.svg", "image/svg+xml")):
        answer = await visitor.get(f"/assets/{manifest()[name]}")
        assert answer.headers["content-type"].partition(";")[0] == kind
        assert "immutable" in answer.headers["cache-control"]
    for name in ("console.css", "manifest.json", "..%2Ftemplates.py"):
        assert (await visitor.get(f"/assets/{name}")).status_code == 404
