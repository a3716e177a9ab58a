"""What every kind of file is read as: headings, paragraphs and rows, in their order."""

from dataclasses import dataclass
from enum import Enum

MOST_TEXT = 2_000_000
"""Characters that a document may hold."""


class Kind(Enum):
    """Kinds of blocks."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ROW = "row"


@dataclass(frozen=True)
class Block:
    """A piece of a document. `level`: of a heading, 1 is the highest. `page`: where there are pages, the first is 1."""

    kind: Kind
    text: str
    level: int = 0
    page: int | None = None


class Unreadable(Exception):
    """The file cannot be read. Names one of `FAILURES`."""

    def __init__(self, failure: str) -> None:
        super().__init__(failure)
        self.failure = failure


FAILURES = {
    "kind_unknown": "This kind of file is not read: send text, Markdown, HTML, PDF, DOCX or CSV.",
    "empty": "The file is empty.",
    "no_text": "There is no text in it. What was scanned needs text recognition first.",
    "encrypted": "It is protected by a password. Save it without one.",
    "damaged": "The file is damaged, or is not what it says it is.",
    "unpacks_too_large": "It unpacks to more than 100 MB.",
    "too_many_pages": "It has more than 2,000 pages.",
    "too_much_text": f"It holds more than {MOST_TEXT:,} characters. Split it.",
    "too_slow": "Reading it took too long.",
    "too_large_to_read": "Reading it took too much memory.",
    "given_up": "Indexing it was begun several times and never ended.",
}
"""What can be wrong with a document, in words."""
