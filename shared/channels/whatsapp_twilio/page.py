"""A WhatsApp text and where it may be cut, measured in UTF-16 code units."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import regex  # type: ignore[import-untyped]

from shared.channels.whatsapp_twilio.markup import FENCE, QUOTE, Span, spans, urls

_BMP: Final = "\uffff"
_GRAPHEME: Final = regex.compile(r"\X")


def utf16_length(text: str) -> int:
    """Count UTF-16 code units, as Twilio does: most emoji are two or more."""
    return len(text) + sum(char > _BMP for char in text)


@dataclass(frozen=True)
class Cut:
    """Where a part ends and the next begins; between them is only white space. A bare one adds no markers."""

    end: int
    resume: int
    is_bare: bool = False


class Page:
    """A text, its formatting and its addresses. Positions are indices of code points, lengths are units."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = Cut(len(text), len(text))
        self._units = [0, *accumulate(2 if char > _BMP else 1 for char in text)]
        self._spans = spans(text)
        self._urls = urls(text)

    def length(self, start: int, end: int) -> int:
        """Return the units from one position to another."""
        return self._units[end] - self._units[start]

    def reach(self, start: int, units: int) -> int:
        """Return the furthest position within so many units."""
        return bisect_right(self._units, self._units[start] + units) - 1

    def part(self, start: int, cut: Cut) -> str:
        """Return a part, with the markers that it must open again and close."""
        opening, closing = self._markers(start, cut)
        return opening + self.text[start : cut.end] + closing

    def fits(self, start: int, cut: Cut, limit: int) -> bool:
        """Tell whether a part with its markers is not empty and within a limit."""
        opening, closing = self._markers(start, cut)
        return start < cut.end and len(opening) + self.length(start, cut.end) + len(closing) <= limit

    def cuts(self, kind: regex.Pattern, start: int, units: int, *, within_fence: bool) -> list[Cut]:
        """Return the breaks of a kind within so many units, the last first."""
        matches = kind.finditer(self.text, start + 1, min(self.reach(start, units) + 1, len(self.text)))
        cuts = [self._cut(match.start(), match.end()) for match in matches]
        allowed = (cut for cut in cuts if cut.end > start and not self.tears(cut) and not self.in_url(cut))
        return [cut for cut in allowed if within_fence or not self._fence(cut.end)][::-1]

    def first(self, kind: regex.Pattern, start: int) -> Cut:
        """Return the first break of a kind, or the end."""
        match = kind.search(self.text, start + 1)
        return self._cut(match.start(), match.end()) if match else self.end

    def graphemes(self, start: int, units: int) -> list[Cut]:
        """Return the cuts between graphemes within so many units. The lookahead of one sees whether the last is whole."""
        reach = self.reach(start, units)
        ends = [match.end() for match in _GRAPHEME.finditer(self.text, start, min(reach + 2, len(self.text)))]
        return [self._cut(end, end) for end in ends if end <= reach and self.text[start:end].strip()]

    def tears(self, cut: Cut) -> bool:
        """Tell whether a cut would part a marker from the text that it formats."""
        return any(
            span.start < cut.end and cut.resume < span.end and not self._is_inside(span, cut.end, cut.resume)
            for span in self._spans
        )

    def in_url(self, cut: Cut) -> bool:
        """Tell whether a cut would break an address."""
        return any(start < cut.end < end for start, end in self._urls)

    def has_url(self, start: int, end: int) -> bool:
        """Tell whether an address begins between two positions."""
        return any(start <= first < end for first, _ in self._urls)

    def _cut(self, end: int, resume: int) -> Cut:
        """Leave the white space at a cut out of both parts, save what indents a line of code."""
        end = len(self.text[:end].rstrip())
        if not self._fence(end):
            resume += len(self.text[resume:]) - len(self.text[resume:].lstrip())
        return Cut(end, resume)

    def _markers(self, start: int, cut: Cut) -> tuple[str, str]:
        if cut.is_bare:
            return "", ""
        opened = [span.marker for span in self._spans if self._is_inside(span, start, start)]
        unclosed = [span.marker for span in self._spans if self._is_inside(span, cut.end, cut.resume)]
        quote = QUOTE if self._is_quoted(start) else ""
        return quote + "".join(opened), "".join(reversed(unclosed))

    def _is_inside(self, span: Span, end: int, resume: int) -> bool:
        """Tell whether there is formatted text on both sides of a cut."""
        first, last = span.inner
        return first < end and resume < last and bool(self.text[first:end].strip() and self.text[resume:last].strip())

    def _is_quoted(self, at: int) -> bool:
        """Tell whether a position is within a quoted line, past its mark."""
        line = self.text.rfind("\n", 0, at) + 1
        return at >= line + len(QUOTE) and self.text.startswith(QUOTE, line) and not self._fence(at)

    def _fence(self, at: int) -> bool:
        return any(span.marker == FENCE and span.start < at < span.end for span in self._spans)
