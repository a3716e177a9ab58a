"""The languages of the console. Source texts are English; a catalogue in `locale/` holds each other language."""

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, negotiate_locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).parent / "locale"
LANGUAGES: Mapping[str, str] = {"en": "English", "it": "Italiano"}


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the texts of a language."""
    file = FOLDER / f"{language}.po"
    if not file.exists():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def chosen(cookie: str | None, accepted: str) -> str:
    """Return the language that somebody chose, else the first that their browser names and we have."""
    if cookie is not None and cookie in LANGUAGES:
        return cookie
    names = [name.partition(";")[0].strip() for name in accepted.split(",")]
    return negotiate_locale(names, list(LANGUAGES), sep="-") or "en"


@cache
def zone(name: str | None) -> tzinfo:
    """Return a time zone; UTC for what is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def day(moment: datetime, language: str) -> str:
    """Return a day as it is written, such as 25 Nov 2026."""
    return _written(moment.date(), language)


def clock(moment: datetime, *, exact: bool = False) -> str:
    """Return a time of the day in 24 hours, which our languages write alike; `exact` down to milliseconds."""
    return moment.time().isoformat("milliseconds" if exact else "seconds")


@lru_cache(1024)
def _written(on: date, language: str) -> str:
    return format_date(on, "d MMM y", locale=Locale(language))
