"""Tells which language a person writes in."""

import asyncio
import math
from collections.abc import Collection, Sequence
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_COMMON = frozenset(
    ("ar", "bg", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "hr", "hu", "id", "it", "ja", "ko", "nl", "no",
     "pl", "pt", "ro", "ru", "sk", "sv", "th", "tr", "uk", "vi", "zh")
)  # fmt: skip
"""What most people write in: among fewer, short messages are told apart better."""

_LEAST_LEAD = 0.8
"""Lead of the best score over the next, by the square root of the length: below it ("ok", "hello") it is a guess."""


async def language_of(texts: Sequence[str], wanted: Collection[str]) -> str | None:
    """
    Return the language of the newest text (ISO 639-1), the last one, or where that is too short to tell, of all of them.

    Of those that are wanted and the common ones; None where it is not certain. Told in a thread: the first call of a process
    reads the model, which takes a second.
    """
    return await asyncio.to_thread(_of_newest, texts, wanted)


def _of_newest(texts: Sequence[str], wanted: Collection[str]) -> str | None:
    newest = _language(texts[-1], wanted) if texts else None
    return newest or _language("\n".join(texts), wanted)


def _language(text: str, wanted: Collection[str]) -> str | None:
    among = _COMMON.union(wanted)
    scores = [(score, language) for language, score in _identifier().rank(text) if language in among]
    (best, language), (next_best, _) = scores[:2]
    lead = (best - next_best) / math.sqrt(len(text.encode(errors="replace")) or 1)
    return str(language) if lead >= _LEAST_LEAD else None


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE)
