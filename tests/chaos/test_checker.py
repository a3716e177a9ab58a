"""What the checker says of logs written by hand."""

from collections.abc import Mapping
from typing import Any

import pytest

from dev.chaos.checker import Findings, check, unanswered

ANN = "whatsapp:+15550000001"
SORRY = "Sorry, I could not work out an answer just now. Please try again in a moment."


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


def listed(at: float, *sids: str, status: int = 200) -> dict[str, Any]:
    form = {"To": ANN, "From": "whatsapp:+14155238886"}
    return {"kind": "message.list", "at": at, "status": status, "form": form, "response": f"{sids}"}


def reported(sid: str, at: float) -> dict[str, Any]:
    return {"kind": "status", "at": at, "status": 204, "form": {"To": ANN, "MessageSid": sid}}


def call(
    started: float, ended: float | None, conversation: str = "cv_1", said: str = "", **more: Any
) -> dict[str, Any]:
    asked = [{"role": "user", "content": said}]
    return {"started": started, "ended": ended, "conversation": conversation, "messages": asked} | more


def ended(*wire: dict[str, Any]) -> list[tuple[str, str, float]]:
    return [(doubt.why, doubt.ended, doubt.seconds) for doubt in found(*wire).doubts]


def found(
    *wire: dict[str, Any],
    calls: tuple[dict[str, Any], ...] = (),
    faults: tuple[dict[str, Any], ...] = (),
    effects: Mapping[str, int] | None = None,
) -> Findings:
    return check(wire, calls, faults, effects or {})


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


def test_an_apology_is_an_answer_where_the_model_was_in_trouble() -> None:
    """
    The model failed, and the person was told.
    """
    failed = call(0.1, 0.2, said="hello [1-0]", status=500)
    answers = found(wrote("1-0"), got(body=SORRY), calls=(failed,))
    assert answers.verdict.good
    assert answers.apologised == 1


@pytest.mark.parametrize(
    "trouble",
    [{"status": 429}, {"fault": "timeout"}, {"status": 200, "answer": "", "tool": None}, {"started": -5.0}],
    ids=["refused", "ordered", "silent", "slow"],
)
def test_each_trouble_of_the_model_earns_an_apology(trouble: dict[str, Any]) -> None:
    """
    It refused, did as it was ordered, said nothing, or took too long.
    """
    failed = call(0.1, 0.2, said="hello [1-0]") | trouble
    assert found(wrote("1-0"), got(body=SORRY), calls=(failed,)).verdict.good


def test_an_apology_without_a_reason_is_a_lost_message() -> None:
    """
    The model was well, and answered.
    """
    well = call(0.1, 0.2, said="hello [1-0]", status=200, answer="You said")
    assert found(wrote("1-0"), got(body=SORRY), calls=(well,)).verdict.lost == ["1-0"]


def test_an_apology_for_a_later_message_does_not_cover_an_earlier_one() -> None:
    """
    Answers come in order: what the apology is for stands behind what was answered before it.
    """
    answers = found(wrote("1-0"), wrote("1-1"), wrote("1-2"), got("1-1"), got(body=SORRY, at=2))
    assert answers.verdict.lost == ["1-0"]
    assert answers.apologised == 1


def test_an_apology_may_come_before_the_post_that_was_answered() -> None:
    """
    A post without an answer may be kept all the same; only the next one says so.
    """
    failed = call(0.1, 0.2, said="hello [1-0]", status=500)
    answers = found(wrote("1-0", status=None), got(body=SORRY), wrote("1-0", at=2), calls=(failed,))
    assert answers.verdict.good
    assert answers.apologised == 1


def test_an_apology_beside_an_answer_is_found() -> None:
    """
    The message was answered, and apologised for as well.
    """
    assert found(wrote("1-0"), got("1-0"), got(body=SORRY, at=2)).verdict.double_turns


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


def test_a_part_that_never_came_is_found() -> None:
    """
    The second of three.
    """
    parts = [got(body=f"<{number}/3 1-0> [1-0] text", at=float(number)) for number in (1, 3)]
    assert found(wrote("1-0"), *parts).verdict.lost_parts == ["1-0: 2 of 3"]


def test_an_answer_in_parts_and_another_in_one_are_found() -> None:
    """
    Two runs answered the same message.
    """
    parts = [got(body=f"<{number}/2 1-0> [1-0] text", at=float(number)) for number in (1, 2)]
    assert found(wrote("1-0"), *parts, got("1-0", at=3)).verdict.double_turns == ["1-0"]


