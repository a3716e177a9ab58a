"""Key rings: how they are written, which key writes, and what is refused without a word of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.keyring import KeyRing, parse

ONE, TWO, THREE = "1a" * 32, "2b" * 32, "3c" * 32


def test_a_key_alone_is_key_1() -> None:
    """
    As it was before there were rings.
    """
    assert parse(ONE) == KeyRing({1: bytes.fromhex(ONE)}, 1)


@pytest.mark.parametrize("between", [",", "\n", ", ", "\r\n", ",\n", " "])
def test_a_ring_is_entries_between_commas_or_lines(between: str) -> None:
    """
    In a variable, or in a file with a line for each.
    """
    ring = parse(f"1:{ONE}{between}7:{TWO}{between}")
    assert ring == KeyRing({1: bytes.fromhex(ONE), 7: bytes.fromhex(TWO)}, 7)


def test_the_highest_id_is_the_newest() -> None:
    """
    Wherever it stands.
    """
    assert parse(f"2:{TWO},10:{ONE},9:{THREE}").newest == 10


def test_a_key_on_standby_only_reads() -> None:
    """
    It is known everywhere before anybody writes with it.
    """
    ring = parse(f"1:{ONE},2:{TWO}:standby")
    assert ring.newest == 1
    assert ring.keys[2] == bytes.fromhex(TWO)


def test_keys_are_tried_from_the_newest_down() -> None:
    """
    One on standby after the one that writes.
    """
    assert [key_id for key_id, _ in parse(f"1:{ONE},3:{THREE}:standby,2:{TWO}").by_age] == [2, 3, 1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "standby"),
        ("abc", "must be 32 bytes in hexadecimal"),
        (ONE[:-1], "must be 32 bytes in hexadecimal"),
        (f"{ONE},2:{TWO}", "entry 1 must be ID:HEX"),
        (f"1:{ONE},2:{TWO[:-2]}", "entry 2 must be ID:HEX"),
        (f"1:{ONE},x:{TWO}", "entry 2"),
        (f"0:{ONE}", "entry 1"),
        (f"256:{ONE}", "ids go from 1 to 255"),
        (f"1:{ONE},1:{TWO}", "id 1 stands there twice"),
        (f"1:{ONE},2:{ONE}", "has another id already"),
        (f"1:{ONE}:standby", "must not be on standby"),
        (f"1:{ONE}:sleeping", "entry 1"),
    ],
)
def test_what_is_no_ring_is_refused(text: str, why: str) -> None:
    """
    By the entry and the reason.
    """
    with pytest.raises(ValueError, match=why):
        parse(text)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([ONE, f"1:{ONE}", f"2:{TWO}", f"2:{TWO[:-1]}", f"999:{THREE}", "3:" + THREE + ":x"])))
def test_a_refusal_quotes_no_key(entries: list[str]) -> None:
    """
    What a start prints is read by many.
    """
    try:
        ring = parse(",".join(entries))
    except ValueError as refusal:
        told = str(refusal)
    else:
        told = repr(ring)
    assert not any(part in told for key in (ONE, TWO, THREE) for part in (key[:12], repr(bytes.fromhex(key))[2:20]))


@pytest.mark.parametrize(
    ("keys", "newest"),
    [({}, 1), ({1: b"k" * 31}, 1), ({1: b"k" * 32}, 2), ({0: b"k" * 32}, 0), ({256: b"k" * 32}, 256)],
)
def test_a_ring_that_cannot_write_cannot_be_made(keys: dict[int, bytes], newest: int) -> None:
    """
    No keys, short ones, no newest, or an id that is no byte.
    """
    with pytest.raises(ValueError, match="a key ring needs"):
        KeyRing(keys, newest)
