"""What the simulator answers has the form that Twilio publishes."""

import copy
from typing import Any

import pytest

from dev.simulator.testing import ACCOUNT_SID
from tests.simulator import contract
from tests.simulator.contract import ACCOUNT, CREATE, FETCH, LIST, TYPING, Operation, error_problems, examples, problems
from tests.simulator.gateway import Gateway
from tests.simulator.twilio import BASE, MESSAGES, Twilio

SUBJECTS = [
    pytest.param(ACCOUNT, id="account"),
    pytest.param(CREATE, id="create"),
    pytest.param(FETCH, id="fetch"),
    pytest.param(LIST, id="list"),
    pytest.param(TYPING, id="typing"),
    pytest.param(contract.NUMBER_LIST, id="numbers"),
    pytest.param(contract.NUMBER_FETCH, id="number"),
    pytest.param(contract.NUMBER_UPDATE, id="number-update"),
    pytest.param(contract.SENDER_LIST, id="senders"),
    pytest.param(contract.SENDER_FETCH, id="sender"),
    pytest.param(contract.SENDER_UPDATE, id="sender-update"),
    pytest.param(contract.SERVICE_LIST, id="services"),
    pytest.param(contract.SERVICE_CREATE, id="service-create"),
    pytest.param(contract.SERVICE_FETCH, id="service"),
    pytest.param(contract.SERVICE_UPDATE, id="service-update"),
    pytest.param(contract.SERVICE_SENDERS, id="service-senders"),
    pytest.param(contract.SERVICE_ADD_SENDER, id="service-sender-add"),
    pytest.param(contract.CONTENT_CREATE, id="content-create"),
    pytest.param(contract.CONTENT_LIST, id="contents"),
    pytest.param(contract.CONTENT_FETCH, id="content"),
    pytest.param(contract.APPROVAL_CREATE, id="approval-create"),
    pytest.param(contract.APPROVAL_FETCH, id="approval"),
]


@pytest.mark.parametrize("operation", SUBJECTS)
def test_twilios_own_examples_are_of_its_form(operation: Operation) -> None:
    """
    The measure is no stricter than Twilio's documents are with themselves.
    """
    assert [problems(operation, example) for example in examples(operation).values()] == [[]] * len(examples(operation))


async def test_a_created_message_is_of_twilios_form(twilio: Twilio) -> None:
    """
    Every field is there, no other, each of its type, pattern and format.
    """
    answer = await twilio.create("Grüße 👋🏽")
    assert answer.status_code == 201
    assert problems(CREATE, answer.json()) == []


@pytest.mark.parametrize("ending", ["read", "undelivered", "failed"])
async def test_a_fetched_message_is_of_twilios_form(ending: str, twilio: Twilio, gateway: Gateway) -> None:
    """
    Whatever became of it.
    """
    if ending != "read":
        await twilio.order(ending, code=63024)
    sid = await twilio.created()
    stages = {"read": ("sent", "delivered", "read"), "undelivered": ("sent", "undelivered"), "failed": ("failed",)}
    await gateway.until_reported(sid, *stages[ending])
    answer = await twilio.get(f"{BASE}/Messages/{sid}.json")
    assert problems(FETCH, answer.json()) == []
    assert (answer.json()["status"], answer.json()["error_code"]) == (ending, None if ending == "read" else 63024)


async def test_an_inbound_message_is_of_twilios_form(twilio: Twilio) -> None:
    """
    With a picture, and from somebody who shows no number.
    """
    ended = await twilio.write("", media={"content_type": "image/png"}, **{"from": "US.13491208655302741918"})
    answer = await twilio.get(f"{BASE}/Messages/{ended['sid']}.json")
    assert problems(FETCH, answer.json()) == []
    assert answer.json()["sid"].startswith("MM")
    assert answer.json()["num_media"] == "1"


async def test_every_page_of_a_list_is_of_twilios_form(twilio: Twilio) -> None:
    """
    The first, one in the middle, the last, and one behind the last.
    """
    for number in range(5):
        await twilio.created(f"part {number}")
    for page in range(4):
        answer = await twilio.get(MESSAGES, PageSize="2", Page=str(page))
        assert problems(LIST, answer.json()) == []
    assert problems(LIST, (await twilio.get(MESSAGES, To="whatsapp:+15559999999")).json()) == []


