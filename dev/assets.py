"""
Builds the console's bundle from `assets/` and the packages that npm put there: `make assets`.

Scripts are joined, ours and the styles packed, fonts cut down to what the styles name; each file is named by its hash, so that
browsers may keep it for ever. The bundle is committed, with a digest of what it was made of: who runs or tests Trunkline needs
no Node.
"""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from rcssmin import cssmin

from dev.fonts import cut, faces

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "assets"
BUNDLE = ROOT / "services" / "console" / "pages" / "bundle"
AXE = ROOT / "tests" / "browser" / "axe"
_PACKAGES = SOURCES / "node_modules"
_HASH_LENGTH = 12

SCRIPTS = ("htmx.org/dist/htmx.min.js", "htmx.org/dist/ext/hx-csp.min.js", "htmx.org/dist/ext/hx-sse.min.js")
"""In one file with our own: as files apart htmx would start before its extensions (product-ux.md, section 1)."""

COPIED: Mapping[str, str] = {"charts.js": "uplot/dist/uPlot.iife.min.js", "charts.css": "uplot/dist/uPlot.min.css"}
_INTER = "@fontsource-variable/inter/files/inter-{}-wght-normal.woff2"
FONTS: Mapping[str, str] = {
    "inter-latin.woff2": _INTER.format("latin"),
    "inter-european.woff2": _INTER.format("latin-ext"),
    "inter-latin-ext.woff2": _INTER.format("latin-ext"),
}
"""What each font is cut from. European names are common enough to have a small one of their own."""

SOURCE_DIGEST = "sources.sha256"
LICENCES = ("htmx.org", "uplot", "@fontsource-variable/inter", "lucide-static")
_ICON = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_MAP = re.compile(rb"\n?//# sourceMappingURL=\S+\s*$")


def contents() -> Iterator[tuple[str, bytes]]:
    """Yield every file of the bundle by its plain name; the styles last, since they name the fonts."""
    plain = _own("console.css")
    wanted = faces(plain.decode())
    fonts = {name: cut((_PACKAGES / source).read_bytes(), wanted[name]) for name, source in FONTS.items()}
    yield from fonts.items()
    for name, source in COPIED.items():
        yield name, _published(source)
    yield "console.js", b"\n".join([*map(_published, SCRIPTS), _packed_script("console.js")])
    yield "icons.svg", sprite((SOURCES / "icons.txt").read_text().split())
    yield "favicon.svg", _own("favicon.svg")
    yield "licences.txt", b"\n\n".join(licence(package) for package in LICENCES)
    yield "console.css", styles(plain, {name: hashed(name, font) for name, font in fonts.items()})


def hashed(name: str, content: bytes) -> str:
    """Return the name that a content is served under."""
    stem, dot, kind = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]}{dot}{kind}"


def styles(source: bytes, built: Mapping[str, str]) -> bytes:
    """Return the styles packed, with the names of the fonts in them."""
    packed: bytes = cssmin(source)
    for name, served in built.items():
        packed = packed.replace(f'url("{name}")'.encode(), f'url("{served}")'.encode())
    return packed


def source_digest() -> str:
    """Return what is in everything that a bundle is made of, the packages by their lock."""
    files = sorted(file for file in SOURCES.iterdir() if file.is_file())
    return hashlib.sha256(b"".join(file.name.encode() + b"\n" + file.read_bytes() for file in files)).hexdigest()


def sprite(names: list[str]) -> bytes:
    """Return one file of all the icons that are used."""
    symbols = [f'<symbol id="{name}" viewBox="0 0 24 24">{_drawing(name)}</symbol>' for name in sorted(set(names))]
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


def licence(package: str) -> bytes:
    """Return what a package's licence says."""
    return f"{package}\n\n".encode() + (_PACKAGES / package / "LICENSE").read_bytes()


def build() -> None:
    """Write the bundle anew, and what the browser tests need; the old one goes once all of the new one was made."""
    made = list(contents())
    shutil.rmtree(BUNDLE, ignore_errors=True)
    BUNDLE.mkdir()
    names = {name: hashed(name, content) for name, content in made}
    for name, content in made:
        (BUNDLE / names[name]).write_bytes(content)
    (BUNDLE / "manifest.json").write_bytes(
        orjson.dumps(names, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    )
    (BUNDLE / SOURCE_DIGEST).write_text(source_digest() + "\n")
    AXE.mkdir(exist_ok=True)
    for name in ("axe.min.js", "LICENSE"):
        shutil.copyfile(_PACKAGES / "axe-core" / name, AXE / name)


def _own(name: str) -> bytes:
    return (SOURCES / name).read_bytes()


def _published(source: str) -> bytes:
    """Return a package's file as it was published, without the way to its source."""
    return _MAP.sub(b"", (_PACKAGES / source).read_bytes())


def _packed_script(name: str) -> bytes:
    command = (_PACKAGES / ".bin" / "uglifyjs", "--compress", "--mangle", "--", SOURCES / name)
    return subprocess.run(command, check=True, capture_output=True).stdout


def _drawing(name: str) -> str:
    source = (_PACKAGES / "lucide-static" / "icons" / f"{name}.svg").read_text()
    match = _ICON.search(source)
    if match is None:
        raise ValueError(name)
    return re.sub(r" ?/>\s*", "/>", " ".join(match[1].split()))


if __name__ == "__main__":
    build()
