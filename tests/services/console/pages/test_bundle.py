"""The built assets: committed, complete, named by what is in them, and current."""

import re

from dev.assets import SOURCE_DIGEST, SOURCES, hashed, source_digest
from dev.fonts import faces
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
    assert {it.name for it in BUNDLE.iterdir()} == {*manifest().values(), "manifest.json", SOURCE_DIGEST}


def test_the_bundle_is_made_of_the_sources_as_they_are() -> None:
    """
    Whoever changes a script, a style, the list of icons or a package's version runs `make assets`.
    """
    assert (BUNDLE / SOURCE_DIGEST).read_text().strip() == source_digest()


def test_the_fonts_have_every_weight_that_is_asked_for() -> None:
    """
    One that they lack would be drawn by the browser's own devices; `bold` is 700.
    """
    styles = (SOURCES / "console.css").read_text()
    asked = {int(weight) for weight in re.findall(r"font(?:-weight)?: (\d{3})[ ;]", styles.split("@layer base {")[1])}
    assert asked | {400, 700} == {weight for weight in asked | {400, 700} if 400 <= weight <= 700}
    assert {face.weights for face in faces(styles).values()} == {(400, 700)}


def test_the_sprite_has_the_icons_that_are_drawn_and_no_others() -> None:
    """
    One that it lacked would be an empty space; one too many would be loaded with every page.
    """
    files = (*BUNDLE.parent.glob("*.py"), *TEMPLATES.glob("*.html"))
    texts = [file.read_text() for file in files]
    drawn = {name for text in texts for name in re.findall(r'icon\("([a-z0-9-]+)"\)', text)}
    named = {name for text in texts for name in re.findall(r'"([a-z0-9-]+)"', text)}
    sprite = set(re.findall(r'<symbol id="([^"]+)"', _built("icons.svg").decode()))
    assert drawn <= sprite <= named


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
