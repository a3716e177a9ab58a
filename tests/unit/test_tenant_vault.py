"""Rows are sealed by their tenant's data key, and open nowhere else."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.failures import SEALED_UNREADABLE, GatewayError
from shared.vault import TenantVault, Vault, owner, place, ring_key

EXAMPLES = settings(derandomize=True, max_examples=200, deadline=None)
RING = {1: b"v" * 32}
PLAIN = Vault(RING)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=20)
PLACES = st.builds(place, NAMES, NAMES, NAMES)


class InMemory:
    """Data keys of every tenant that is asked for, unlike each other."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = numbers or (1,)

    def newest(self, tenant: str) -> tuple[int, AESGCM]:
        return max(self._numbers), self._cipher(tenant, max(self._numbers))

    def find(self, tenant: str, number: int) -> AESGCM | None:
        return self._cipher(tenant, number) if number in self._numbers else None

    def _cipher(self, tenant: str, number: int) -> AESGCM:
        return AESGCM(f"{tenant}|{number}".encode().ljust(32, b"-")[-32:])


VAULT = TenantVault(RING, InMemory())
HERE = place("tn_one", "contact", "ct_1")


def refused(vault: Vault, sealed: bytes, context: str = HERE) -> bool:
    """Tell whether opening fails in the one way that callers expect."""
    try:
        vault.open(sealed, context)
    except GatewayError as error:
        return error.failure is SEALED_UNREADABLE
    return False


@EXAMPLES
@given(st.binary(max_size=200), PLACES)
def test_what_is_sealed_can_be_opened_at_its_place(plain: bytes, context: str) -> None:
    """
    Any bytes, also none; any tenant, kind and row.
    """
    assert VAULT.open(VAULT.seal(plain, context), context) == plain


@EXAMPLES
@given(PLACES, PLACES)
def test_a_ciphertext_that_was_moved_does_not_open(here: str, there: str) -> None:
    """
    To any other tenant, kind or row: it fails closed.
    """
    assume(here != there)
    assert refused(VAULT, VAULT.seal(b"secret", here), there)


@EXAMPLES
@given(st.data())
def test_a_ciphertext_that_was_tampered_with_does_not_open(data: st.DataObject) -> None:
    """
    Whichever bits are turned over: of format, number, nonce, text or tag.
    """
    sealed = VAULT.seal(b"secret", HERE)
    turned = data.draw(st.binary(min_size=len(sealed), max_size=len(sealed)).filter(any))
    assert refused(VAULT, bytes(a ^ b for a, b in zip(sealed, turned, strict=True)))


@EXAMPLES
@given(st.data())
def test_a_ciphertext_that_was_cut_or_grown_does_not_open(data: st.DataObject) -> None:
    """
    At every length down to none.
    """
    sealed = VAULT.seal(b"secret", HERE)
    assert refused(VAULT, sealed[: data.draw(st.integers(0, len(sealed) - 1))])
    assert refused(VAULT, sealed + data.draw(st.binary(min_size=1, max_size=20)))


@EXAMPLES
@given(st.binary(max_size=80))
def test_any_bytes_are_refused_in_the_same_way(noise: bytes) -> None:
    """
    Whatever stands in a column, the failure has one name.
    """
    assert refused(VAULT, noise)
    assert refused(VAULT, b"\x02\x00\x01" + noise)


def test_another_tenants_data_key_does_not_open_even_what_was_sealed_for_the_same_context() -> None:
    """
    The keys differ, not only the contexts.
    """
    number, cipher = InMemory().newest("tn_two")
    forged = b"\x02" + number.to_bytes(2) + b"n" * 12 + cipher.encrypt(b"n" * 12, b"secret", HERE.encode())
    assert refused(VAULT, forged)


def test_the_first_bytes_name_format_and_data_key() -> None:
    """
    Format 2, then the number: stored values outlive every release.
    """
    sealed = TenantVault(RING, InMemory(1, 300)).seal(b"secret", HERE)
    assert sealed[:3] == b"\x02\x01\x2c"
    assert len(sealed) == 3 + 12 + len(b"secret") + 16


def test_the_newest_data_key_seals_and_older_ones_open() -> None:
    """
    A further key needs no moment at which everything is sealed anew.
    """
    both = TenantVault(RING, InMemory(1, 2))
    assert both.open(VAULT.seal(b"secret", HERE), HERE) == b"secret"
    assert TenantVault(RING, InMemory(2)).open(both.seal(b"secret", HERE), HERE) == b"secret"


def test_a_data_key_that_is_not_known_does_not_open() -> None:
    """
    It is never guessed.
    """
    assert refused(VAULT, TenantVault(RING, InMemory(2)).seal(b"secret", HERE))


def test_what_the_ring_sealed_stays_readable() -> None:
    """
    Rows of the first format, for ever.
    """
    assert VAULT.open(PLAIN.seal(b"secret", HERE), HERE) == b"secret"


def test_what_belongs_to_no_tenant_is_sealed_by_the_ring() -> None:
    """
    Entries of the bucket: ingress reads them without a database.
    """
    entry = place("platform", "config", "line.x")
    assert PLAIN.open(VAULT.seal(b"secret", entry), entry) == b"secret"


def test_texts_for_bodies_are_sealed_by_the_ring() -> None:
    """
    Whose-ever they are: they rest in streams.
    """
    assert PLAIN.open_text(VAULT.seal_text("secret", HERE), HERE) == "secret"
    assert VAULT.open_text(PLAIN.seal_text("secret", HERE), HERE) == "secret"


def test_the_ring_alone_does_not_open_what_a_data_key_sealed() -> None:
    """
    A process without the tenant's key fails in the one way.
    """
    assert refused(PLAIN, VAULT.seal(b"secret", HERE))


def test_who_sealed_can_be_told() -> None:
    """
    The ring's key by its id; no ring's key where it was a data key, or nothing at all.
    """
    assert ring_key(Vault({4: b"w" * 32}).seal(b"", HERE)) == 4
    assert ring_key(VAULT.seal(b"", HERE)) is None
    assert ring_key(b"") is None
    assert ring_key(b"\x01") is None


def test_a_context_begins_with_its_tenant() -> None:
    """
    What chooses the key is bound to the ciphertext too.
    """
    assert owner(HERE) == "tn_one"


@pytest.mark.parametrize("vault", [PLAIN, VAULT])
def test_a_vault_that_is_printed_shows_no_key(vault: Vault) -> None:
    """
    Only the ids of its ring.
    """
    assert repr(vault).endswith("Vault(key_ids=[1])")
