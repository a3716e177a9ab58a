"""
Builds the documentation as a site, `build/docs`: `python -m dev.site`, or `make docs`.

The pages are those of docs/, behind README.md, with lists of the decisions, runbooks and routes, which are made here. It fails on a
link that leads nowhere, and on a page that would load something from elsewhere.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborHTMLParser

ROOT = Path(__file__).parents[1]

SECTIONS: Final[Mapping[str, Sequence[str]]] = {
    "Start": ("index.md",),
    "Twilio": ("twilio.md", "media.md"),
    "Operate": (
        "deploy.md",
        "operations.md",
        "troubleshooting.md",
        "privacy.md",
        "security.md",
        "performance.md",
        "capacity.md",
        "proof/README.md",
    ),
    "Reference": ("configuration.md", "cli.md", "api.md", "routes.md", "pipelines.md", "metrics.md", "error-codes.md"),
    "Architecture": ("architecture.md",),
    "Decisions": ("decisions/*.md",),
    "Runbooks": ("runbooks/*.md",),
    "Project": ("changelog.md", "contributing.md"),
}
"""What leads where. A page that is in none of them is under More."""

_UNLISTED = "proof/seed-*.md"
"""Led to by the page beside them."""

_STYLE = ".md-grid { max-width: 84rem }\n"
"""Wide enough for diagrams made of text."""

_FROM_ROOT = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_METHODS = ("get", "post", "put", "patch", "delete")
_CONFIGURATION = """
[project]
site_name = "Trunkline"
site_description = "A gateway between messaging channels and AI agents."
docs_dir = "source"
site_dir = "site"
use_directory_urls = false
extra_css = ["site.css"]
nav = [
{nav}
]
[project.extra]
generator = false
[project.theme]
font = false
features = ["content.code.copy", "navigation.indexes", "navigation.sections", "navigation.top", "search.highlight"]
"""


def build(root: Path, site: Path) -> list[str]:
    """Build the site of a tree into an empty folder; return what is wrong with it."""
    with_sources = site.with_name(f"{site.name}-source")
    for folder in (site, with_sources):
        shutil.rmtree(folder, ignore_errors=True)
    source = with_sources / "source"
    _gather(root, source)
    nav = "\n".join(_nav(source))
    (with_sources / "zensical.toml").write_text(_CONFIGURATION.format(nav=nav), encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=with_sources, capture_output=True, text=True, check=False)
    if done.returncode:
        told = _COLOURS.sub("", done.stdout + done.stderr)
        return [told.partition("Traceback")[0]]  # Zensical's own, behind what it found
    (with_sources / "site").rename(site)
    return sorted(_faults(site))


def _gather(root: Path, source: Path) -> None:
    """Copy every page to where links between them hold, and make those that are lists."""
    shutil.copytree(root / "docs", source)
    for name, becomes in _FROM_ROOT.items():
        if (root / name).exists():
            shutil.copy(root / name, source / becomes)
    (source / "site.css").write_text(_STYLE, encoding="utf-8")
    (source / "routes.md").write_text(_routes(source / "openapi.json"), encoding="utf-8")
    for folder in ("decisions", "runbooks"):
        pages = sorted((source / folder).glob("*.md"))
        listed = "".join(f"- [{_title(page)}]({page.name})\n" for page in pages)
        (source / folder / "README.md").write_text(f"# {folder.title()}\n\n{listed}", encoding="utf-8")
    for page in source.rglob("*.md"):
        page.write_text(_relinked(page.read_text(encoding="utf-8")), encoding="utf-8")


def _relinked(text: str) -> str:
    """Let links lead to the pages of the site: a folder to its list, and what stood above docs/ beside it."""
    text = re.sub(r"\]\((?:docs/)?(decisions|runbooks|proof)\)", r"](\1/README.md)", text)
    for name, page in _FROM_ROOT.items():
        text = text.replace(f"]({name})", f"]({page})")
    return text.replace("](docs/", "](")


def _routes(description: Path) -> str:
    """Return the page of the API's routes."""
    rows = []
    for path, methods in json.loads(description.read_text(encoding="utf-8"))["paths"].items():
        for method in _METHODS:
            if method in methods:
                route = methods[method]
                meaning = (route.get("description") or route.get("summary", "")).partition("\n")[0]
                rows.append(f"| `{method.upper()}` | `{path}` | {meaning} | `{route.get('x-permission', '')}` |\n")
    head = "# Routes of the API\n\nMade from [openapi.json](openapi.json), which also has their bodies. [The REST API](api.md) tells what all have in common.\n\n"
    return head + "| | Path | What | Permission |\n|---|---|---|---|\n" + "".join(rows)


def _nav(source: Path) -> Iterator[str]:
    """Yield the navigation, line by line."""
    left = {page.relative_to(source).as_posix() for page in {*source.rglob("*.md")} - {*source.glob(_UNLISTED)}}
    for section, patterns in SECTIONS.items():
        found = [
            page.relative_to(source).as_posix()
            for pattern in patterns
            for page in sorted(source.glob(pattern), key=lambda it: (it.name != "README.md", it.name))
        ]
        left -= {*found}
        yield from _section(source, section, found)
    yield from _section(source, "More", sorted(left))


def _section(source: Path, section: str, pages: Sequence[str]) -> Iterator[str]:
    if pages:
        entries = ", ".join(f"{{ {json.dumps(_title(source / page))} = {json.dumps(page)} }}" for page in pages)
        yield f"  {{ {json.dumps(section)} = [{entries}] }},"


def _title(page: Path) -> str:
    """Return a page's heading."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return next((line[2:].replace("`", "") for line in lines if line.startswith("# ")), page.stem)


def _faults(site: Path) -> Iterator[str]:
    """Yield what Zensical lets pass: addresses of files that are not there, and what is loaded from elsewhere."""
    for page in site.rglob("*.html"):
        for element in LexborHTMLParser(page.read_text(encoding="utf-8")).css("[href],[src]"):
            address = element.attributes.get("href") or element.attributes.get("src") or ""
            to = urlsplit(address)
            if to.scheme or to.netloc:
                if element.tag != "a":
                    yield f"{page.relative_to(site)} loads {address}"
            elif to.path and not _exists(site, page, unquote(to.path)):
                yield f"{page.relative_to(site)} leads to {address}"
    for style in site.rglob("*.css"):
        if re.search(r"(@import\s+|url\()[\"']?(https?:)?//", style.read_text(encoding="utf-8")):
            yield f"{style.relative_to(site)} loads something from elsewhere"


def _exists(site: Path, page: Path, path: str) -> bool:
    target = site / path[1:] if path.startswith("/") else page.parent / path
    return target.is_file() or (target / "index.html").is_file()


if __name__ == "__main__":
    found = build(ROOT, ROOT / "build/docs")
    sys.exit("\n".join(found) or None)
