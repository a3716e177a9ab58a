"""Pipelines that come with Trunkline. A version that was shipped once stays: turns that began under it end under it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

WHATSAPP_DEFAULT = "whatsapp-default"
"""What an agent runs that names no pipeline of its tenant's."""

SHIPPED: Mapping[str, int] = {WHATSAPP_DEFAULT: 1}
"""The newest version of each."""

_FOLDER = Path(__file__).parent / "shipped"


@cache
def shipped(name: str, version: int) -> str:
    """Return a version's document."""
    return (_FOLDER / f"{name}.v{version}.yaml").read_text(encoding="utf-8")
