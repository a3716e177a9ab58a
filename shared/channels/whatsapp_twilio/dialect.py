"""
Markdown (CommonMark with GitHub's tables and strikethrough) to WhatsApp's markup.

What WhatsApp lacks becomes something that reads well on a phone: a heading is a bold line, a link `text (address)`, a
task a box. A table of two columns is a bold line of its headings and then `- key: value` for each row; a wider one is
a paragraph for each row: its first cell in bold, then `- heading: value` for the others. Fenced code starts at the
margin even in a list, so that it can be copied as it is; in a quote each of its lines is code of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markdown_it.tree import SyntaxTreeNode

from shared.channels.whatsapp_twilio.inline import inline_runs, literal_runs, task_box
from shared.channels.whatsapp_twilio.markdown import clean, parse
from shared.channels.whatsapp_twilio.markup import BOLD, BREAK, FENCE, QUOTE
from shared.channels.whatsapp_twilio.runs import Run, code, fenced_content, write

_BOLD: Final = frozenset({BOLD})
_INDENT: Final = "  "
_LINE_MARKS: Final = ("- ", "* ", QUOTE)
_TWO_COLUMNS: Final = 2


@dataclass(frozen=True)
class _Line:
    """A line; one at the margin keeps its place there in lists."""

    text: str
    at_margin: bool = False


_BLANK: Final = _Line("")


def render(markdown: str, sources: Sequence[str] = ()) -> str:
    """Return WhatsApp text for any Markdown, and a list of the sources below it. Never raises; plain text stays."""
    body = "\n".join(line.text for line in _blocks(parse(markdown).children)).strip()
    return "\n\n".join(filter(None, (body, _footer(sources))))


def _footer(sources: Sequence[str]) -> str:
    """List each source once, on one line, in order."""
    names = dict.fromkeys(" ".join(clean(name).split()) for name in sources)
    lines = [write(literal_runs(name)) for name in names if name]
    return "\n".join(["*Sources:*", *(f"{number}) {line}" for number, line in enumerate(lines, 1))]) if lines else ""


def _blocks(nodes: Iterable[SyntaxTreeNode], *, quoted: bool = False) -> list[_Line]:
    """Set blocks apart by a blank line, but keep a heading with what it heads and a tight list together."""
    lines: list[_Line] = []
    before: SyntaxTreeNode | None = None
    for node in nodes:
        block = _block(node, quoted=quoted)
        if not block:
            continue
        if before and not _belongs(before, node):
            lines.append(_BLANK)
        lines += block
        before = node
    return lines


def _belongs(before: SyntaxTreeNode, node: SyntaxTreeNode) -> bool:
    """Tell whether a block follows the one before it without a blank line."""
    if before.type == "heading":
        return node.type != "heading"
    return before.hidden or (before.type == "paragraph" and node.type.endswith("_list"))


def _block(node: SyntaxTreeNode, *, quoted: bool) -> list[_Line]:
    match node.type:
        case "heading":
            return _lines(inline_runs(node, _BOLD))
        case "paragraph":
            return _lines(inline_runs(node))
        case "bullet_list" | "ordered_list":
            return list(_list(node, quoted=quoted))
        case "blockquote":
            return _quote(node, quoted=quoted)
        case "fence" | "code_block":
            return _code(node.content, quoted=quoted)
        case "table":
            return list(_table(node))
        case _:
            return []


def _lines(runs: Iterable[Run]) -> list[_Line]:
    """Write runs as lines; one that only looks like a list or a quote is kept from becoming one."""
    texts = write(runs).splitlines()
    return [_Line(BREAK + text if text.startswith(_LINE_MARKS) else text) for text in texts]


def _code(content: str, *, quoted: bool) -> list[_Line]:
    lines = [line.rstrip() for line in clean(content).split("\n")]
    text = "\n".join(lines).strip("\n")
    if not text.strip():
        return []
    if quoted:
        return [_Line(write([code(line.strip())])) for line in text.split("\n") if line.strip()]
    return [_Line(f"{FENCE}{fenced_content(text)}{FENCE}", at_margin=True)]


def _quote(node: SyntaxTreeNode, *, quoted: bool) -> list[_Line]:
    """WhatsApp quotes line by line and one level deep; a blank line would end the quote."""
    lines = _blocks(node.children, quoted=True)
    return lines if quoted else [_Line(QUOTE + line.text, at_margin=True) for line in lines if line.text]


def _list(node: SyntaxTreeNode, *, quoted: bool) -> Iterator[_Line]:
    number = int(node.attrs.get("start", 1))
    is_tight = not any(
        child.type == "paragraph" and not child.hidden for item in node.children for child in item.children
    )
    for index, item in enumerate(node.children):
        if index and not is_tight:
            yield _BLANK
        mark = f"{number + index}." if node.type == "ordered_list" else "-" if _depth(node) == 0 else "◦"
        yield from _item(item, mark, quoted=quoted)


def _depth(node: SyntaxTreeNode) -> int:
    """Count the list items that a list stands in."""
    parent, depth = node.parent, 0
    while parent:
        depth += parent.type == "list_item"
        parent = parent.parent
    return depth


def _item(item: SyntaxTreeNode, mark: str, *, quoted: bool) -> Iterator[_Line]:
    """Put the mark before the first line and indent the others. A task's box takes the bullet's place."""
    box = task_box(item)
    if box:
        mark = f"{mark} {box}" if mark.endswith(".") else box
    first, *others = _blocks(item.children, quoted=quoted) or [_BLANK]
    if first.at_margin and first.text.startswith(QUOTE):
        first, others = _BLANK, [first, *others]
    yield _Line(f"{mark} {first.text}".rstrip(), at_margin=False)
    for line in others:
        yield line if line.at_margin or not line.text else _Line(_INDENT + line.text)


def _table(node: SyntaxTreeNode) -> Iterator[_Line]:
    """Return the rows as the module's first lines say. Empty cells are left out."""
    rows = [[_cell(cell) for cell in row.children] for part in node.children for row in part.children]
    headings, *rows = rows
    if len(headings) > _TWO_COLUMNS and rows:
        for index, row in enumerate(rows):
            if index:
                yield _BLANK
            yield from _record(headings, row)
        return
    yield from _lines(_bold(_pair(*headings) if len(headings) == _TWO_COLUMNS else _enumeration(headings)))
    for row in rows:
        yield from _bullet(_pair(*row) if len(row) == _TWO_COLUMNS else row[0])


def _record(headings: list[list[Run]], row: list[list[Run]]) -> Iterator[_Line]:
    yield from _lines(_bold(_pair(headings[0], row[0])))
    for heading, value in zip(headings[1:], row[1:], strict=False):
        if value:
            yield from _bullet(_pair(heading, value))


def _cell(node: SyntaxTreeNode) -> list[Run]:
    """Return a cell's text on one line."""
    return [Run(run.text.replace("\n", ", "), run.styles, run.is_url) for run in inline_runs(node)]


def _pair(key: list[Run], value: list[Run]) -> list[Run]:
    """Write `key: value`, or the only one of them that is there."""
    if not key or not value:
        return key or value
    return [*key, Run(" " if key[-1].text.rstrip().endswith((":", "?")) else ": "), *value]


def _enumeration(cells: list[list[Run]]) -> list[Run]:
    return [run for cell in cells if cell for run in (Run(", "), *cell)][1:]


def _bold(runs: list[Run]) -> list[Run]:
    return [Run(run.text, run.styles | _BOLD, run.is_url) for run in runs]


def _bullet(runs: list[Run]) -> list[_Line]:
    text = write(runs)
    return [_Line(f"- {text}")] if text else []
