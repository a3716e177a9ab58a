"""
Writes styled text with WhatsApp's markers, so that it is formatted where it was meant to be and nowhere else.

Markers touch text, stand at the edges of words and are closed and reopened at line breaks. Literal markers which could
be taken for formatting get an invisible break. An address is never altered and never styled: a marker that touches it
might become part of the link.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.channels.whatsapp_twilio.markup import (
    BREAK,
    CODE,
    EMPHASIS,
    FENCE,
    MARKERS,
    Span,
    is_space,
    is_word,
    urls,
)

_ORDER: Final = (*EMPHASIS, FENCE, CODE)
_CODES: Final = frozenset((CODE, FENCE))


@dataclass(frozen=True)
class Run:
    """Text in one style: a set of markers. An address has none."""

    text: str
    styles: frozenset[str] = frozenset()
    is_url: bool = False


@dataclass(frozen=True)
class _Cell:
    """One character or marker of a line, and its part: `text`, `inert` (code, address), `open` or `close`."""

    text: str
    part: str = "text"
    styles: frozenset[str] = frozenset()

    @property
    def is_literal_marker(self) -> bool:
        return self.part == "text" and self.text in MARKERS


def write(runs: Iterable[Run]) -> str:
    """Return the runs as WhatsApp text, without blank lines and without spaces at the ends of lines."""
    lines: list[list[_Cell]] = [[]]
    for run in _parted(list(runs)):
        part = "inert" if run.is_url or run.styles & _CODES else "text"
        for char in run.text:
            if char == "\n":
                lines.append([])
            else:
                lines[-1].append(_Cell(char, part, run.styles))
    return "\n".join(filter(None, map(_line, lines)))


def code(text: str, styles: frozenset[str] = frozenset()) -> Run:
    """Return inline code. Where it contains a backtick it takes the triple ones."""
    if CODE not in text:
        return Run(text, styles | {CODE})
    return Run(fenced_content(text), styles | {FENCE})


def fenced_content(text: str) -> str:
    """Return code that can stand between triple backticks: none inside, and no single one at either end."""
    text = text.replace(FENCE, BREAK.join(FENCE))
    head = BREAK if text.startswith(CODE) else ""
    tail = BREAK if text.endswith(CODE) else ""
    return f"{head}{text}{tail}"


def _parted(runs: Sequence[Run]) -> Iterator[Run]:
    """Put a space where an address would otherwise run together with its neighbours."""
    for index, run in enumerate(runs):
        before = "".join(other.text for other in runs[max(index - 2, 0) : index])[-1:]
        after = "".join(other.text for other in runs[index + 1 : index + 4])
        if run.is_url and (is_word(before) or (runs[index - 1 : index] and runs[index - 1].is_url)):
            yield Run(" ")
        yield run
        if run.is_url and not is_space(after[:1]) and _grows(run.text, after):
            yield Run(" ")


def _grows(url: str, after: str) -> bool:
    """Tell whether an address would be read as longer than it is."""
    return any(start == 0 and end > len(url) for start, end in urls(url + after)[:1])


def _line(cells: list[_Cell]) -> str:
    """Write one line: markers first, then the breaks that they and literal markers need."""
    marked = list(_marked(_stripped(cells)))
    count = Counter(cell.text[0] for cell in marked if cell.part != "inert")
    out: list[str] = []
    for index, cell in enumerate(marked):
        before = marked[index - 1].text[-1] if index else ""
        after = marked[index + 1].text[0] if index + 1 < len(marked) else ""
        neutral = cell.is_literal_marker and count[cell.text] > 1 and _could_mark(before, cell.text, after)
        if (neutral and not is_space(before)) or (cell.part == "open" and is_word(before)):
            out.append(BREAK)
        out.append(cell.text)
        if (neutral and not is_space(after)) or (cell.part == "close" and is_word(after)):
            out.append(BREAK)
    return "".join(out).replace(BREAK + BREAK, BREAK)


def _could_mark(before: str, marker: str, after: str) -> bool:
    """Tell whether a literal marker could open or close something here. Backticks may do so within words."""
    inside_word = is_word(before) and is_word(after)
    return not (inside_word and marker in EMPHASIS)


def _stripped(cells: list[_Cell]) -> list[_Cell]:
    start, end = 0, len(cells)
    while start < end and cells[start].text.isspace():
        start += 1
    while end > start and cells[end - 1].text.isspace():
        end -= 1
    return cells[start:end]


def _marked(cells: list[_Cell]) -> Iterator[_Cell]:
    """Insert the markers around each styled stretch, the outermost first."""
    stretches = _nested([span for marker in _ORDER for span in _stretches(cells, marker)], cells)
    opens, closes = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
    for span in stretches:
        opens[span.start].append(span.marker)
        closes[span.end].insert(0, span.marker)
    for index in range(len(cells) + 1):
        yield from (_Cell(marker, "close") for marker in closes[index])
        yield from (_Cell(marker, "open") for marker in opens[index])
        yield from cells[index : index + 1]


def _stretches(cells: list[_Cell], marker: str) -> Iterator[Span]:
    """Find where a style applies. A `Span` here counts cells and has its markers outside."""
    start = 0
    for index in range(len(cells) + 1):
        if index < len(cells) and marker in cells[index].styles:
            continue
        if start < index:
            yield from _trimmed(cells, Span(marker, start, index))
        start = index + 1


def _trimmed(cells: list[_Cell], span: Span) -> Iterator[Span]:
    """Leave out what a marker must not touch: spaces, breaks and literal markers at either end."""
    start, end = span.start, span.end
    while start < end and _untouchable(cells[start]):
        start += 1
    while end > start and _untouchable(cells[end - 1]):
        end -= 1
    if start < end:
        yield Span(span.marker, start, end)


def _untouchable(cell: _Cell) -> bool:
    return cell.is_literal_marker or (is_space(cell.text) and not cell.styles & {FENCE}) or cell.text.isspace()


def _nested(spans: list[Span], cells: list[_Cell]) -> list[Span]:
    """Cut a stretch in two where it would overlap the end of another."""
    nested: list[Span] = []
    waiting = _sorted(spans)
    while waiting:
        span, *waiting = waiting
        cut = min((outer.end for outer in nested if outer.start <= span.start < outer.end < span.end), default=None)
        if cut is None:
            nested.append(span)
        else:
            halves = Span(span.marker, span.start, cut), Span(span.marker, cut, span.end)
            waiting = _sorted([*waiting, *(piece for half in halves for piece in _trimmed(cells, half))])
    return nested


def _sorted(spans: list[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: (span.start, -span.end, _ORDER.index(span.marker)))
