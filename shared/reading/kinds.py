"""What a file is, by what is in it. Its name decides only between kinds of text, where a mistake does no harm."""

import codecs
import io
import re
import zipfile
from contextlib import suppress

from shared.reading.blocks import Unreadable

TEXT, MARKDOWN, HTML, CSV = "text/plain", "text/markdown", "text/html", "text/csv"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

MOST_UNPACKED = 100_000_000
_PDF_WITHIN = 1024
_MARKUP = re.compile(
    r"(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype html|html|head|body|article|main)\b", re.IGNORECASE | re.DOTALL
)
_BY_NAME = {"md": MARKDOWN, "markdown": MARKDOWN, "htm": HTML, "html": HTML, "csv": CSV, "tsv": CSV}
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Word's old format; a DOCX with a password is wrapped in it too."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def kind_of(content: bytes, name: str) -> str:
    """Return the media type. Raises Unreadable."""
    if not content.strip():
        raise Unreadable("empty")
    if b"%PDF-" in content[:_PDF_WITHIN]:
        return PDF
    if content.startswith(b"PK"):
        return _packed(content)
    if content.startswith(_OLD_OFFICE):
        raise Unreadable("encrypted" if "EncryptedPackage".encode("utf-16-le") in content else "kind_unknown")
    if _MARKUP.match(decoded(content).lstrip()):
        return HTML
    return _BY_NAME.get(name.rpartition(".")[2].lower(), TEXT)


def decoded(content: bytes) -> str:
    """Return a text file's text, in the first encoding that fits. Raises Unreadable for what is none."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError):
            text = content.decode(encoding)
            if not _FORBIDDEN.search(text):
                return text
    raise Unreadable("kind_unknown")


def _packed(content: bytes) -> str:
    """Tell a DOCX from other archives. No member gives more than the size it declares: `zipfile` sees to that."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Unreadable("damaged") from error
    if not any(member.filename == "word/document.xml" for member in members):
        raise Unreadable("kind_unknown")
    if sum(member.file_size for member in members) > MOST_UNPACKED:
        raise Unreadable("unpacks_too_large")
    return DOCX
