"""What something is, by what is in it: what it is said to be decides only between sound and moving pictures."""

import re
from typing import NamedTuple


class Format(NamedTuple):
    """A format by its media type, and the ending that servers know it by."""

    media_type: str
    ending: str


_PICTURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), Format("image/png", "png")),
    (re.compile(rb"\xff\xd8\xff"), Format("image/jpeg", "jpg")),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), Format("image/webp", "webp")),
    (re.compile(rb"GIF8[79]a"), Format("image/gif", "gif")),
)
_SOUNDS = (
    (re.compile(rb"OggS"), Format("audio/ogg", "ogg")),
    (re.compile(rb"#!AMR"), Format("audio/amr", "amr")),
    (re.compile(rb"ID3|\xff[\xfb\xf3\xf2\xfa]"), Format("audio/mpeg", "mp3")),
    (re.compile(rb"\xff[\xf1\xf9]"), Format("audio/aac", "aac")),
    (re.compile(rb"RIFF....WAVE", re.DOTALL), Format("audio/wav", "wav")),
    (re.compile(rb"....ftypM4A", re.DOTALL), Format("audio/mp4", "m4a")),
)
_FILM = re.compile(rb"....ftyp|\x1aE\xdf\xa3", re.DOTALL)
_SOUND_IN_FILM = Format("audio/mp4", "mp4")


def picture(content: bytes) -> Format | None:
    """Return a picture's format; None for anything else."""
    return _found(content, _PICTURES)


def sound(content: bytes, said_to_be: str) -> Format | None:
    """Return a recording's format; None for anything else. Some come as a film without pictures."""
    if (found := _found(content, _SOUNDS)) is not None:
        return found
    return _SOUND_IN_FILM if is_film(content) and said_to_be.startswith("audio/") else None


def is_film(content: bytes) -> bool:
    """Tell whether it is in a format of films."""
    return _FILM.match(content) is not None


def _found(content: bytes, known: tuple[tuple[re.Pattern[bytes], Format], ...]) -> Format | None:
    return next((it for pattern, it in known if pattern.match(content)), None)
