"""PDF: the text of each page."""

import io
import logging
import re
from collections.abc import Iterator

from pypdf import PdfReader
from pypdf.errors import PdfReadError

from shared.reading.blocks import Block, Unreadable
from shared.reading.plain import of_text

_MOST_PAGES = 2_000
_HYPHENATED = re.compile(r"(?<=\w)-\n(?=[^\W\d_])")
_LINE_END = re.compile(r"(?<!\n)\n(?!\n)")


def of_pdf(content: bytes) -> Iterator[Block]:
    """Read a PDF; one that opens without a password does, whatever else it forbids. Raises Unreadable."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("encrypted")
        if len(reader.pages) > _MOST_PAGES:
            raise Unreadable("too_many_pages")
        for number, page in enumerate(reader.pages, start=1):
            yield from of_text(_flowing(page.extract_text()), page=number)
    except PdfReadError as error:
        raise Unreadable("damaged") from error


def _flowing(text: str) -> str:
    """Undo the breaks that only the width of the page made."""
    return _LINE_END.sub(" ", _HYPHENATED.sub("", text))
