"""What is sealed opens only with its key, at its place, unchanged."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.failures import SEALED_UNREADABLE, GatewayError
from shared.vault import Vault, place

EXAMPLES = settings(derandomize=True, max_examples=100, deadline=None)
VAULT = Vault({1: b"v" * 32})
HERE = place("tn_one", "credential", "cr_1")


def refused(vault: Vault, sealed: bytes, context: str = HERE) -> bool:
    """Tell whether opening fails in the one way that callers expect."""
    try:
        vault.open(sealed, context)
    except GatewayError as error:
        return error.failure is SEALED_UNREADABLE
    return False


@EXAMPLES
@given(st.binary(max_size=200), st.text(st.characters(codec="utf-8"), max_size=40))
def test_what_is_sealed_can_be_opened_at_its_place(plain: bytes, context: str) -> None:
    """
    Any bytes, also none; any context.
    """
    assert VAULT.open(VAULT.seal(plain, context), context) == plain


@EXAMPLES
@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_a_text_can_be_sealed_for_json(plain: str) -> None:
    """
    As ASCII, and back to the same text.
    """
    sealed = VAULT.seal_text(plain, HERE)
    assert sealed.isascii()
    assert VAULT.open_text(sealed, HERE) == plain


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    """
    Nobody sees that two rows hold the same.
    """
    assert len({VAULT.seal(b"secret", HERE) for _ in range(20)}) == 20


def test_the_secret_cannot_be_seen_in_what_is_sealed() -> None:
    """
    Nor its context.
    """
    sealed = VAULT.seal(b"open sesame", HERE)
    assert b"sesame" not in sealed
    assert b"tn_one" not in sealed


@pytest.mark.parametrize(
    "elsewhere",
    [
        place("tn_two", "credential", "cr_1"),
        place("tn_one", "contact", "cr_1"),
        place("tn_one", "credential", "cr_2"),
        HERE + "/address",
        HERE[:-1] + "2",
        "",
    ],
)
def test_a_ciphertext_that_was_moved_does_not_open(elsewhere: str) -> None:
    """
    To another tenant, kind, row or version: it fails closed.
    """
    assert refused(VAULT, VAULT.seal(b"secret", HERE), elsewhere)


def test_a_place_is_made_of_tenant_kind_row_and_version() -> None:
    """
    What is sealed is bound to all four.
    """
    assert place("tn_one", "credential", 7) == "tn_one/credential/7/1"


@pytest.mark.parametrize("at", [0, 1, 2, 13, 14, 19, -1])
def test_a_changed_byte_does_not_open(at: int) -> None:
    """
    Format, key id, nonce, text or tag: wherever it is.
    """
    sealed = bytearray(VAULT.seal(b"secret", HERE))
    sealed[at] ^= 1
    assert refused(VAULT, bytes(sealed))


def test_nothing_that_was_cut_off_or_added_to_opens() -> None:
    """
    At every length down to none at all.
    """
    sealed = VAULT.seal(b"secret", HERE)
    assert all(refused(VAULT, sealed[:length]) for length in range(len(sealed)))
    assert refused(VAULT, sealed + b"\0")


@EXAMPLES
@given(st.binary(max_size=80))
def test_any_bytes_are_refused_in_the_same_way(noise: bytes) -> None:
    """
    Whatever stands in a column, the failure has one name.
    """
    assert refused(VAULT, noise)
    assert refused(VAULT, b"\x01\x01" + noise)


@pytest.mark.parametrize("sealed", ["", "%%%", "AQ", "größe", "AQEAAAA\n", "\ud800"])
def test_a_text_that_is_not_sealed_is_refused_in_the_same_way(sealed: str) -> None:
    """
    No base64, no ASCII, too short: one failure.
    """
    with pytest.raises(GatewayError) as failure:
        VAULT.open_text(sealed, HERE)
    assert failure.value.failure is SEALED_UNREADABLE


def test_another_key_does_not_open() -> None:
    """
    Though it has the same id.
    """
    assert refused(Vault({1: b"w" * 32}), VAULT.seal(b"secret", HERE))


def test_a_ring_opens_what_an_older_key_sealed() -> None:
    """
    A rotation needs no moment at which everything is sealed anew.
    """
    ring = Vault({1: b"v" * 32, 2: b"w" * 32})
    assert ring.open(VAULT.seal(b"secret", HERE), HERE) == b"secret"


def test_a_ring_seals_with_its_newest_key() -> None:
    """
    Then the older one can be taken away.
    """
    sealed = Vault({2: b"w" * 32, 1: b"v" * 32}).seal(b"secret", HERE)
    assert Vault({2: b"w" * 32}).open(sealed, HERE) == b"secret"
    assert refused(VAULT, sealed)


@pytest.mark.parametrize("keys", [{}, {1: b""}, {1: b"v" * 16}, {1: b"v" * 33}, {1: b"v" * 32, 2: b"w" * 31}])
def test_a_vault_needs_keys_of_32_bytes(keys: dict[int, bytes]) -> None:
    """
    Every one of them.
    """
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(keys)


def test_a_vault_that_is_printed_shows_no_key() -> None:
    """
    Only their ids.
    """
    assert repr(Vault({2: b"w" * 32, 1: b"v" * 32})) == "Vault(key_ids=[1, 2])"


def test_a_failure_to_open_says_nothing_of_what_it_was() -> None:
    """
    Neither the secret nor the place.
    """
    with pytest.raises(GatewayError) as failure:
        VAULT.open(VAULT.seal(b"sesame", HERE), "elsewhere")
    assert str(failure.value) == "sealed_unreadable"
