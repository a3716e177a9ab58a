"""
One small model of WhatsApp's text formatting, for those who write it and those who cut it.

WhatsApp publishes no grammar; this is the strict reading of its help pages. An emphasis marker opens before a
character that is no space and after one that is no letter or digit, closes the other way round, and never crosses a
line break. Code in single backticks stays in its line, code in triple backticks need not. Nothing is interpreted in
code, nor in an address that WhatsApp makes a link. There is no escape character: an invisible `BREAK` beside a marker
keeps it from touching text.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

BOLD: Final = "*"
ITALIC: Final = "_"
STRIKE: Final = "~"
CODE: Final = "`"
FENCE: Final = "```"
EMPHASIS: Final = (BOLD, ITALIC, STRIKE)
MARKERS: Final = frozenset((*EMPHASIS, CODE))
QUOTE: Final = "> "

BREAK: Final = "\u200b"
"""Zero width space: parts a marker from the text, and is no letter."""

_BRACKETS_CLOSE: Final = {")": "(", "]": "["}
_TRAILING: Final = frozenset(".,;:!?'*_~…")
_URL: Final = re.compile(
    r"""
    (?<![^\W_])                                          # after `_` too: it may be a marker
    (?: [a-z][a-z0-9+.-]{1,15}:// | www\. | (?<![.@-])(?:[a-z0-9-]+\.)+[a-z]{2,18}/ )
    (?: [^\s\u200b<>"`\[\]“”„‘’«»、。，！？；：（）「」『』【】《》] | \[ [^\s\u200b<>"`\[\]]* \] )+
    """,
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class Span:
    """A formatted stretch of a text, its two markers included."""

    marker: str
    start: int
    end: int

    @property
    def inner(self) -> tuple[int, int]:
        """Where the content begins and ends."""
        return self.start + len(self.marker), self.end - len(self.marker)


def is_word(char: str) -> bool:
    """Tell whether a marker beside this character would stand inside a word. The edge of a line is the empty string."""
    return char.isalnum() or (char != "" and unicodedata.category(char).startswith("M"))


def is_space(char: str) -> bool:
    """Tell whether a marker beside this character does not touch text."""
    return char in {"", BREAK} or char.isspace()


def urls(text: str) -> list[tuple[int, int]]:
    """Return where addresses stand that WhatsApp makes links of, without the punctuation behind them."""
    found = ((match.start(), _url_end(text, match.start(), match.end())) for match in _URL.finditer(text))
    return [(start, end) for start, end in found if end > start]


def _url_end(text: str, start: int, end: int) -> int:
    """Leave out what belongs to the sentence: closing punctuation, markers, a bracket opened before the address."""
    while end > start:
        last = text[end - 1]
        opening = _BRACKETS_CLOSE.get(last)
        unbalanced = opening and text.count(last, start, end) > text.count(opening, start, end)
        if last not in _TRAILING and not unbalanced:
            break
        end -= 1
    return end


def spans(text: str) -> list[Span]:
    """Return every formatted stretch, outer ones before those inside them. Markers left over are plain characters."""
    fenced = list(_fences(text))
    closed = {span.start: span.end for span in fenced} | dict(urls(text))
    found = list(fenced)
    opened: list[int] = []
    at = 0
    while at < len(text):
        code = None if at in closed else _code(text, at)
        if code:
            found.append(code)
        end = code.end if code else closed.get(at, at + 1)
        if "\n" in text[at:end]:
            opened.clear()
        elif text[at] in EMPHASIS:
            found.extend(_emphasis(text, at, opened))
        at = end
    return sorted(found, key=lambda span: (span.start, -span.end))


def _fences(text: str) -> Iterator[Span]:
    start = text.find(FENCE)
    while start >= 0 and (end := text.find(FENCE, start + len(FENCE))) >= 0:
        if text[start + len(FENCE) : end].strip(BREAK + " \n"):
            yield Span(FENCE, start, end + len(FENCE))
            end += len(FENCE)
        start = text.find(FENCE, end)


def _code(text: str, start: int) -> Span | None:
    """Return the code in single backticks that begins here."""
    if text[start] != CODE or (end := text.find(CODE, start + 1)) < 0:
        return None
    content = text[start + 1 : end]
    if not content or "\n" in content or is_space(content[0]) or is_space(content[-1]):
        return None
    return Span(CODE, start, end + 1)


def _emphasis(text: str, at: int, opened: list[int]) -> Iterator[Span]:
    """Close the stretch that this marker ends, with whatever stayed open inside it; else open one where it can."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    same = [start for start in opened if text[start] == text[at]]
    if same and same[-1] < at - 1 and not is_space(before) and not is_word(after):
        del opened[opened.index(same[-1]) :]
        yield Span(text[at], same[-1], at + 1)
    elif not same and not is_word(before) and not is_space(after):
        opened.append(at)