def test_a_side_effect_that_the_model_was_told_of_and_did_not_happen_is_found() -> None:
    """
    The tool said that it had passed the message on; it is stored nowhere.
    """
    function = {"name": "contact_form", "arguments": '{"name": "Ann", "message": "please call me [1-0]"}'}
    told: list[dict[str, Any]] = [
        {"role": "user", "content": "contact: Ann, please call me [1-0]"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "function": function}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "The message was passed on."},
    ]
    done, refused = (
        call(0, 1, messages=[*told[:2], told[2] | {"content": said}]) for said in (told[2]["content"], "No.")
    )
    history = (wrote("1-0"), got("1-0"))
    assert found(*history, calls=(done,), effects={"2-0": 1}).verdict.lost_effects == ["1-0"]
    assert found(*history, calls=(done,), effects={"1-0": 1}).verdict.good
    assert found(*history, calls=(refused,), effects={"2-0": 1}).verdict.good


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


def test_a_run_that_outlasts_several_others_is_found_beside_each() -> None:
    """
    The overlap need not be with the run just before.
    """
    assert len(found(calls=(call(0, 9), call(1, 2), call(3, 4))).verdict.concurrent_runs) == 2


def test_a_run_beside_that_of_a_paused_agent_is_told_apart() -> None:
    """
    A woken process finishes a call that cannot count any more; a pause of anything else excuses nothing.
    """
    pause = {"kind": "pause", "target": "agent-1", "at": 0.5, "until": 5.0}
    calls = (call(0, 6), call(3, 4))
    answers = found(calls=calls, faults=(pause,))
    assert answers.verdict.good
    assert answers.fenced_runs == ["cv_1"]
    assert not found(calls=calls, faults=(pause | {"target": "router-1"},)).verdict.good


def test_recovery_is_measured_from_each_fault_without_the_models_time() -> None:
    """
    Killed at 1 and at 2, answered at 8, of which the model took 3 seconds.
    """
    faults = tuple({"kind": "SIGKILL", "target": target, "at": at} for at, target in ((1.0, "agent-1"), (2.0, "nats")))
    answers = found(wrote("1-0"), got("1-0", at=8.0), calls=(call(4, 7, said="[1-0]"),), faults=faults)
    assert answers.recoveries == {"SIGKILL agent": [4.0], "SIGKILL nats": [3.0]}
    assert answers.last_recoveries == [3.0]


def test_recovery_from_the_pause_of_what_nobody_stands_in_for_begins_with_its_end() -> None:
    """
    An agent's conversations are taken over; Postgres has to be waited for.
    """
    paused = ({"kind": "pause", "target": target, "at": 1.0, "until": 6.0} for target in ("agent-1", "postgres"))
    answers = found(wrote("1-0"), got("1-0", at=8.0), faults=tuple(paused))
    assert answers.recoveries == {"pause agent": [7.0], "pause postgres": [2.0]}


def test_what_waits_for_a_doubtful_send_or_a_model_in_trouble_does_not_count_as_slow_recovery() -> None:
    """
    It is counted apart.
    """
    fault = {"kind": "SIGKILL", "target": "egress-1", "at": 0.5}
    lost = got("1-0", status=None, message_sid=None, fault="drop_before")
    doubtful = found(wrote("1-0"), lost, listed(6.0), got("1-0", at=121.0), faults=(fault,))
    assert (doubtful.recoveries, doubtful.held) == ({}, {"SIGKILL egress": 1})
    slow = call(0.1, 5.1, said="[1-0]")
    troubled = found(wrote("1-0"), got("1-0", at=6.0), calls=(slow,), faults=(fault,))
    assert (troubled.recoveries, troubled.held) == ({}, {"SIGKILL egress": 1})


def test_a_doubtful_send_that_its_callback_proves_is_adopted() -> None:
    """
    Twilio took it and answered 500; its report came.
    """
    taken = got("1-0", status=500, fault="500_after", message_sid="SM1")
    assert ended(wrote("1-0"), taken, reported("SM1", 2.0)) == [("500_after", "adopted from callback", 1.0)]


def test_an_answer_that_came_too_late_leaves_a_doubt() -> None:
    """
    Twilio took it and answered 201 when nobody waited any more.
    """
    late = got("1-0", fault="hang", message_sid="SM1", ms=32_000.0)
    assert ended(wrote("1-0"), late, reported("SM1", 1.5)) == [("hang", "adopted from callback", 0.5)]


