"""
HTML: its main part, without navigation and the like. Markdown and DOCX come here too, as HTML.

Their parsers are loaded for a file of their kind alone: each file has a process of its own, of which that is most of the work.
"""

import io
from collections.abc import Iterator, Sequence

from selectolax.lexbor import LexborHTMLParser, LexborNode

from shared.reading.blocks import Block, Kind

_AROUND = [
    "script",
    "style",
    "noscript",
    "template",
    "nav",
    "footer",
    "aside",
    "form",
    "iframe",
    "svg",
    "button",
    "head",
]
_MAIN = "main, [role=main], article"
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CELLS = frozenset({"td", "th"})
_ROW = frozenset({"tr"})
_BLOCKS = frozenset(
    {
        *_HEADINGS, *_CELLS, "address", "article", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt",
        "figcaption", "figure", "header", "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody",
        "thead", "tr", "ul",
    }
)  # fmt: skip
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => h2:fresh"


def of_markdown(text: str) -> Iterator[Block]:
    """Read Markdown, with tables and with whatever HTML it holds."""
    from markdown_it import MarkdownIt

    return of_html(MarkdownIt("commonmark").enable("table").render(text))


def of_docx(content: bytes) -> Iterator[Block]:
    """Read a Word document: styled headings, paragraphs, lists, tables; no pictures."""
    import mammoth

    picture = mammoth.images.img_element(lambda _image: {"src": ""})
    return of_html(mammoth.convert_to_html(io.BytesIO(content), convert_image=picture, style_map=_STYLES).value)


def of_html(text: str) -> Iterator[Block]:
    """Read HTML."""
    page = LexborHTMLParser(text)
    page.strip_tags(_AROUND)
    mains = page.css(_MAIN)
    root = mains[0] if len(mains) == 1 else page.body
    return _Walk().over(root) if root is not None else iter(())


class _Walk:
    """Goes through a page in its order, and gathers the texts of each block element."""

    def __init__(self) -> None:
        self._element: LexborNode | None = None
        self._pieces: list[str] = []
        self._told_rows: set[int] = set()
        self._header: Sequence[str] = ()

    def over(self, root: LexborNode) -> Iterator[Block]:
        """Yield the blocks below an element."""
        for node in root.traverse(include_text=True):
            if node.tag == "table":
                self._header = ()
            elif node.tag == "br":
                self._pieces.append("\n")
            elif node.tag == "tr" and node.css_first("table, h1, h2, h3, h4, h5, h6") is None:
                yield from self._gathered()
                yield from self._row(node)
            elif node.tag == "-text" and not self._is_told(node):
                block = _nearest(node, _BLOCKS) or root
                if self._element is None or self._element.mem_id != block.mem_id:
                    yield from self._gathered()
                    self._element = block
                self._pieces.append(node.text_content or "")
        yield from self._gathered()

    def _gathered(self) -> Iterator[Block]:
        text, tag = _plain("".join(self._pieces)), self._element.tag if self._element else None
        self._element, self._pieces = None, []
        if text and tag in _HEADINGS:
            yield Block(Kind.HEADING, text, _HEADINGS[tag])
        elif text:
            yield Block(Kind.PARAGRAPH, f"- {text}" if tag == "li" else text)

    def _row(self, row: LexborNode) -> Iterator[Block]:
        """Yield a table's row, each cell with the head of its column; the heads themselves are no row."""
        self._told_rows.add(row.mem_id)
        cells = [cell for cell in row.iter() if cell.tag in _CELLS]
        texts = [_plain(cell.text(separator=" ")) for cell in cells]
        if cells and all(cell.tag == "th" for cell in cells):
            self._header = texts
        elif text := record(self._header, texts):
            yield Block(Kind.ROW, text)

    def _is_told(self, text: LexborNode) -> bool:
        row = _nearest(text, _ROW) if self._told_rows else None
        return row is not None and row.mem_id in self._told_rows


def record(header: Sequence[str], cells: Sequence[str]) -> str:
    """Return a row as a text: each cell after the head of its column, where the row has as many; empty ones are left out."""
    if len(header) != len(cells):
        return " | ".join(filter(None, cells))
    return "; ".join(f"{head}: {cell}" if head else cell for head, cell in zip(header, cells, strict=True) if cell)


def _nearest(node: LexborNode, tags: frozenset[str]) -> LexborNode | None:
    found: LexborNode | None = node
    while found is not None and found.tag not in tags:
        found = found.parent
    return found


def _plain(text: str) -> str:
    return " ".join(text.split())
