"""Signs that nobody sees are taken out, and writing that needs some of them is left as it is."""

import pytest

from services.agent.cleaning import clean, cleaned


@pytest.mark.parametrize(
    "hidden",
    [
        "\x00", "\x07", "\x1b", "\r", "\x7f", "\x85", "\x9f", "\u00ad", "\u034f", "\u061c", "\u115f", "\u1160", "\u17b4", "\u180b",
        "\u180e", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u2028", "\u202a", "\u202e", "\u2060", "\u2063", "\u2066",
        "\u2069", "\u206f", "\u3164", "\ud800", "\ufe00", "\ufe0e", "\ufe0f", "\ufeff", "\uffa0", "\ufff9", "\U000e0001",
        "\U000e0041", "\U000e007f", "\U000e0100", "\U000e01ef", "\U0001d173",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_nobody_sees_is_taken_out(hidden: str) -> None:
    """
    Once, in a row, at either end, and in the place of a space.
    """
    assert clean(f"{hidden}pay{hidden}{hidden} now{hidden}") == "pay now"


@pytest.mark.parametrize(
    "text",
    [
        "Zwei Zeilen\n\tund ein Tab: äöü ß “”…",
        "☎️ ❤️ ©️ 1️⃣ #️⃣ ✔︎",
        "👩🏽‍⚕️ 👨‍👩‍👧‍👦 🏳️‍🌈 ❤️‍🔥 🇩🇪",
        "می‌خواهم",
        "क्‍ष र्‍य",
        "שלום\u200f!",
        "ᠠ᠋",
        "日本語と한국어",
    ],
)
def test_what_writing_needs_stays(text: str) -> None:
    """
    Emoji sequences, scripts whose letters join, marks beside letters that run from right to left.
    """
    assert clean(text) == text


def test_a_message_does_not_hide_in_the_styles_of_an_emoji() -> None:
    """
    One sign of style is enough for it.
    """
    assert clean("😀" + "".join(chr(0xFE00 + n) for n in b"\x01\x0f\x07") + "\U000e0150\ufe0f") == "😀"
    assert clean("क\u200d\u200d\u200d\u200c") == "क\u200d"


def test_a_json_value_is_cleaned_to_its_last_text() -> None:
    """
    Keys too.
    """
    assert cleaned({"a\u200b": ["x\U000e0041", {"b": "\x00y"}, 1, None, True]}) == {
        "a": ["x", {"b": "y"}, 1, None, True]
    }
