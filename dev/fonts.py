"""
Fonts cut down to what the console's styles say of them: each `@font-face` names its characters and its weights.

What no style asks for (fractions, lighter and bolder weights, glyph names) is left out; what is left looks as it did.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

_FACE = re.compile(
    r'@font-face \{[^}]*url\("(?P<name>[^"]+)"\)[^}]*font-weight: (?P<lightest>\d+) (?P<boldest>\d+);'
    r"[^}]*unicode-range: (?P<ranges>[^;}]+);"
)
_FEATURES = ["calt", "ccmp", "kern", "locl", "mark", "mkmk", "tnum"]
"""What browsers do by themselves, and tabular numerals, which the styles ask for."""


@dataclass(frozen=True)
class Face:
    """What a style wants of a font: the characters, and the weights from the lightest to the boldest."""

    characters: frozenset[int]
    weights: tuple[int, int]


def faces(styles: str) -> Mapping[str, Face]:
    """Return the faces that styles declare, by the name of their file."""
    return {
        found["name"]: Face(_characters(found["ranges"]), (int(found["lightest"]), int(found["boldest"])))
        for found in _FACE.finditer(styles)
    }


def cut(source: bytes, face: Face) -> bytes:
    """Return the font with nothing but what the face is asked for, as woff2; the same each time."""
    font = TTFont(io.BytesIO(source), recalcTimestamp=False)
    options = Options(layout_features=_FEATURES, notdef_outline=True, recalc_timestamp=False)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=face.characters)
    subsetter.subset(font)
    # Written and read in between: an axis cannot be limited while its tables still name glyphs that have gone.
    whole = TTFont(io.BytesIO(_written(font)), recalcTimestamp=False)
    return _written(instantiateVariableFont(whole, {"wght": face.weights}))


def _written(font: TTFont) -> bytes:
    font.flavor = "woff2"
    written = io.BytesIO()
    font.save(written)
    return written.getvalue()


def _characters(ranges: str) -> frozenset[int]:
    """Return what a `unicode-range` holds."""
    found: set[int] = set()
    for part in ranges.replace(" ", "").split(","):
        first, _, last = part.removeprefix("U+").partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(found)
