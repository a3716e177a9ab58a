"""
Builds the console's bundle from `assets/` and the packages that npm put there: `make assets`.

Files are copied, scripts joined, and each named by its hash, so that browsers may keep it for ever. The bundle is committed:
who runs or tests Trunkline needs no Node.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "assets"
BUNDLE = ROOT / "services" / "console" / "pages" / "bundle"
AXE = ROOT / "tests" / "browser" / "axe"
_PACKAGES = SOURCES / "node_modules"
_HASH_LENGTH = 12

SCRIPTS = ("htmx.org/dist/htmx.min.js", "htmx.org/dist/ext/hx-csp.min.js", "htmx.org/dist/ext/hx-sse.min.js")
"""In one file with our own: as files apart htmx would start before its extensions (product-ux.md, section 1)."""

COPIED: Mapping[str, str] = {
    "charts.js": "uplot/dist/uPlot.iife.min.js",
    "charts.css": "uplot/dist/uPlot.min.css",
    "inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter-latin-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
}
LICENCES = ("htmx.org", "uplot", "@fontsource-variable/inter", "lucide-static")
_ICON = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_MAP = re.compile(rb"\n?//# sourceMappingURL=\S+\s*$")


def contents() -> Iterator[tuple[str, bytes]]:
    """Yield every file of the bundle by its plain name; the styles last, since they name the fonts."""
    built: dict[str, str] = {}
    for name, source in COPIED.items():
        content = _MAP.sub(b"", (_PACKAGES / source).read_bytes())
        built[name] = hashed(name, content)
        yield name, content
    yield (
        "console.js",
        b"\n".join(_MAP.sub(b"", (_PACKAGES / it).read_bytes()) for it in SCRIPTS) + b"\n" + _own("console.js"),
    )
    yield "icons.svg", sprite((SOURCES / "icons.txt").read_text().split())
    yield "favicon.svg", _own("favicon.svg")
    yield "licences.txt", b"\n\n".join(licence(package) for package in LICENCES)
    yield "console.css", styles(_own("console.css"), built)


def hashed(name: str, content: bytes) -> str:
    """Return the name that a content is served under."""
    stem, dot, kind = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]}{dot}{kind}"


def styles(source: bytes, built: Mapping[str, str]) -> bytes:
    """Return the styles with the names of the fonts in them."""
    for name, served in built.items():
        source = source.replace(f'url("{name}")'.encode(), f'url("{served}")'.encode())
    return source


def sprite(names: list[str]) -> bytes:
    """Return one file of all the icons that are used."""
    symbols = [f'<symbol id="{name}" viewBox="0 0 24 24">{_drawing(name)}</symbol>' for name in sorted(set(names))]
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


def licence(package: str) -> bytes:
    """Return what a package's licence says."""
    return f"{package}\n\n".encode() + (_PACKAGES / package / "LICENSE").read_bytes()


def build() -> None:
    """Write the bundle anew, and what the browser tests need; the old one goes once all of the new one was read."""
    made = list(contents())
    shutil.rmtree(BUNDLE, ignore_errors=True)
    BUNDLE.mkdir()
    names = {name: hashed(name, content) for name, content in made}
    for name, content in made:
        (BUNDLE / names[name]).write_bytes(content)
    (BUNDLE / "manifest.json").write_bytes(
        orjson.dumps(names, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    )
    AXE.mkdir(exist_ok=True)
    for name in ("axe.min.js", "LICENSE"):
        shutil.copyfile(_PACKAGES / "axe-core" / name, AXE / name)


def _own(name: str) -> bytes:
    return (SOURCES / name).read_bytes()


def _drawing(name: str) -> str:
    source = (_PACKAGES / "lucide-static" / "icons" / f"{name}.svg").read_text()
    match = _ICON.search(source)
    if match is None:
        raise ValueError(name)
    return " ".join(match[1].split())


if __name__ == "__main__":
    build()
