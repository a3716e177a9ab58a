"""How an address is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.addresses import PERSON
from shared.masking import masked


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("whatsapp:+393330000001", "+39 333 ••• 0001"),
        ("+14155238886", "+1 415 ••• 8886"),
        ("whatsapp:+3545812345", "+354 ••• 2345"),
        ("whatsapp:+15550001", "+1 ••• 0001"),
        ("+9991234567", "+999 ••• 4567"),
        ("whatsapp:US.13491208655302741918", "US.134 ••• 1918"),
    ],
)
def test_an_address_is_shown_by_its_ends(address: str, shown: str) -> None:
    """
    Country code, three digits and four; fewer where that would leave too little hidden.
    """
    assert masked(address) == shown


@given(st.from_regex(PERSON, fullmatch=True))
def test_whatever_the_address_at_least_three_of_its_signs_are_hidden(address: str) -> None:
    """
    Where it has so many.
    """
    bare = address.removeprefix("whatsapp:").lstrip("+")
    left = [sign for sign in masked(address) if sign.isalnum()]
    assert len(left) <= max(len(bare) - 3, 0) or len(bare) <= 4
