"""What stands inside a paragraph, a heading or a cell: the tree's inline nodes to styled runs."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from markdown_it.tree import SyntaxTreeNode

from shared.channels.whatsapp_twilio.markdown import clean
from shared.channels.whatsapp_twilio.markup import BOLD, ITALIC, STRIKE, urls
from shared.channels.whatsapp_twilio.runs import Run, code

_STYLES: Final = {"strong": BOLD, "em": ITALIC, "s": STRIKE}
_PLAIN: Final = frozenset[str]()
_TASK: Final = re.compile(r"\[([ xX])\](?=\s|$)\s*")
_FOOTNOTE: Final = re.compile(r"\[\^([^\]\s]+)\]")
_TAG: Final = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_SCHEME: Final = re.compile(r"(?:mailto:|tel:|[a-z][a-z0-9+.-]*://)(?:www\.)?", re.IGNORECASE)
_WORTHLESS: Final = ("#", "javascript:", "vbscript:", "data:", "file:")
_UNSEEN: Final = frozenset({"script", "style"})
_STARTS_LINE: Final = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "br",
        "details",
        "div",
        "dl",
        "dd",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tr",
        "ul",
    ]
)


def inline_runs(node: SyntaxTreeNode, styles: frozenset[str] = _PLAIN) -> list[Run]:
    """Return what a block's inline content shows."""
    return [run for inline in node.children for run in _all(inline.children, styles)]


def literal_runs(text: str, styles: frozenset[str] = _PLAIN) -> Iterator[Run]:
    """Return text as it is, its addresses apart."""
    at = 0
    for start, end in urls(text):
        yield Run(text[at:start], styles)
        yield Run(text[start:end], is_url=True)
        at = end
    yield Run(text[at:], styles)


def task_box(item: SyntaxTreeNode) -> str:
    """Return the box of a task, taken off its text; nothing for an item that is none."""
    first = next((node for node in item.walk() if node.type in {"text", "list_item"} and node is not item), None)
    task = _TASK.match(first.content) if first and first.type == "text" else None
    if not (first and first.token and task):
        return ""
    first.token.content = first.content[task.end() :]
    return "☐" if task[1] == " " else "☑"


def _all(nodes: Iterable[SyntaxTreeNode], styles: frozenset[str]) -> Iterator[Run]:
    """Go through nodes side by side; what stands in a script is not shown."""
    unseen = ""
    for node in nodes:
        tag = _TAG.match(node.content) if node.type == "html_inline" else None
        name = tag[2].lower() if tag else ""
        if tag and name in _UNSEEN:
            unseen = "" if tag[1] else name
        if not unseen:
            yield from _one(node, styles)


def _one(node: SyntaxTreeNode, styles: frozenset[str]) -> Iterator[Run]:
    match node.type:
        case "text":
            yield from literal_runs(_FOOTNOTE.sub(r"[\1]", clean(node.content)), styles)
        case "url":
            yield Run(clean(node.content), is_url=True)
        case "softbreak" | "hardbreak":
            yield Run("\n")
        case "code_inline":
            yield code(clean(node.content), styles)
        case "strong" | "em" | "s":
            yield from _all(node.children, styles | {_STYLES[node.type]})
        case "link":
            yield from _link(node, styles)
        case "image":
            yield from _image(node, styles)
        case "html_inline":
            yield from _tag(node.content, styles)
        case _:
            yield from _all(node.children, styles)


def _link(node: SyntaxTreeNode, styles: frozenset[str]) -> Iterator[Run]:
    """Show a link's text and, in brackets, where it goes; only the address where both say the same."""
    runs = [run for child in node.children for run in _label(child, styles)]
    text = "".join(run.text for run in runs).strip()
    if text.startswith("^"):  # a footnote whose definition is an address
        runs = [Run(f"[{text[1:]}]", styles)]
    yield from _addressed(runs, text, str(node.attrs.get("href", "")))


def _label(node: SyntaxTreeNode, styles: frozenset[str]) -> Iterator[Run]:
    """Show a link's text; of an image in it, only the description."""
    return literal_runs(_alt(node), styles) if node.type == "image" else _one(node, styles)


def _image(node: SyntaxTreeNode, styles: frozenset[str]) -> Iterator[Run]:
    alt = _alt(node)
    yield from _addressed(list(literal_runs(alt, styles)), alt, str(node.attrs.get("src", "")))


def _alt(node: SyntaxTreeNode) -> str:
    return clean(
        "".join(child.content for child in node.walk() if child.type in {"text", "code_inline", "url"})
    ).strip()


def _addressed(runs: list[Run], text: str, address: str) -> Iterator[Run]:
    address = "%20".join(clean(address).split())
    if not address or address.lower().startswith(_WORTHLESS):
        yield from runs
    elif not text or _bare(text) == _bare(address):
        yield from (
            literal_runs(text) if address.startswith(("mailto:", "tel:")) and text else [Run(address, is_url=True)]
        )
    else:
        yield from (*runs, Run(" ("), Run(address, is_url=True), Run(")"))


def _bare(address: str) -> str:
    """Return what of an address people read: without the scheme and the last slash."""
    return _SCHEME.sub("", address, count=1).rstrip("/").lower()


def _tag(content: str, styles: frozenset[str]) -> Iterator[Run]:
    """Of a tag nothing is shown but the line or the cell that it begins."""
    tag = _TAG.match(content)
    name = tag[2].lower() if tag else ""
    if name in _STARTS_LINE:
        yield Run("\n")
    if tag and not tag[1] and name == "li":
        yield Run("- ", styles)
    if name in {"td", "th"}:
        yield Run(" ")
