"""The history checker finds what it is there to find."""

from typing import Any

from tests.journeys.history import Verdict, judge, read


def inbound(mark: str) -> dict[str, Any]:
    return {"kind": "inbound", "status": 200, "form": {"From": "a", "Body": f"hello [{mark}]"}}


def reply(*marks: str, sid: str = "SM1") -> dict[str, Any]:
    body = " ".join(f"[{mark}]" for mark in marks)
    return {"kind": "message.create", "status": 201, "message_sid": sid, "form": {"To": "a", "Body": body}}


def verdict(*wire: dict[str, Any]) -> Verdict:
    return judge(read(wire))


def test_a_kept_promise_has_no_findings() -> None:
    """
    Answered one by one or together, in order: nothing to say.
    """
    assert (
        verdict(inbound("1-1"), inbound("1-1"), inbound("1-2"), inbound("1-3"), reply("1-1"), reply("1-2", "1-3"))
        == Verdict()
    )


def test_a_lost_message_is_found() -> None:
    """
    Accepted and never answered.
    """
    assert verdict(inbound("1-1"), inbound("1-2"), reply("1-2")).lost == ["1-1"]


def test_a_doubled_answer_is_found() -> None:
    """
    One message in two replies.
    """
    assert verdict(inbound("1-1"), inbound("1-2"), reply("1-1"), reply("1-1", "1-2")).doubled == ["1-1"]


def test_a_part_sent_twice_is_found() -> None:
    """
    The same body to the same person, although the first was answered with an error.
    """
    assert verdict(inbound("1-1"), reply("1-1"), {**reply("1-1", sid="SM2"), "status": 500}).doubled_parts == ["[1-1]"]


def test_an_inversion_is_found() -> None:
    """
    The second message answered before the first.
    """
    assert verdict(inbound("1-1"), inbound("1-2"), reply("1-2"), reply("1-1")).out_of_order == ["a"]


def test_what_was_never_accepted_is_not_missed() -> None:
    """
    A webhook that was refused is Twilio's to repeat, not ours to answer.
    """
    assert verdict({**inbound("1-1"), "status": 503}) == Verdict()
