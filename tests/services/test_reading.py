"""Files of every kind, good and bad, as they are read."""

import io
import itertools
import subprocess
import sys
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter

from shared.reading import sandbox
from shared.reading.__main__ import read
from shared.reading.blocks import FAILURES, MOST_TEXT, Block, Kind
from shared.reading.kinds import CSV, DOCX, HTML, MARKDOWN, PDF, TEXT
from shared.reading.passages import MOST, Passage, passages
from tests.files import a_docx, a_pdf, a_zip, paragraph

Told = list[tuple[str, str, int | None]]


def told(content: bytes, name: str) -> Told:
    """Return what a file says: heading, text and page of each passage."""
    found: Any = read(content, name)
    return [(it["heading"], it["text"], it["page"]) for it in found["passages"]]


def failure(content: bytes, name: str) -> object:
    found = read(content, name)
    assert found["failure"] in FAILURES
    return found["failure"]


HOURS = "We open at nine (Sundays: at ten)."
EXPECTED: Told = [("Hours", HOURS, None), ("Rooms", "Room: Double; Price: 120\nRoom: Single; Price: 80", None)]


def test_a_pdf_is_read_page_by_page() -> None:
    """
    Lines that only the width of the page broke are joined, words that it parted too.
    """
    assert told(a_pdf("Breakfast is in-\ncluded.", HOURS), "a.pdf") == [
        ("", f"Breakfast is included.\n{HOURS}", 1),
    ]


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (
            a_docx(
                paragraph("Hours", "Heading1") + paragraph(HOURS) + paragraph("Rooms", "Heading1")
                + paragraph("Room: Double; Price: 120") + paragraph("Room: Single; Price: 80")
            ),
            "a.docx",
            DOCX,
        ),
        (
            f"# Hours\n\n{HOURS}\n\n# Rooms\n\n|Room|Price|\n|---|---|\n|Double|120|\n|Single|80|\n".encode(),
            "a.md",
            MARKDOWN,
        ),
        (
            b"""<!DOCTYPE html><html><head><title>T</title><style>p {}</style></head><body><nav><a>Home</a></nav>
            <main><h1>Hours</h1><p>We <b>open</b> at nine (Sundays: at ten).</p><script>alert()</script><h1>Rooms</h1>
            <table><tr><th>Room<th>Price<tr><td>Double<td>120<tr><td><p>Single</p><td>80</table></main>
            <footer>Imprint</footer></body></html>""",
            "a.html",
            HTML,
        ),
    ],
)  # fmt: skip
def test_structure_is_kept_whatever_the_kind(content: bytes, name: str, kind: str) -> None:
    """
    Headings lead to what stands under them, rows tell what their columns are; menus, scripts and footers are left out.
    """
    assert read(content, name)["kind"] == kind
    assert told(content, name) == EXPECTED


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_as_text_is_read_as_records(separator: str) -> None:
    """
    Named by its first row; cells without anything are left out.
    """
    rows = [["Item", "Price", "Note"], ["Tyre", "30", ""], ["Bell", "9", "loud"]]
    content = "\n".join(separator.join(row) for row in rows).encode()
    assert read(content, "a.csv")["kind"] == CSV
    assert told(content, "a.csv") == [("", "Item: Tyre; Price: 30\nItem: Bell; Price: 9; Note: loud", None)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_encoding_that_it_has(encoding: str) -> None:
    """
    Also where it is not UTF-8.
    """
    text = "Perché la città è così: più caffè, però niente tè. Già, è la verità."
    assert told(text.encode(encoding), "a.txt") == [("", text, None)]


def test_what_a_file_is_called_does_not_matter() -> None:
    """
    A PDF that is called a text is a PDF, a page that is called a table is a page.
    """
    assert read(a_pdf("Hello"), "a.txt")["kind"] == PDF
    assert read(a_docx(paragraph("Hello")), "a.pdf")["kind"] == DOCX
    assert read(b"<!doctype html><p>Hello</p>", "a.csv")["kind"] == HTML
    assert read(b"Hello", "a.pdf")["kind"] == TEXT


def test_signs_that_nobody_sees_are_left_out() -> None:
    """
    They hide instructions, and keep words from being found.
    """
    assert told("Wel\u00adcome\u200b to\U000e0041 us".encode(), "a.txt") == [("", "Welcome to us", None)]


def locked(user_password: str) -> bytes:
    writer, file = PdfWriter(clone_from=PdfReader(io.BytesIO(a_pdf("Secret plans")))), io.BytesIO()
    writer.encrypt(user_password, "owner", algorithm="AES-256")
    writer.write(file)
    return file.getvalue()


def test_a_pdf_with_a_password_is_refused_and_one_that_only_forbids_copies_is_read() -> None:
    """
    Whoever may open it may read it.
    """
    assert failure(locked("user"), "a.pdf") == "encrypted"
    assert told(locked(""), "a.pdf") == [("", "Secret plans", 1)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "kind_unknown"),
        (b"\x7fELF\x02\x01\x01\x00", "kind_unknown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "kind_unknown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (a_zip({"readme.txt": "hello"}), "kind_unknown"),
        (b"PK\x03\x04 and then nothing", "damaged"),
        (a_docx("<w:p>")[:-200], "damaged"),
        (a_docx("<w:p>"), "damaged"),
        (b"%PDF-1.7\nand then nothing", "damaged"),
        (a_pdf("Hello")[:200], "damaged"),
        (a_pdf(""), "no_text"),
        (b"<!doctype html><nav>Menu</nav>", "no_text"),
        (a_zip({"word/document.xml": "x" * 100_000_001}), "unpacks_too_large"),
        (a_pdf(*["x"] * 2001), "too_many_pages"),
        (b"word " * (MOST_TEXT // 4), "too_much_text"),
        (
            a_zip({"word/document.xml": '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
                f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in itertools.pairwise("abcdefghi")
            ) + "]><x>&i;</x>"}),
            "damaged",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_reason(content: bytes, why: str) -> None:
    """
    Wrong kinds, damaged and empty files, and such as unpack to more than anybody wrote.
    """
    assert failure(content, "a.pdf") == why


async def test_a_file_is_read_in_a_process_of_its_own() -> None:
    """
    With the same result.
    """
    found = await sandbox.read(a_pdf(HOURS), "a.pdf")
    assert found == sandbox.Reading(PDF, (Passage(HOURS, "", 1),))


CONFINED = """
import runpy, socket, sys
sys.argv = ["reading", "a.txt"]
runpy.run_module("shared.reading", run_name="__main__")
{attempt}
"""


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.getaddrinfo('example.org', 80)",
        "import os; os.system('true')",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.fork()",
    ],
)
def test_what_reads_files_can_call_nobody_and_start_nothing(attempt: str) -> None:
    """
    Whatever a file names: an address, or a program.
    """
    ended = subprocess.run(
        [sys.executable, "-c", CONFINED.format(attempt=attempt)], input=b"Hello", capture_output=True, check=False
    )
    assert b'"passages"' in ended.stdout
    assert ended.stderr.endswith(b"Unreadable: damaged\n")


async def test_a_file_that_takes_for_ever_ends_with_its_process() -> None:
    """
    Nobody waits longer than the limit.
    """
    assert (await sandbox.read(a_pdf(HOURS), "a.pdf", seconds=0.001)).failure == "too_slow"


async def test_a_file_that_wants_all_the_memory_gets_a_bounded_part_of_it() -> None:
    """
    It is refused, and nothing else notices.
    """
    assert (await sandbox.read(b"<!doctype html>" + b"<p>" * 6_000_000, "a.html")).failure == "damaged"


def paragraphs(*texts: str) -> list[Block]:
    return [Block(Kind.PARAGRAPH, text) for text in texts]


def test_passages_are_of_about_a_thousand_characters_and_overlap() -> None:
    """
    Each but the last is of 800 to 1,200; each begins with the end of the one before, at a sentence.
    """
    sentences = [f"This is sentence number {n} of a long text." for n in range(100)]
    found = list(passages(paragraphs(" ".join(sentences))))
    assert all(800 <= len(it.text) <= MOST for it in found[:-1])
    for before, after in itertools.pairwise(found):
        shared = before.text[before.text.rindex(after.text[:30]) :]
        assert after.text.startswith(shared)
        assert 40 < len(shared) <= 150
    assert all(any(sentence in it.text for it in found) for sentence in sentences)


def test_a_passage_does_not_reach_over_a_heading() -> None:
    """
    It knows under which headings it stands: deeper ones end with the next one above them.
    """
    document = [
        Block(Kind.HEADING, "Hotel", 1), *paragraphs("a"), Block(Kind.HEADING, "Rooms", 2), *paragraphs("b"),
        Block(Kind.HEADING, "Prices", 3), *paragraphs("c"), Block(Kind.HEADING, "Spa", 2), *paragraphs("d"),
    ]  # fmt: skip
    assert [(it.heading, it.text) for it in passages(document)] == [
        ("Hotel", "a"),
        ("Hotel > Rooms", "b"),
        ("Hotel > Rooms > Prices", "c"),
        ("Hotel > Spa", "d"),
    ]


def test_rows_stay_whole_and_are_told_once() -> None:
    """
    A record that is in two passages would be found twice.
    """
    rows = [Block(Kind.ROW, f"Item: thing {n}; Price: {n}; Note: {'x' * 70}") for n in range(40)]
    found = "\n".join(it.text for it in passages(rows)).splitlines()
    assert found == [row.text for row in rows]


def test_a_text_without_any_place_to_cut_is_cut_anyway() -> None:
    """
    Nothing is lost.
    """
    found = [it.text for it in passages(paragraphs("x" * 5000))]
    assert max(map(len, found)) <= MOST
    assert sum(map(len, found)) == 5000
