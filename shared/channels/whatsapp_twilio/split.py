"""
Cuts WhatsApp text into parts that Twilio takes: at most 1,600 UTF-16 code units (its error 21617), 1,500 by our choice.

A cut falls between paragraphs where it can, else between lines, sentences or words, and only then between graphemes.
Formatting that a cut would tear is closed before it and opened again after it; the rest of a quoted line is quoted
again. An address longer than the limit may take the room up to the hard limit. Three things are cut although it hurts:
an address longer than the hard limit; a grapheme longer than it (between code points); and, where the limit is too
small for the markers themselves, formatting (which is then left unclosed).
"""

from collections.abc import Iterator
from typing import Final

import regex  # type: ignore[import-untyped]

from shared.channels.whatsapp_twilio.page import Cut, Page, utf16_length

__all__ = ["HARD_LIMIT", "PART_LIMIT", "TRUNCATED", "split", "truncate", "utf16_length"]

PART_LIMIT: Final = 1500
HARD_LIMIT: Final = 1600
"""UTF-16 code units: Twilio refuses a longer body."""

TRUNCATED: Final = "[Message truncated]"

_LEAST: Final = 2
"""Units of the widest code point: no part can promise less."""

_STUB: Final = 8
"""A better kind of break is passed over where it would leave less than this fraction of the limit: a lone heading."""

_PARAGRAPH: Final = regex.compile(r"\n[^\S\n]*\n(?:[^\S\n]*\n)*")
_LINE: Final = regex.compile(r"\n")
_SENTENCE: Final = regex.compile(
    r"""
    (?<= [.!?…؟۔] [*_~`)\]"'”’»]{0,4} ) (?<! (?:^|\n)[ >]{0,12}\d{1,9}\. ) \s+    # not after a list's number
    | (?<= [。！？।] [*_~`」』”’]{0,4} ) (?! [*_~`」』”’] ) \s*
    """,
    regex.VERBOSE,
)
_WORD: Final = regex.compile(r"(?<!(?:^|\n)[ >]{0,12}(?:[-*>◦☐☑]|\d{1,9}[.)]))\s+")  # nor after its mark
_KINDS: Final = (_PARAGRAPH, _LINE, _SENTENCE, _WORD)


def split(text: str, limit: int = PART_LIMIT, hard_limit: int = HARD_LIMIT) -> list[str]:
    """
    Return the parts of a text in order, none empty: each at most `limit` units, or `hard_limit` for a long address.

    Only white space at cuts and around the text is left out. Raises ValueError for a limit below 2.
    """
    limit = min(limit, hard_limit)
    if limit < _LEAST:
        raise ValueError("limit too small")
    page = Page(text.strip())
    parts, start = [], 0
    while start < len(page.text):
        cut = next(_choices(page, start, limit, hard_limit))
        parts.append(page.part(start, cut))
        start = cut.resume
    return parts


def truncate(text: str, hard_limit: int = HARD_LIMIT) -> str:
    """Return the text, or as much of it as leaves room to say so. Raises ValueError where there is no such room."""
    page = Page(text.strip())
    if page.fits(0, page.end, hard_limit):
        return page.text
    room = hard_limit - utf16_length(f"\n\n{TRUNCATED}")
    if room < _LEAST:
        raise ValueError("limit too small")
    cut = next(_cuts_of(page, 0, room, (_WORD,), room // 2), None) or next(_forced(page, 0, room))
    return f"{page.part(0, cut)}\n\n{TRUNCATED}"


def _choices(page: Page, start: int, limit: int, hard_limit: int) -> Iterator[Cut]:
    """Yield where a part that begins at `start` may end, the best place first. There always is one."""
    if page.fits(start, page.end, limit):
        yield page.end
    yield from _cuts_of(page, start, limit, _KINDS, limit // _STUB)
    yield from _cuts_of(page, start, limit, _KINDS, 0)
    word = page.first(_WORD, start)
    if page.has_url(start, word.end) and page.fits(start, word, hard_limit):
        yield word
    yield from _forced(page, start, limit, hard_limit)


def _cuts_of(page: Page, start: int, limit: int, kinds: tuple[regex.Pattern, ...], least: int) -> Iterator[Cut]:
    """Yield breaks of the better kinds first, and of each kind the last first."""
    for kind in kinds:
        cuts = page.cuts(kind, start, limit, within_fence=kind in {_LINE, _WORD})
        yield from (cut for cut in cuts if page.length(start, cut.end) >= least and page.fits(start, cut, limit))


def _forced(page: Page, start: int, limit: int, hard_limit: int = 0) -> Iterator[Cut]:
    """Yield cuts where there is no break: between graphemes, then in an address, last of all without regard to markup."""
    graphemes = page.graphemes(start, max(limit, hard_limit))
    whole = [cut for cut in graphemes if not page.tears(cut) and not page.in_url(cut)]
    yield from (cut for cut in reversed(whole) if page.fits(start, cut, limit))
    yield from (cut for cut in whole if page.fits(start, cut, hard_limit))
    yield from (cut for cut in reversed(graphemes) if not page.tears(cut) and page.fits(start, cut, limit))
    bare = [Cut(cut.end, cut.resume, is_bare=True) for cut in graphemes]
    yield from (cut for cut in reversed(bare) if page.fits(start, cut, limit))
    end = page.reach(start, limit)
    yield Cut(end, end, is_bare=True)
