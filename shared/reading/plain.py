"""Plain text, and tables as text."""

import csv
import re
from collections.abc import Iterator

from shared.reading.blocks import Block, Kind, Unreadable
from shared.reading.html import record

_BETWEEN = re.compile(r"\n[ \t]*\n\s*")
_SAMPLE = 10_000
_DELIMITERS = ",;\t|"


def of_text(text: str, page: int | None = None) -> Iterator[Block]:
    """Read paragraphs, which have empty lines between them."""
    for paragraph in _BETWEEN.split(text.replace("\r\n", "\n")):
        if paragraph.strip():
            yield Block(Kind.PARAGRAPH, paragraph.strip(), page=page)


def of_csv(text: str) -> Iterator[Block]:
    """Read rows as records, named by the first row."""
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:_SAMPLE], _DELIMITERS)
    except csv.Error:
        dialect = csv.excel
    header: list[str] | None = None
    try:
        for row in csv.reader(text.splitlines(keepends=True), dialect, strict=True):
            cells = [" ".join(cell.split()) for cell in row]
            if header is None:
                header = cells
            elif told := record(header, cells):
                yield Block(Kind.ROW, told)
    except csv.Error as error:
        raise Unreadable("damaged") from error
