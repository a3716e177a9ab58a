"""What the checker says of logs written by hand."""

from typing import Any

from dev.chaos.checker import Findings, check, unanswered

ANN = "whatsapp:+15550000001"


def wrote(mark: str, at: float = 0.0, status: int | None = 200) -> dict[str, Any]:
    return {"kind": "inbound", "at": at, "status": status, "form": {"From": ANN, "Body": f"hello [{mark}]"}}


def got(*marks: str, at: float = 1.0, body: str = "", **more: Any) -> dict[str, Any]:
    text = body or "You said: " + " ".join(f"[{mark}]" for mark in marks)
    entry = {
        "kind": "message.create",
        "at": at,
        "status": 201,
        "message_sid": f"SM{at}",
        "form": {"To": ANN, "Body": text},
    }
    return entry | more


def listed(at: float) -> dict[str, Any]:
    return {"kind": "message.list", "at": at, "status": 200, "form": {"To": ANN, "From": "whatsapp:+14155238886"}}


def call(started: float, ended: float | None, conversation: str = "cv_1", said: str = "") -> dict[str, Any]:
    return {"started": started, "ended": ended, "conversation": conversation, "messages": [{"content": said}]}


def found(
    *wire: dict[str, Any], calls: tuple[dict[str, Any], ...] = (), faults: tuple[dict[str, Any], ...] = ()
) -> Findings:
    return check(wire, calls, faults, {})


def test_kept_promises_have_no_findings() -> None:
    """
    Answered one by one or together, in order.
    """
    answers = found(wrote("1-0"), wrote("1-1"), wrote("1-2"), got("1-0"), got("1-1", "1-2", at=2))
    assert answers.verdict.good
    assert (answers.messages, answers.answered) == (3, 3)


def test_a_lost_message_is_found() -> None:
    """
    Accepted, and never answered.
    """
    assert found(wrote("1-0"), wrote("1-1"), got("1-1")).verdict.lost == ["1-0"]


def test_an_apology_is_an_answer() -> None:
    """
    The model failed, and the person was told.
    """
    apology = got(body="Sorry, I could not work out an answer just now. Please try again in a moment.")
    answers = found(wrote("1-0"), apology)
    assert answers.verdict.good
    assert answers.apologised == 1


def test_what_was_never_accepted_is_not_missed() -> None:
    """
    A webhook that was refused is Twilio's to repeat.
    """
    assert found(wrote("1-0", status=503), wrote("1-1", status=None)).verdict.good


def test_two_answers_to_one_message_are_found() -> None:
    """
    One mark in two different replies.
    """
    assert found(wrote("1-0"), wrote("1-1"), got("1-0"), got("1-0", "1-1", at=2)).verdict.double_turns == ["1-0"]


def test_a_part_that_was_taken_twice_is_found() -> None:
    """
    The same body to the same person, although the first was answered with an error.
    """
    assert found(wrote("1-0"), got("1-0", status=500), got("1-0", at=2)).verdict.double_parts


def test_a_part_that_was_not_taken_may_be_sent_again() -> None:
    """
    Without a SID nothing was sent.
    """
    assert found(wrote("1-0"), got("1-0", status=500, message_sid=None), got("1-0", at=2)).verdict.good


def test_an_inversion_is_found() -> None:
    """
    The second message answered before the first.
    """
    assert found(wrote("1-0"), wrote("1-1"), got("1-1"), got("1-0", at=2)).verdict.out_of_order == [ANN]


def test_parts_in_order_are_fine_and_out_of_order_are_found() -> None:
    """
    An answer in three parts, told apart by what each says of itself.
    """
    parts = [got(body=f"<{number}/3 1-0> [1-0] text", at=float(number)) for number in (1, 2, 3)]
    assert found(wrote("1-0"), *parts).verdict.good
    assert found(wrote("1-0"), parts[0], parts[2], parts[1]).verdict.parts_out_of_order == ["1-0"]


def test_an_answer_in_parts_that_comes_twice_is_found() -> None:
    """
    Its first part is there twice, beside other words.
    """
    first, again = got(body="<1/2 1-0> [1-0] a"), got(body="<1/2 1-0> [1-0] b", at=2)
    assert "1-0" in found(wrote("1-0"), first, again).verdict.double_turns


def test_a_side_effect_that_is_stored_twice_is_found() -> None:
    """
    One form for one message.
    """
    assert check([wrote("1-0"), got("1-0")], [], [], {"1-0": 2}).verdict.double_effects == ["1-0"]


def test_two_runs_of_one_conversation_at_a_time_are_found() -> None:
    """
    They overlap by more than a broken-off call needs to be noticed.
    """
    assert found(calls=(call(0, 2), call(1, 3))).verdict.concurrent_runs == ["cv_1"]
    assert found(calls=(call(0, 2), call(1.9, 3), call(1, 3, "cv_2"))).verdict.good


def test_a_run_beside_a_paused_one_is_told_apart() -> None:
    """
    A woken process finishes a call that cannot count any more.
    """
    pause = {"kind": "pause", "target": "agent-1", "at": 0.5, "until": 5.0}
    answers = found(calls=(call(0, 6), call(3, 4)), faults=(pause,))
    assert answers.verdict.good
    assert answers.fenced_runs == 1


def test_recovery_is_measured_from_the_last_fault_without_the_models_time() -> None:
    """
    Killed at 1 and at 2, answered at 8, of which the model took 3 seconds.
    """
    faults = tuple({"kind": "SIGKILL", "target": "agent-1", "at": at} for at in (1.0, 2.0))
    answers = found(wrote("1-0"), got("1-0", at=8.0), calls=(call(4, 7, said="[1-0]"),), faults=faults)
    assert answers.recoveries == {"SIGKILL agent": [3.0]}


def test_doubtful_sends_are_listed_with_how_they_ended() -> None:
    """
    Told by a callback, found in the list, or sent once more; they do not count as slow recovery.
    """
    fault = {"kind": "SIGKILL", "target": "egress-1", "at": 0.5}
    told = found(wrote("1-0"), got("1-0", status=500, fault="500_after"), faults=(fault,))
    assert [(doubt.why, doubt.ended) for doubt in told.doubts] == [("500_after", "told by its callback")]
    listed_one = found(wrote("1-0"), got("1-0", status=None, fault="drop_after"), listed(6.0))
    assert [doubt.ended for doubt in listed_one.doubts] == ["found in the list"]
    lost = got("1-0", status=None, message_sid=None, fault="drop_before")
    again = found(wrote("1-0"), lost, listed(6.0), listed(16.0), got("1-0", at=121.0), faults=(fault,))
    assert [(doubt.ended, doubt.seconds) for doubt in again.doubts] == [("sent once more", 120.0)]
    assert again.recoveries == {}


def test_what_is_still_unanswered_is_counted() -> None:
    """
    Until that is nothing, a run waits.
    """
    assert unanswered([wrote("1-0"), wrote("1-1"), got("1-0")]) == 1