def test_a_doubtful_send_that_is_listed_is_adopted() -> None:
    """
    The connection broke, no report came, and Twilio's list shows it; at first it could not tell, or did not know.
    """
    taken = got("1-0", status=None, fault="drop_after", message_sid="SM1")
    asked = (listed(6.0, status=500), listed(8.0), listed(16.0, "SM1"))
    [doubt] = found(wrote("1-0"), taken, *asked).doubts
    assert (doubt.ended, doubt.until, doubt.asked, doubt.held) == ("adopted from list", 16.0, 3, 1)


def test_a_doubtful_send_that_nobody_knows_of_is_sent_once_more() -> None:
    """
    After the last question; nothing was taken, so nothing is doubled.
    """
    lost = got("1-0", status=None, message_sid=None, fault="drop_before")
    history = (wrote("1-0"), lost, listed(6.0), listed(16.0), got("1-0", at=121.0))
    assert ended(*history) == [("drop_before", "sent once more", 120.0)]
    assert found(*history).verdict.good


def test_a_doubtful_send_without_an_end_is_held() -> None:
    """
    Nothing came after it, and nothing will.
    """
    lost = got("1-0", status=500, message_sid=None, fault="500_before")
    assert ended(wrote("1-0"), lost, listed(6.0)) == [("500_before", "held", 5.0)]


def test_a_sender_that_died_is_seen_by_what_is_asked_after_it() -> None:
    """
    After the call: the list shows what it had sent. Before the call: the list shows nothing new, and the part is sent.
    """
    sent = got("1-0", message_sid="SM1")
    assert ended(wrote("1-0"), sent, listed(6.0, "SM1")) == [("sender died", "adopted from list", 5.0)]
    first = (wrote("1-0"), listed(1.0), listed(5.0), got("1-0", at=6.0))
    assert ended(*first) == [("sender died before it", "sent once more", 5.0)]
    later = (wrote("1-0"), wrote("1-1"), sent, listed(6.0, "SM1"), listed(9.0, "SM1"), got("1-1", at=10.0))
    assert ended(*later) == [("sender died before it", "sent once more", 4.0)]


def test_what_was_sent_twice_in_vain_and_looked_for_is_given_up_and_not_lost() -> None:
    """
    After two doubtful sends of which Twilio knows nothing, a third would be against the rules.
    """
    lost: dict[str, Any] = {"status": 500, "message_sid": None, "fault": "500_before"}
    tries = (got("1-0", **lost), listed(6.0), got("1-0", at=121.0, **lost), listed(126.0))
    once, twice = found(wrote("1-0"), *tries[:2]), found(wrote("1-0"), *tries)
    assert (once.verdict.lost, once.given_up) == (["1-0"], [])
    assert (twice.verdict.lost, twice.given_up, twice.apologised) == ([], ["1-0"], 0)
    unasked = found(wrote("1-0"), *tries[:3])
    assert unasked.verdict.lost == ["1-0"]


def test_a_part_and_an_apology_are_given_up_likewise() -> None:
    """
    The other parts of the reply came; the apology was earned.
    """
    lost: dict[str, Any] = {"status": 500, "message_sid": None, "fault": "500_before"}
    first = got(at=1.0, body="<1/2 1-0> You said [1-0]")
    part = got(at=2.0, body="<2/2 1-0> and [1-0]", **lost)
    parts = found(wrote("1-0"), first, part, listed(6.0), part | {"at": 121.0}, listed(126.0))
    assert parts.verdict.good
    sorry = got(body=SORRY, at=2.0, **lost)
    calls = (call(0.1, 0.2, said="[1-0]", status=500),)
    apology = found(wrote("1-0"), sorry, listed(6.0), sorry | {"at": 121.0}, listed(126.0), calls=calls)
    assert (apology.verdict.lost, apology.given_up) == ([], ["1-0"])


def test_a_refusal_is_no_doubt() -> None:
    """
    429 says that nothing was taken.
    """
    refused = got("1-0", status=429, message_sid=None, fault="429")
    assert ended(wrote("1-0"), refused, got("1-0", at=3.0)) == []


def test_what_is_still_unanswered_is_counted() -> None:
    """
    Until that is nothing, a run waits.
    """
    assert unanswered([wrote("1-0"), wrote("1-1"), got("1-0")]) == 1
