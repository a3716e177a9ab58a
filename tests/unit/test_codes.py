"""Twilio's error codes, against the sheet of what each one means."""

import pytest

from shared.channels.whatsapp_twilio import codes
from shared.channels.whatsapp_twilio.codes import CODES, failure

RETRIED = {20429, 30001, 21611, 63010, 63012, 63017, 63018, 63119}
RETRIED_ONCE = {30003, 30008, 30500, 63023, 63025}
NO_MORE_WANTED = {21610, 30004, 63014}
BAD_ADDRESS = {21211, 21614, 30005, 30006, 63003, 63005, 63024}
BAD_SETTINGS = {
    *(20003, 20404, 21212, 21401, 21408, 21601, 21603, 21606, 21703, 30002),
    *(63001, 63006, 63007, 63008, 63015, 63020, 63038, 63051),
}
BAD_CONTENT = {21602, 21617, 21654, 21655, 21656, 21658, 63019, 63021, 63022, 63027, 63028, 63029, 63030}
FINAL = {30007, 30036, 63013, 63016, 63032, 63033, 63049}

CLASSES = [RETRIED, RETRIED_ONCE, NO_MORE_WANTED, BAD_ADDRESS, BAD_SETTINGS, BAD_CONTENT, FINAL]


def test_the_sheet_and_the_table_name_the_same_codes() -> None:
    """
    Each code once.
    """
    assert sorted(CODES) == sorted(code for named in CLASSES for code in named)


@pytest.mark.parametrize("code", sorted(CODES))
def test_only_what_may_pass_is_tried_again(code: int) -> None:
    """
    The rest would be refused again.
    """
    assert failure(code).retry is (code in RETRIED | RETRIED_ONCE)


@pytest.mark.parametrize("code", sorted(RETRIED_ONCE))
def test_a_hiccup_is_tried_once_more(code: int) -> None:
    """
    Two tries in all.
    """
    assert failure(code).most == 2


@pytest.mark.parametrize("code", sorted(CODES))
def test_only_people_who_want_no_more_stop_what_is_queued(code: int) -> None:
    """
    They opted out, or blocked us.
    """
    assert failure(code).stops is (code in NO_MORE_WANTED)


@pytest.mark.parametrize("code", sorted((BAD_SETTINGS | BAD_CONTENT) - {63015}))
def test_what_a_person_must_mend_pages(code: int) -> None:
    """
    Settings and defects of ours do not mend themselves; a sandbox that was not joined is the user's to mend.
    """
    assert failure(code).page


@pytest.mark.parametrize("code", sorted(NO_MORE_WANTED | BAD_ADDRESS | {63015, 63016}))
def test_what_lies_with_the_recipient_does_not_page(code: int) -> None:
    """
    It happens every day.
    """
    assert not failure(code).page


def test_one_recipient_is_given_six_seconds() -> None:
    """
    Meta lets one business write to one person that often.
    """
    assert failure(63018).after >= 6


@pytest.mark.parametrize("code", [30001, 21611])
def test_a_full_queue_is_given_a_minute(code: int) -> None:
    """
    It holds ten hours of messages.
    """
    assert failure(code).after >= 60


@pytest.mark.parametrize("code", [0, 1, 20001, 21999, 63999, 99999])
def test_an_unknown_code_is_final_and_pages(code: int) -> None:
    """
    Somebody has to look it up.
    """
    assert failure(code) is codes.UNKNOWN_CODE
    assert (failure(code).retry, failure(code).page, failure(code).stops) == (False, True, False)


@pytest.mark.parametrize("code", [20500, 20503])
def test_a_server_error_is_not_a_matter_of_its_code(code: int) -> None:
    """
    Its HTTP status says that the send is in doubt: a code must not say otherwise.
    """
    assert code not in CODES


def test_every_failure_has_a_name_and_advice() -> None:
    """
    Names are unique, and fit for labels; advice is a sentence.
    """
    failures = {*CODES.values(), codes.UNKNOWN_CODE, codes.UNREACHABLE}
    assert len({it.code for it in failures}) == len(failures)
    assert all(it.code.replace("_", "").isalpha() and it.code.islower() for it in failures)
    assert all(it.advice.endswith(".") for it in failures)
