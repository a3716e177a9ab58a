"""Cuts a document into passages: by its headings, paragraphs and rows, of about 1,000 characters, which overlap a little."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat

from shared.reading.blocks import Block, Kind

ENOUGH, MOST = 1000, 1200
_OVERLAP = 150
_LONGEST_HEADING = 200
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True)
class Passage:
    """A piece of a document that is found as one. `heading`: the headings that it stands under, the outermost first."""

    text: str
    heading: str = ""
    page: int | None = None


@dataclass
class _Open:
    """
    A passage that is being filled. Each piece begins with what parts it from the one before.

    `begun`: how many of them the passage before has too.
    """

    pieces: list[str] = field(default_factory=list)
    page: int | None = None
    begun: int = 0

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    @property
    def has_news(self) -> bool:
        return len(self.pieces) > self.begun

    def take(self, piece: str, page: int | None) -> None:
        self.page = self.page if self.has_news else page
        self.pieces.append(piece)

    def next(self) -> "_Open":
        """Return the next passage, which begins with the end of this one."""
        kept: list[str] = []
        for piece in reversed(self.pieces):
            if sum(map(len, kept)) + len(piece) > _OVERLAP:
                break
            kept.insert(0, piece)
        return _Open(kept, None, len(kept))


def passages(blocks: Iterable[Block]) -> Iterator[Passage]:
    """Yield the passages. None reaches over a heading; rows stay whole and do not overlap."""
    path: list[Block] = []
    now = _Open()
    for block in blocks:
        if block.kind is Kind.HEADING:
            yield from _closed(now, path)
            now, path = _Open(), [*(above for above in path if above.level < block.level), block]
            continue
        for piece in _pieces(block):
            if now.has_news and len(now) + len(piece) > (MOST if len(now) < ENOUGH // 2 else ENOUGH):
                yield from _closed(now, path)
                now = _Open() if block.kind is Kind.ROW else now.next()
            now.take(piece, block.page)
    yield from _closed(now, path)


def _closed(now: _Open, path: Iterable[Block]) -> Iterator[Passage]:
    if now.has_news:
        heading = " > ".join(above.text[:_LONGEST_HEADING] for above in path)
        yield Passage("".join(now.pieces).strip(), heading, now.page)


def _pieces(block: Block) -> Iterator[str]:
    """Yield a block whole, or its sentences, or its words, as far as they have to be parted."""
    if len(block.text) <= ENOUGH // 2 or (block.kind is Kind.ROW and len(block.text) <= ENOUGH):
        yield f"\n{block.text}"
        return
    parts = (part for sentence in _SENTENCE_END.split(block.text) for part in _words(sentence))
    for between, part in zip(chain("\n", repeat(" ")), parts, strict=False):
        yield between + part


def _words(sentence: str) -> Iterator[str]:
    while len(sentence) > ENOUGH:
        cut = sentence.rfind(" ", ENOUGH // 2, ENOUGH)
        cut = cut if cut > 0 else ENOUGH
        yield sentence[:cut]
        sentence = sentence[cut:].lstrip()
    if sentence:
        yield sentence