async def test_the_account_is_of_twilios_form(twilio: Twilio) -> None:
    """
    Token included, as at Twilio: whoever asks must not log the answer.
    """
    answer = await twilio.get(f"{BASE}.json")
    assert problems(ACCOUNT, answer.json()) == []
    assert answer.json()["sid"] == ACCOUNT_SID


async def test_the_typing_answer_is_of_twilios_form(twilio: Twilio) -> None:
    """
    Success is a word.
    """
    ended = await twilio.write()
    answer = await twilio.type(ended["sid"])
    assert problems(TYPING, answer.json()) == []


async def test_every_error_is_in_twilios_envelope(twilio: Twilio) -> None:
    """
    Refusals of our own making, and those on order.
    """
    for order in ({"kind": "429"}, {"kind": "401"}, {"kind": "500_before"}, {"kind": "500_after"}):
        await twilio.order(**order)
    await twilio.order("error", code=21610, status=400)
    await twilio.order("list_500")
    answers = [await twilio.create() for _ in range(5)]
    answers += [await twilio.create(To="nobody"), await twilio.create(""), await twilio.type("SM1")]
    answers += [await twilio.get(MESSAGES), await twilio.get(MESSAGES, PageSize="x")]
    answers += [await twilio.get(f"{BASE}/Messages/SM1.json"), await twilio.sim.api.get(MESSAGES)]
    assert [error_problems(answer.status_code, answer.json()) for answer in answers] == [[]] * 12


SPOILED: list[tuple[Operation, str, Any]] = [
    (CREATE, "sid", "XX" + "0" * 32),
    (CREATE, "sid", "SM1"),
    (CREATE, "status", "pondered"),
    (CREATE, "status", None),
    (CREATE, "direction", "outbound"),
    (CREATE, "num_media", 0),
    (CREATE, "error_code", "30001"),
    (CREATE, "date_created", "2026-11-21T10:00:00Z"),
    (CREATE, "date_created", "Sat, 21 Nov 2026 10:00:00 -0000"),
    (CREATE, "price_unit", "dollars"),
    (CREATE, "account_sid", "AC1"),
    (CREATE, "messaging_service_sid", "none"),
    (CREATE, "subresource_uris", {"media": "https://api.twilio.com/"}),
    (CREATE, "mood", "good"),
    (LIST, "page", "0"),
    (LIST, "next_page_uri", "next"),
    (LIST, "next_page_uri", 1),
    (LIST, "messages", None),
    (LIST, "messages", [{"sid": "SM" + "0" * 32}]),
    (ACCOUNT, "status", "Active"),
    (ACCOUNT, "type", "full"),
    (TYPING, "success", "true"),
]


@pytest.mark.parametrize(("operation", "field", "value"), SPOILED)
def test_a_wrong_answer_is_found(operation: Operation, field: str, value: object) -> None:
    """
    The measure measures: each planted mistake is named.
    """
    answer = copy.deepcopy(next(iter(examples(operation).values())))
    assert problems(operation, answer | {field: value}) != []


@pytest.mark.parametrize("operation", SUBJECTS)
def test_a_missing_field_is_found(operation: Operation) -> None:
    """
    Any of those that no example leaves out.
    """
    answer, *others = examples(operation).values()
    for field in {*answer}.intersection(*others):
        assert problems(operation, {name: value for name, value in answer.items() if name != field}) != []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"code": 21211, "message": "x", "more_info": "https://www.twilio.com/docs/errors/21211"},
        {"code": "21211", "message": "x", "more_info": "https://www.twilio.com/docs/errors/21211", "status": 400},
        {"code": 21211, "message": "x", "more_info": "https://www.twilio.com/docs/errors/21210", "status": 400},
        {"code": 21211, "message": "x", "more_info": "https://www.twilio.com/docs/errors/21211", "status": 404},
        {"code": 21211, "message": "", "more_info": "https://www.twilio.com/docs/errors/21211", "status": 400},
        {"detail": "Not Found"},
    ],
)
def test_a_wrong_envelope_is_found(answer: dict[str, Any]) -> None:
    """
    Errors are measured as strictly as answers.
    """
    assert error_problems(400, answer) != []
