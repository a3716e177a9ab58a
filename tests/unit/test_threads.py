"""Several threads of one person: in which order they are read, and what their root knows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.router.threads import Message, Thread, Unreadable, gather, in_order
from shared.failures import MALFORMED_EVENT
from shared.ids import ContactId, ProviderSid, Sequence, TenantId, ThreadKey

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ONE, TWO, THREE = (TenantId(name) for name in ("tn_one", "tn_two", "tn_three"))


@given(st.lists(st.integers(0, 2), max_size=60), st.integers(1, 9))
def test_threads_are_taken_in_by_arrival_however_few_are_read_at_a_time(subjects: list[int], most: int) -> None:
    """
    Each pass takes what is surely complete, and the passes together take everything, in the order of the stream.
    """
    seqs = range(1, len(subjects) + 1)
    taken: list[int] = []
    for _ in subjects:
        after = taken[-1] if taken else 0
        reads = [
            [_stored(seq, it) for seq in seqs if subjects[seq - 1] == it and seq > after][:most] for it in range(3)
        ]
        taken += [message.seq for message in in_order(reads, most)]
    assert taken == list(seqs)


def _stored(seq: int, subject: int) -> Message | Unreadable:
    return Unreadable(Sequence(seq), MALFORMED_EVENT, ThreadKey(str(subject)))


def _thread(key: str, **state: object) -> Thread:
    bare = Thread(
        key=ThreadKey(key), contact=ContactId("ct_host"), host_contact_id=None, guests=[], last_seq=Sequence(0),
        asked_seq=Sequence(0), done_seq=Sequence(0), hits=[], wrong_codes=[], noticed={}, opted_out_at=None,
        last_inbound_at=None, last_provider_sid=None, failing_seq=Sequence(0), failures=0, run_at=None, burst_at=None,
        sending=False,
    )  # fmt: skip
    return replace(bare, **state)  # type: ignore[arg-type]


def _at(second: int) -> datetime:
    return NOW + timedelta(seconds=second)


def test_limits_count_what_came_on_every_thread() -> None:
    """
    Messages and wrong codes are counted by person.
    """
    root = _thread("root", hits=[_at(1), _at(3)], wrong_codes=[_at(4)])
    other = _thread("other", hits=[_at(2)], wrong_codes=[_at(1)])
    gather(root, [other])
    assert root.hits == [_at(1), _at(2), _at(3)]
    assert root.wrong_codes == [_at(1), _at(4)]
    assert (other.hits, other.wrong_codes) == ([], [])


def test_a_notice_was_last_said_when_it_was_last_said_on_any_thread() -> None:
    """
    So that nobody hears it again because of another address.
    """
    root = _thread("root", noticed={"a": _at(1).isoformat(), "b": _at(9).isoformat()})
    gather(
        root, [_thread("other", noticed={"a": _at(5).isoformat(), "b": _at(2).isoformat(), "c": _at(3).isoformat()})]
    )
    assert root.noticed == {"a": _at(5).isoformat(), "b": _at(9).isoformat(), "c": _at(3).isoformat()}


def test_who_stopped_on_one_thread_has_stopped() -> None:
    """
    Until they take it back, which is then not undone by the other thread.
    """
    root, other = _thread("root"), _thread("other", opted_out_at=_at(1))
    gather(root, [other])
    assert root.opted_out_at == _at(1)
    root.opted_out_at = None
    gather(root, [other])
    assert root.opted_out_at is None


def test_the_24_hours_count_from_the_newest_message_of_all() -> None:
    """
    Its id is where the dots are shown.
    """
    root = _thread("root", last_inbound_at=_at(5), last_provider_sid=ProviderSid("SM5"))
    later = _thread("later", last_inbound_at=_at(9), last_provider_sid=ProviderSid("SM9"))
    gather(
        root,
        [_thread("silent"), later, _thread("before", last_inbound_at=_at(2), last_provider_sid=ProviderSid("SM2"))],
    )
    assert (root.last_inbound_at, root.last_provider_sid) == (_at(9), "SM9")


def test_the_guest_whom_the_person_was_last_is_present() -> None:
    """
    On a shared line: the root sees the rows of all, and is for the tenant of the newest message.
    """
    root = _thread(
        "root", last_inbound_at=_at(1), guests=[ONE, TWO], contact=ContactId("ct_two"), host_contact_id="ct_host"
    )
    other = _thread("other", last_inbound_at=_at(2), guests=[THREE, ONE], contact=ContactId("ct_one"))
    gather(root, [other])
    assert root.guests == [TWO, THREE, ONE]
    assert (root.contact, root.host_contact_id) == ("ct_one", "ct_host")
    assert other.guests == [THREE, ONE]


def test_a_thread_that_was_for_nobody_else_leaves_the_guest_present() -> None:
    """
    Whatever came on it later.
    """
    root = _thread("root", last_inbound_at=_at(1), guests=[ONE], contact=ContactId("ct_one"), host_contact_id="ct_host")
    gather(root, [_thread("other", last_inbound_at=_at(2))])
    assert (root.guests, root.contact) == ([ONE], "ct_one")


def test_what_was_asked_stays_with_its_thread() -> None:
    """
    A turn that was asked before the threads were one is finished where it was begun.
    """
    root = _thread("root", asked_seq=Sequence(3), done_seq=Sequence(3))
    other = _thread("other", asked_seq=Sequence(5), done_seq=Sequence(2), run_at=_at(1))
    gather(root, [other])
    assert (root.asked_seq, root.done_seq) == (3, 3)
    assert (other.asked_seq, other.done_seq, other.run_at) == (5, 2, _at(1))
