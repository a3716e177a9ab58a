"""Addresses: what counts as one, and the keys that stand for them."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.addresses import PAIR_ALPHABET, PERSON, WHATSAPP, Pepper, new_pair_code, variants, whatsapp
from shared.ids import TenantId
from shared.keyring import KeyRing
from shared.telemetry import PHONE_LIKE

NUMBER = "whatsapp:+14155238886"
LINE = "whatsapp:+4930123456"
ONE, TWO = TenantId("tn_one"), TenantId("tn_two")
PEPPER = Pepper(b"p" * 32)
OTHER = Pepper(b"q" * 32)


# What counts as an address


@pytest.mark.parametrize(
    "raw", ["+14155238886", "whatsapp:+14155238886", " whatsapp:+1 415 523 8886\n", "+1 415\u00a0523 8886"]
)
def test_the_scheme_is_added_and_spaces_are_dropped(raw: str) -> None:
    """
    However a number was copied, it is one address.
    """
    assert whatsapp(raw) == NUMBER


@pytest.mark.parametrize(
    "address",
    [
        NUMBER,
        "whatsapp:+1234567",
        "whatsapp:+123456789012345",
        "whatsapp:US.13491208655302741918",
        "whatsapp:US.ENT.11815799212886844830",
        "whatsapp:DE." + "a" * 128,
    ],
)
def test_numbers_and_user_ids_are_people(address: str) -> None:
    """
    Seven to fifteen digits, or a country and an id for people who show no number.
    """
    assert PERSON.fullmatch(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "+14155238886",
        "whatsapp:14155238886",
        "whatsapp:+04155238886",
        "whatsapp:+123456",
        "whatsapp:+1234567890123456",
        "whatsapp:+1415 5238886",
        "whatsapp:+1415523888٦",
        "whatsapp:+14155238886\n",
        "WhatsApp:+14155238886",
        "sms:+14155238886",
        "whatsapp:us.1349",
        "whatsapp:US.",
        "whatsapp:US.ENT.",
        "whatsapp:USA.1349",
        "whatsapp:US.13-49",
        "whatsapp:US." + "a" * 129,
        NUMBER + ",whatsapp:+4930123456",
    ],
)
def test_nothing_else_is(address: str) -> None:
    """
    No other scheme, digits of other scripts, line ends or lists.
    """
    assert not PERSON.fullmatch(address)


# National ways to write one number

TODAY_AND_OTHER = {
    "Brazil's ninth digit": ("whatsapp:+5531987654321", "whatsapp:+553187654321"),
    "a Brazilian number that begins with 9 without it": ("whatsapp:+5511991234567", "whatsapp:+551191234567"),
    "Mexico's 1": ("whatsapp:+525512345678", "whatsapp:+5215512345678"),
    "Argentina's 9": ("whatsapp:+5491123456789", "whatsapp:+541123456789"),
}


@pytest.mark.parametrize(("today", "other"), TODAY_AND_OTHER.values(), ids=TODAY_AND_OTHER)
def test_a_number_that_networks_write_in_two_ways_is_one_address(today: str, other: str) -> None:
    """
    However it comes, both ways are looked for, and the key of today's is written.
    """
    assert variants(today) == variants(other) == (today, other)
    assert PEPPER.address_keys(ONE, WHATSAPP, today) == PEPPER.address_keys(ONE, WHATSAPP, other)
    assert PEPPER.address_key(ONE, WHATSAPP, other) == PEPPER.address_key(ONE, WHATSAPP, today)
    assert PEPPER.global_keys(WHATSAPP, today) == PEPPER.global_keys(WHATSAPP, other)


@pytest.mark.parametrize(
    "address",
    [
        NUMBER,
        "whatsapp:+551132654321",  # fixed lines have no ninth digit
        "whatsapp:+5511932654321",  # nor had these mobiles a time without it
        "whatsapp:+5501987654321",
        "whatsapp:+5211512345678",
        "whatsapp:+54923456789",
        "whatsapp:+559876543210987",
        "whatsapp:BR.5531987654321",
        "whatsapp:BR.ENT.5531987654321",
    ],
)
def test_every_other_address_is_written_in_one_way(address: str) -> None:
    """
    Fixed lines, other countries, other lengths, and user ids.
    """
    assert variants(address) == (address,)


_NATIONAL = st.builds(
    "whatsapp:+{}{}".format,
    st.sampled_from(["55", "5531", "52", "521", "54", "549", "1", "49"]),
    st.text("0123456789", min_size=7, max_size=12),
)


@given(_NATIONAL, st.integers(10, 22), st.sampled_from("0123456789"))
def test_two_addresses_share_all_ways_or_none(one: str, place: int, digit: str) -> None:
    """
    No number is a way to write two subscribers' numbers: not even one with a digit more.
    """
    other = one[:place] + digit + one[place:]
    for way in variants(one):
        assert variants(way) == variants(one)
    assert variants(one) == variants(other) or not {*variants(one)} & {*variants(other)}


# Keys


def test_keys_are_the_same_each_time() -> None:
    """
    Tables are searched by them.
    """
    again = Pepper(b"p" * 32)
    assert PEPPER.address_key(ONE, WHATSAPP, NUMBER) == again.address_key(ONE, WHATSAPP, NUMBER)
    assert PEPPER.global_key(WHATSAPP, NUMBER) == again.global_key(WHATSAPP, NUMBER)
    assert PEPPER.thread_key(WHATSAPP, LINE, NUMBER) == again.thread_key(WHATSAPP, LINE, NUMBER)
    assert PEPPER.code_digest("ABCDEFGH") == again.code_digest("ABCDEFGH")


def test_keys_never_change_from_one_version_to_the_next() -> None:
    """
    Stored keys and stream subjects outlive every release: these are the first version's.
    """
    assert (
        PEPPER.address_key(ONE, WHATSAPP, NUMBER) == "a0fbb8a300d4313f2cf9a160eb309216745c3bb7478d56af908ed2e833815792"
    )
    assert PEPPER.global_key(WHATSAPP, NUMBER) == "613666606ff9400562e1d21a1580982f0dde91afc874f56ecbef457a5bb395e3"
    assert PEPPER.thread_key(WHATSAPP, LINE, NUMBER) == "ktqlag5p6nhwosdsgua6xdcgr6"
    assert PEPPER.code_digest("ABCDEFGH") == "a8a4867fefd642a8842fc156d9e5fdac8d63dd3ec4d22c60cdc6ee088562344b"


def test_an_address_has_another_key_in_each_tenant() -> None:
    """
    Nobody finds out by their tables that two tenants know the same person.
    """
    assert PEPPER.address_key(ONE, WHATSAPP, NUMBER) != PEPPER.address_key(TWO, WHATSAPP, NUMBER)


def test_every_use_and_channel_has_keys_of_its_own() -> None:
    """
    What is stored in one table cannot be looked up in another.
    """
    keys = {
        PEPPER.address_key(ONE, WHATSAPP, NUMBER),
        PEPPER.address_key(ONE, "web", NUMBER),
        PEPPER.global_key(WHATSAPP, NUMBER),
        PEPPER.global_key("web", NUMBER),
        PEPPER.code_digest(NUMBER),
    }
    assert len(keys) == 5


def test_without_the_pepper_a_key_cannot_be_made() -> None:
    """
    Trying every number is of no use to somebody who has only the tables.
    """
    assert PEPPER.address_key(ONE, WHATSAPP, NUMBER) != OTHER.address_key(ONE, WHATSAPP, NUMBER)
    assert PEPPER.global_key(WHATSAPP, NUMBER) != OTHER.global_key(WHATSAPP, NUMBER)
    assert PEPPER.thread_key(WHATSAPP, LINE, NUMBER) != OTHER.thread_key(WHATSAPP, LINE, NUMBER)
    assert PEPPER.code_digest("ABCDEFGH") != OTHER.code_digest("ABCDEFGH")


def test_a_key_shows_nothing_of_the_number() -> None:
    """
    256 bits in hexadecimal.
    """
    key = PEPPER.address_key(ONE, WHATSAPP, NUMBER)
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert "5238886" not in key


def test_a_thread_key_is_safe_in_a_subject() -> None:
    """
    26 lower-case letters and digits: 130 bits.
    """
    assert re.fullmatch("[a-z2-7]{26}", PEPPER.thread_key(WHATSAPP, LINE, NUMBER))


def test_a_person_has_a_thread_at_each_line() -> None:
    """
    And none in the other direction.
    """
    there, back = PEPPER.thread_key(WHATSAPP, LINE, NUMBER), PEPPER.thread_key(WHATSAPP, NUMBER, LINE)
    assert len({there, back, PEPPER.thread_key(WHATSAPP, "whatsapp:+4930999999", NUMBER)}) == 3


def test_a_pepper_that_is_printed_shows_only_its_version() -> None:
    """
    The secret stays where it is.
    """
    assert repr(Pepper(b"p" * 32, 3)) == "Pepper(version=3)"


# Rotation

RING = Pepper.of(KeyRing({1: b"p" * 32, 2: b"q" * 32, 3: b"r" * 32}, 2))


def test_a_ring_writes_with_its_newest_pepper() -> None:
    """
    And says which it was.
    """
    assert RING.version == 2
    assert RING.address_key(ONE, WHATSAPP, NUMBER) == OTHER.address_key(ONE, WHATSAPP, NUMBER)
    assert RING.global_key(WHATSAPP, NUMBER) == OTHER.global_key(WHATSAPP, NUMBER)
    assert RING.code_digest("ABCDEFGH") == OTHER.code_digest("ABCDEFGH")


def test_a_ring_looks_up_with_all_of_its_peppers() -> None:
    """
    The one that writes first, then those that are known: older ones, and one that others may write with already.
    """
    peppers = [Pepper(secret * 32) for secret in (b"q", b"r", b"p")]
    assert RING.address_keys(ONE, WHATSAPP, NUMBER) == [each.address_key(ONE, WHATSAPP, NUMBER) for each in peppers]
    assert RING.global_keys(WHATSAPP, NUMBER) == [each.global_key(WHATSAPP, NUMBER) for each in peppers]
    assert RING.code_digests("ABCDEFGH") == [each.code_digest("ABCDEFGH") for each in peppers]


# Numbers that slip into a log after all


@pytest.mark.parametrize(
    "number", ["+14155238886", "14155238886", "+1 (415) 523-8886", "+49 30 1234567", "030.1234.567", NUMBER]
)
def test_what_looks_like_a_number_is_masked(number: str) -> None:
    """
    However it is written: the last net of the log.
    """
    masked = PHONE_LIKE.sub("[masked]", f"could not send to {number}, gave up")
    assert re.fullmatch(r"could not send to [a-z:(]*\[masked\], gave up", masked)


@pytest.mark.parametrize("harmless", ["1,500 units", "12345678", "error 63016", "10:42:07", "127.0.0.1:4222"])
def test_other_figures_are_not(harmless: str) -> None:
    """
    A log without times, codes and ports would be of little use.
    """
    assert PHONE_LIKE.sub("[masked]", harmless) == harmless


# Pairing codes


def test_a_pairing_code_is_eight_signs_that_nobody_confuses() -> None:
    """
    Of 32: capitals and digits without I, O, 0 and 1.
    """
    assert len(set(PAIR_ALPHABET)) == 32
    assert set(PAIR_ALPHABET) == set(string.ascii_uppercase + string.digits) - set("IO01")
    assert all(re.fullmatch(f"[{PAIR_ALPHABET}]{{8}}", new_pair_code()) for _ in range(200))


def test_pairing_codes_are_not_repeated_and_use_every_sign() -> None:
    """
    They come from the system's generator.
    """
    codes = [new_pair_code() for _ in range(500)]
    assert len(set(codes)) == 500
    assert set("".join(codes)) == set(PAIR_ALPHABET)
