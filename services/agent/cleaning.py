"""
Takes out of texts what nobody sees: it is used to hide instructions from people, and answers from reviewers.

Zero-width and variation signs stay where writing needs them: in emoji sequences and in scripts whose letters join or run from
right to left (safety.md, section 2, row "Tools").
"""

import re
import unicodedata
from collections.abc import Callable, Mapping

_NEVER = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u115f\u1160\u17b4\u17b5\u200b\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Controls, fillers, tags, lone surrogates, marks that turn the order of a text round."""

_SOMETIMES = re.compile("[\u061c\u180b-\u180f\u200c-\u200f\ufe00-\ufe0f]")
_KEYCAP = "\u20e3"
_EMOJI_STYLE = "\ufe0f"


def clean(text: str) -> str:
    """Return a text without signs that nobody sees."""
    text = _NEVER.sub("", text)
    return _SOMETIMES.sub(lambda match: match[0] if _belongs(match) else "", text)


def cleaned(value: object) -> object:
    """Return a JSON value whose texts, keys too, are clean."""
    match value:
        case str():
            return clean(value)
        case dict():
            return {clean(str(key)): cleaned(inner) for key, inner in value.items()}
        case list():
            return [cleaned(inner) for inner in value]
    return value


def _belongs(match: re.Match[str]) -> bool:
    """Tell whether a sign that is sometimes needed is needed where it stands."""
    text, at = match.string, match.start()
    before, after = text[max(at - 1, 0) : at], text[at + 1 : at + 2]
    if before == _EMOJI_STYLE and match[0] == "\u200d":
        before = text[max(at - 2, 0) : at - 1]
    return bool(before) and _NEEDED[match[0]](before, after)


def _styles(before: str, after: str) -> bool:
    return _is_emoji(before) or (before in "0123456789#*" and after == _KEYCAP)


def _joins(before: str, after: str) -> bool:
    return (_is_emoji(before) and _is_emoji(after)) or _is_joining(before)


def _is_emoji(sign: str) -> bool:
    return bool(sign) and unicodedata.category(sign) in {"So", "Sk", "Sm"} and ord(sign) >= ord("\u00a9")


def _is_joining(sign: str) -> bool:
    in_blocks = "\u0590" <= sign <= "\u1cff" or "\ua840" <= sign <= "\uabff" or "\ufb1d" <= sign <= "\ufefc"
    return in_blocks and unicodedata.category(sign)[0] in "LM" and not _SOMETIMES.match(sign)


def _is_mongolian(sign: str) -> bool:
    return "\u1800" <= sign <= "\u18af" and not _SOMETIMES.match(sign)


def _turns(before: str, after: str) -> bool:
    return any(
        unicodedata.bidirectional(sign) in {"R", "AL"}
        for sign in (before, after)
        if sign and not _SOMETIMES.match(sign)
    )


_NEEDED: Mapping[str, Callable[[str, str], bool]] = {
    **dict.fromkeys(map(chr, range(0xFE00, 0xFE0E)), lambda _before, _after: False),
    "\ufe0e": _styles,
    _EMOJI_STYLE: _styles,
    "\u200c": lambda before, _after: _is_joining(before),
    "\u200d": _joins,
    **dict.fromkeys("\u200e\u200f\u061c", _turns),
    **dict.fromkeys(map(chr, range(0x180B, 0x1810)), lambda before, _after: _is_mongolian(before)),
}
