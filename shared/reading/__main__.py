"""`python -m shared.reading NAME`: a file from stdin, its passages as JSON to stdout, within limits."""

import os
import resource
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace

import orjson

from shared.reading.blocks import MOST_TEXT, Block, Unreadable
from shared.reading.html import of_docx, of_html, of_markdown
from shared.reading.kinds import CSV, DOCX, HTML, MARKDOWN, PDF, TEXT, decoded, kind_of
from shared.reading.passages import passages
from shared.reading.plain import of_csv, of_text

_CPU_SECONDS = 60
_MEMORY = 512 << 20
_NICE = 10
_MANY_FILES = 32

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co"})
_MEANT = frozenset("\n\t\u200c\u200d")
"""Line ends, and the joiners that some scripts need."""


def _of_pdf(content: bytes) -> Iterator[Block]:
    from shared.reading.pdf import of_pdf

    return of_pdf(content)


_READERS: Mapping[str, Callable[[bytes], Iterable[Block]]] = {
    PDF: _of_pdf,
    DOCX: of_docx,
    TEXT: lambda content: of_text(decoded(content)),
    MARKDOWN: lambda content: of_markdown(decoded(content)),
    HTML: lambda content: of_html(decoded(content)),
    CSV: lambda content: of_csv(decoded(content)),
}


def read(content: bytes, name: str) -> dict[str, object]:
    """Return the media type and the passages, or why there are none."""
    kind = ""
    try:
        kind = kind_of(content, name)
        found = [asdict(passage) for passage in passages(_bounded(_READERS[kind](content)))]
    except Unreadable as unreadable:
        return {"kind": kind, "failure": unreadable.failure}
    except MemoryError:
        return {"kind": kind, "failure": "too_large_to_read"}
    except Exception:  # noqa: BLE001 - whatever a parser does with a hostile file
        return {"kind": kind, "failure": "damaged"}
    return {"kind": kind, "passages": found} if found else {"kind": kind, "failure": "no_text"}


def _bounded(blocks: Iterable[Block]) -> Iterator[Block]:
    total = 0
    for block in blocks:
        text = _visible(block.text)
        total += len(text)
        if total > MOST_TEXT:
            raise Unreadable("too_much_text")
        if text:
            yield replace(block, text=text)


def _visible(text: str) -> str:
    """Return a text in composed form without signs that nobody sees: they hide instructions and keep words from being found."""
    shown = (sign for sign in text if sign in _MEANT or unicodedata.category(sign) not in _INVISIBLE)
    return unicodedata.normalize("NFC", "".join(shown)).strip()


_OUTWARD = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "ctypes.")
"""Audit events of what leads out of this process: a file that names an address must not get it called."""


def _stay_inside(event: str, _arguments: object) -> None:
    if event.startswith(_OUTWARD):
        raise Unreadable("damaged")


def _confine() -> None:
    """Let this process take only so much of the machine, write no file and talk to nobody."""
    sys.addaudithook(_stay_inside)
    os.nice(_NICE)
    for limit, most in (
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _MANY_FILES),
    ):
        resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    _confine()
    sys.stdout.buffer.write(orjson.dumps(read(sys.stdin.buffer.read(), sys.argv[1])))
