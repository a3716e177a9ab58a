"""
Key rings: several keys with ids, of which the newest is written with and all are read with.

Written as one key of 64 hexadecimal digits, which is key 1, or as entries `ID:HEX`, separated by commas or lines. An entry
that ends in `:standby` only reads: a key is first put on standby everywhere, so that whoever meets it later knows it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

KEY_BYTES = 32
MOST_ID = 255
"""An id is one byte of what a key sealed."""

_BARE = re.compile("[0-9a-fA-F]{64}")
_ENTRY = re.compile("([1-9][0-9]{0,2}):([0-9a-fA-F]{64})(:standby)?")


@dataclass(frozen=True)
class KeyRing:
    """Keys by id. `newest`: the highest that is not on standby."""

    keys: Mapping[int, bytes] = field(repr=False)
    newest: int

    def __post_init__(self) -> None:
        if not self.keys or any(len(key) != KEY_BYTES for key in self.keys.values()):
            raise ValueError(f"a key ring needs keys of {KEY_BYTES} bytes")
        if self.newest not in self.keys or not all(0 < key_id <= MOST_ID for key_id in self.keys):
            raise ValueError(f"a key ring needs its newest key, and ids from 1 to {MOST_ID}")

    @property
    def by_age(self) -> Iterator[tuple[int, bytes]]:
        """The newest key, then the others from the highest id down."""
        yield self.newest, self.keys[self.newest]
        for key_id in sorted(self.keys.keys() - {self.newest}, reverse=True):
            yield key_id, self.keys[key_id]


def parse(text: str) -> KeyRing:
    """Read a ring. Raises ValueError, which says what is wrong and quotes nothing: the text holds keys."""
    entries = [entry for entry in re.split(r"[,\s]+", text) if entry]
    if len(entries) == 1 and ":" not in entries[0]:
        return _alone(entries[0])
    return _ring(_numbered(entries))


def _alone(key: str) -> KeyRing:
    if not _BARE.fullmatch(key):
        raise ValueError("must be 32 bytes in hexadecimal")
    return KeyRing({1: bytes.fromhex(key)}, 1)


def _numbered(entries: Iterable[str]) -> Iterator[tuple[int, bytes, bool]]:
    for place, entry in enumerate(entries, start=1):
        found = _ENTRY.fullmatch(entry)
        if found is None:
            raise ValueError(
                f"entry {place} must be ID:HEX: of several keys each has an id, and 32 bytes in hexadecimal"
            )
        yield int(found[1]), bytes.fromhex(found[2]), found[3] is not None


def _ring(entries: Iterable[tuple[int, bytes, bool]]) -> KeyRing:
    keys: dict[int, bytes] = {}
    newest = 0
    for key_id, key, standby in entries:
        if key_id > MOST_ID:
            raise ValueError(f"ids go from 1 to {MOST_ID}")
        if key_id in keys:
            raise ValueError(f"id {key_id} stands there twice")
        if key in keys.values():
            raise ValueError(f"the key of id {key_id} has another id already")
        keys[key_id] = key
        newest = newest if standby else max(newest, key_id)
    if not newest:
        raise ValueError("one key at least must not be on standby")
    return KeyRing(keys, newest)
