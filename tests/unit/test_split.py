"""How a long answer is cut into messages."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.model.article import ARTICLE
from shared.channels.whatsapp_twilio.dialect import render
from shared.channels.whatsapp_twilio.markup import spans, urls
from shared.channels.whatsapp_twilio.split import TRUNCATED, split, truncate, utf16_length

EXAMPLES = settings(derandomize=True, max_examples=100, deadline=None)
FAMILY = "👨\u200d👩\u200d👧\u200d👦"
FLAG = "🇩🇪"
ACCENTED = "e\u0301\u0323"
SPACES = re.compile(r"\s+")

PIECES = st.sampled_from(
    [
        "word",
        "two words",
        "A sentence. ",
        "*bold text*",
        "_italic_",
        "~*both of them*~",
        "`code here`",
        "```if a:\n  b```",
        "> a quoted line",
        "- an item",
        "12. an item",
        "https://example.org/a_b?c=d",
        FAMILY,
        FLAG,
        ACCENTED,
        "日本語。",
        "🙂",
    ]
)
GAPS = st.sampled_from(["\n\n", "\n", " "])


def squeezed(text: str) -> str:
    return SPACES.sub("", text)


def unmarked(text: str) -> str:
    """Return a text without white space and without anything that a cut may add."""
    return re.sub(r"[\s*_~`>]", "", text)


# The two limits


def test_units_are_counted_as_twilio_counts() -> None:
    """
    UTF-16: most emoji are two units, letters of whatever script one.
    """
    assert [utf16_length(text) for text in ("a", "é", "日", "🙂", FLAG, FAMILY)] == [1, 1, 1, 2, 4, 11]


def test_1500_units_are_one_message_and_one_more_makes_two() -> None:
    """
    The limit that parts aim at: 1,500 UTF-16 units.
    """
    assert len(split("a" * 1498 + "🙂")) == 1
    assert len(split("a" * 1499 + "🙂")) == 2


def test_an_address_may_take_a_message_to_1600_units_and_no_further() -> None:
    """
    What Twilio refuses begins at 1,601 units; until then an address is not broken.
    """
    address = "https://example.org/" + "a" * 1580
    assert split(address) == [address]
    assert len(split(address + "a")) == 2


def test_a_limit_above_the_hard_one_does_not_count() -> None:
    """
    A setting cannot allow what Twilio refuses.
    """
    assert [len(part) for part in split("a" * 250, 200, 100)] == [100, 100, 50]


@pytest.mark.parametrize("limit", [1, 0, -5])
def test_a_limit_that_no_emoji_fits_in_is_refused(limit: int) -> None:
    """
    No part could promise to keep to it.
    """
    with pytest.raises(ValueError, match="limit too small"):
        split("a", limit)


@pytest.mark.parametrize("text", ["", " ", "\n\n\t\n"])
def test_nothing_is_no_message(text: str) -> None:
    """
    White space is not sent.
    """
    assert split(text) == []


def test_a_short_text_is_sent_as_it_is() -> None:
    """
    Only the white space around it goes.
    """
    assert split("\n a *b*\n\nc \n", 100) == ["a *b*\n\nc"]


# Where it is cut


def test_paragraphs_are_the_best_place() -> None:
    """
    Rather than at a line or a sentence that would fill the part better.
    """
    assert split("One two.\n\nThree.\nFour. Five six", 28) == ["One two.", "Three.\nFour. Five six"]


def test_lines_come_next() -> None:
    """
    Within a paragraph the part ends at a line.
    """
    assert split("One.\nTwo three. Four five", 20) == ["One.", "Two three. Four five"]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One two. Three four five", "One two."),
        ("One two! Three four five", "One two!"),
        ("One _two?_ Three four five", "One _two?_"),
        ("One two… Three four five", "One two…"),
        ("日本語です。日本語ですよ、はい、そうですね、ええ", "日本語です。"),
        ("هل هذا؟ هذا هو النص كاملا هنا", "هل هذا؟"),
    ],
)
def test_then_sentences(text: str, first: str) -> None:
    """
    In every script that has marks for their ends.
    """
    assert split(text, 20)[0] == first


def test_then_words() -> None:
    """
    A word is not broken.
    """
    assert split("one two three four", 9) == ["one two", "three", "four"]


def test_a_word_that_is_too_long_is_cut() -> None:
    """
    There is nowhere else.
    """
    assert split("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]


def test_a_lone_heading_is_not_left_behind() -> None:
    """
    A paragraph break is passed over where it would make a tiny part.
    """
    assert split("Hi\n\n" + "word " * 20, 60)[0].startswith("Hi\n\nword")


@pytest.mark.parametrize("mark", ["-", "◦", "☐", "☑", "12.", "3)"])
def test_the_mark_of_an_item_is_not_parted_from_its_text(mark: str) -> None:
    """
    A bullet or a number alone at the end of a message says nothing.
    """
    assert split(f"introduction\n{mark} longlonglonglong", 20) == ["introduction", f"{mark} longlonglonglong"]
    assert split(f"{mark} longlonglonglong", 12)[0].startswith(f"{mark} long")


def test_a_numbered_list_goes_on_in_the_next_message_with_its_numbers() -> None:
    """
    Cut between items.
    """
    items = [f"{number}. item number {number}" for number in range(1, 31)]
    parts = split("\n".join(items), 100)
    assert [line for part in parts for line in part.split("\n")] == items


def test_the_number_of_an_item_is_not_the_end_of_a_sentence() -> None:
    """
    Though a full stop and a space follow it.
    """
    assert split("Do this:\n1. wash\n2. dry everything well", 24) == ["Do this:\n1. wash", "2. dry everything well"]


# What is not cut


@pytest.mark.parametrize(
    "grapheme", [FAMILY, FLAG, ACCENTED, "👍🏽", "한", "ก็", "❤\ufe0f", "🏴\U000e0067\U000e0062\U000e007f"]
)
@pytest.mark.parametrize("limit", [11, 16, 23])
def test_what_is_one_sign_to_the_reader_is_never_cut(grapheme: str, limit: int) -> None:
    """
    Families, flags, combining marks: each part consists of whole ones.
    """
    parts = split(grapheme * 40, limit)
    assert "".join(parts) == grapheme * 40
    assert all(part.replace(grapheme, "") == "" for part in parts)


def test_a_sign_wider_than_any_message_is_cut_between_its_characters() -> None:
    """
    The one way to send it at all; no surrogate pair is parted.
    """
    heap = "e" + "\u0301" * 30
    parts = split(heap, 10, 12)
    assert "".join(parts) == heap
    assert all(utf16_length(part) <= 12 for part in parts)


def test_an_address_is_not_cut_but_begins_the_next_message() -> None:
    """
    Even where it could be filled up to the limit.
    """
    assert split("See https://example.org/one-two-three", 33) == ["See", "https://example.org/one-two-three"]


def test_an_address_longer_than_the_aim_may_use_the_room_below_the_hard_limit() -> None:
    """
    Better than a link that leads nowhere.
    """
    address = "https://example.org/one-two-three"
    assert split(f"See {address} now", 20, 40) == ["See", address, "now"]


def test_an_address_longer_than_any_message_is_cut() -> None:
    """
    The one way to send it at all.
    """
    address = "https://example.org/" + "a" * 60
    parts = split(address, 30, 40)
    assert "".join(parts) == address
    assert all(len(part) <= 40 for part in parts)


# Formatting across a cut


def test_a_fence_is_closed_and_opened_again() -> None:
    """
    Code stays code in both messages.
    """
    assert split("```first line\nsecond line\nthird line```", 20) == [
        "```first line```",
        "```second line```",
        "```third line```",
    ]


def test_code_keeps_its_indentation_across_a_cut() -> None:
    """
    The white space at a cut is left out everywhere else.
    """
    assert split("```if something:\n    do_it()```", 23) == ["```if something:```", "```    do_it()```"]


def test_a_blank_line_in_code_is_no_paragraph() -> None:
    """
    A better place than the code itself is before it.
    """
    assert split("Run this.\n\n```one\n\ntwo\nthree```", 26) == ["Run this.", "```one\n\ntwo\nthree```"]


@pytest.mark.parametrize("marker", ["*", "_", "~", "`"])
def test_emphasis_is_closed_and_opened_again(marker: str) -> None:
    """
    A marker without its partner would be shown, and format nothing.
    """
    assert split(f"{marker}one two three four{marker}", 12) == [
        f"{marker}one two{marker}",
        f"{marker}three four{marker}",
    ]


def test_nested_emphasis_is_closed_from_the_inside() -> None:
    """
    And opened again from the outside.
    """
    assert split("*_~one two three~_*", 14) == ["*_~one two~_*", "*_~three~_*"]


def test_added_markers_count_towards_the_limit() -> None:
    """
    A part is measured as it is sent.
    """
    assert split("*one two three*", 9) == ["*one two*", "*three*"]
    assert split("*one two three*", 8) == ["*one*", "*two*", "*three*"]


def test_the_rest_of_a_quoted_line_is_quoted_again() -> None:
    """
    The mark stands at the beginning of a line only.
    """
    assert split("> one two three four", 12) == ["> one two", "> three four"]


def test_a_stretch_is_not_cut_where_nothing_of_it_would_be_left() -> None:
    """
    No part ends with an opening marker, none begins with a closing one.
    """
    parts = split("one two *three* four", 10)
    assert parts == ["one two", "*three*", "four"]


def test_the_next_message_begins_with_what_followed_the_list() -> None:
    """
    The blank line between a list and the paragraph after it is what the cut leaves out: the messages say it themselves.
    """
    listed = "Look at these:\n- Keep the old shop for thirty days; then close it."
    after = "Things that are often forgotten:\n1. the redirect of old links"
    assert split(f"{listed}\n\n{after}", 80) == [listed, after]


# Truncating instead


def test_a_text_that_fits_is_not_truncated() -> None:
    """
    At exactly the limit nothing is left out.
    """
    assert truncate("a" * 100, 100) == "a" * 100


def test_a_truncated_text_says_so_and_keeps_to_the_limit() -> None:
    """
    Cut after a word, with its formatting closed.
    """
    text = truncate("*" + "word " * 40 + "end*", 100)
    assert utf16_length(text) <= 100
    assert text.endswith(f"word*\n\n{TRUNCATED}")


def test_a_word_without_end_is_truncated_between_signs() -> None:
    """
    A grapheme stays whole.
    """
    text = truncate(FAMILY * 20, 100)
    assert utf16_length(text) <= 100
    assert text.removesuffix(f"\n\n{TRUNCATED}").replace(FAMILY, "") == ""


def test_there_must_be_room_to_say_that_it_is_truncated() -> None:
    """
    A limit below that is a mistake.
    """
    with pytest.raises(ValueError, match="limit too small"):
        truncate("a" * 100, len(TRUNCATED) + 3)


# For every text


@EXAMPLES
@given(st.lists(st.tuples(PIECES, GAPS), max_size=60), st.integers(40, 200))
def test_nothing_is_lost_and_the_order_is_kept(pieces: list[tuple[str, str]], limit: int) -> None:
    """
    Put together again, the parts are the text, but for white space at cuts and markers that were closed and reopened.
    """
    text = "".join(piece + gap for piece, gap in pieces)
    assert unmarked("".join(split(text, limit))) == unmarked(text)


@EXAMPLES
@given(st.lists(st.tuples(PIECES, GAPS), max_size=60), st.integers(40, 200))
def test_each_part_keeps_to_the_limit_and_is_not_empty(pieces: list[tuple[str, str]], limit: int) -> None:
    """
    The aim, for texts whose addresses fit.
    """
    parts = split("".join(piece + gap for piece, gap in pieces), limit)
    assert all(0 < utf16_length(part) <= limit for part in parts)
    assert all(part.strip() for part in parts)


@EXAMPLES
@given(st.lists(st.tuples(PIECES, GAPS), max_size=60), st.integers(40, 200))
def test_addresses_arrive_whole(pieces: list[tuple[str, str]], limit: int) -> None:
    """
    As many as were written, each in one part.
    """
    text = "".join(piece + gap for piece, gap in pieces)
    whole = [part[slice(*at)] for part in split(text, limit) for at in urls(part)]
    assert whole == [text[slice(*at)] for at in urls(text)]


@EXAMPLES
@given(st.lists(st.tuples(PIECES, GAPS), max_size=60), st.integers(40, 200))
def test_no_part_leaves_formatting_open(pieces: list[tuple[str, str]], limit: int) -> None:
    """
    Each marker in each part belongs to a formatted stretch of that very part.
    """
    text = "".join(piece + gap for piece, gap in pieces)
    for part in split(text, limit):
        plain = "".join(char for at, char in enumerate(part) if not _in_url(part, at))
        written = plain.count("```") * 3 + sum(plain.replace("```", "").count(sign) for sign in "*_~`")
        assert written == sum(2 * len(span.marker) for span in spans(part))


def _in_url(text: str, at: int) -> bool:
    return any(start <= at < end for start, end in urls(text))


@EXAMPLES
@given(st.text(max_size=300), st.integers(2, 40))
def test_any_text_at_any_limit_is_cut_within_it(text: str, limit: int) -> None:
    """
    Also where the limit is smaller than anything sensible.
    """
    parts = split(text, limit, limit)
    assert all(0 < utf16_length(part) <= limit for part in parts)
    assert not any(0xD800 <= ord(char) <= 0xDFFF for part in parts for char in part)


@pytest.mark.parametrize("seed", range(5))
def test_a_long_answer_never_exceeds_what_twilio_takes(seed: int) -> None:
    """
    Paragraphs of an article in any order, many times over: no message above 1,600 units, and nothing is lost.
    """
    paragraphs = ARTICLE.split("\n\n") * 5
    random.Random(seed).shuffle(paragraphs)
    text = render("\n\n".join(paragraphs))
    parts = split(text)
    assert all(len(part.encode("utf-16-le")) // 2 <= 1600 for part in parts)
    assert unmarked("".join(parts)) == unmarked(text)


def test_an_article_is_cut_between_its_paragraphs() -> None:
    """
    Each message begins with what begins a paragraph in the source, or with a line of its list or code.
    """
    text = render(ARTICLE)
    begins = [squeezed(block)[:20] for block in re.split(r"\n+", text)]
    for part in split(text):
        assert squeezed(part)[:20].lstrip("`") in {begin.lstrip("`") for begin in begins}
