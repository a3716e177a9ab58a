"""What the committed description promises holds for whatever is sent: Schemathesis makes requests of it."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.console.api.routes import Gate
from tests.fakes.account import FakeAccount
from tests.services.console.api.conftest import ONE, Asker, MakeAsker
from tests.services.console.api.examples import EXAMPLES, plant_everything
from tests.services.console.api.past import Past

DESCRIPTION = json.loads((Path(__file__).parents[4] / "docs" / "openapi.json").read_text())
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EACH = {GenerationMode.POSITIVE: 10, GenerationMode.NEGATIVE: 5}
"""Requests for each operation, of a company or of the platform: such as are described, and such as are not."""

THERE = {
    "tenant": "tn_one", "user": "us_one", "agent": "ag_one", "message": "msg_one1", "conversation": "cv_one", "turn": "tu_one",
    "letter": "dl_one1", "binding": "bd_one", "lead": "ag_one.ct_one", "api_key": "ak_one",
    "account": "cr_one", "secret": "ss_spareone", "line": "ln_one", "document": "kd_one",
    "action": "ac_one", "delivery": "fd_one", "source": "ds_one", "server": "mc_one",
}  # fmt: skip
"""Ids that are there: a made-up one only ever finds nothing."""

Request = Case[Any]
Ask = Callable[[Request], httpx2.Response]


@pytest.fixture
async def everything(past: Past, twilio: FakeAccount) -> None:
    await plant_everything(past, twilio)
    await past.settings(history=True, privacy="encrypted")


@st.composite
def requests(draw: st.DrawFn, cases: st.SearchStrategy[Request]) -> Request:
    """Make a request, often of something that is there and of its first version."""
    case = draw(cases)
    for name in case.path_parameters or {}:
        if draw(st.booleans()):
            case.path_parameters[name] = THERE.get(name, case.path_parameters[name])
    if case.method in {"PATCH", "DELETE"} and draw(st.booleans()):
        case.headers["If-Match"] = '"1"'
    if "tenant" in (case.query or {}) or draw(st.booleans()):
        case.query = {**(case.query or {}), "tenant": "tn_one"}
    return case


def ask_all(asks: Sequence[Ask], mode: GenerationMode) -> dict[str, list[int]]:
    """Let one of `asks` ask for everything at a time, and return the statuses by operation. Raises what Schemathesis finds."""
    told: dict[str, list[int]] = {}
    for result in schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()

        @seed(20261125)
        @settings(
            max_examples=EACH[mode], deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
        )  # fmt: skip
        @given(requests(operation.as_strategy(generation_mode=mode)), st.sampled_from(asks))
        def hold(case: Request, ask: Ask) -> None:
            answer = ask(case)
            told.setdefault(case.operation.label, []).append(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        hold()
    return told


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("mode", EACH)
async def test_whatever_is_sent_the_answer_is_one_that_is_described(asker: MakeAsker, mode: GenerationMode) -> None:
    """
    No request makes an error of ours, and every answer has the status, the type and the form that are promised.
    """
    loop = asyncio.get_running_loop()

    def asks(holder: Asker) -> Ask:
        gate: Gate = holder.client._transport.app.state.gate  # type: ignore[attr-defined]
        gate.rate.most = 1_000_000

        def ask(case: Request) -> httpx2.Response:
            given: dict[str, Any] = case.as_transport_kwargs(base_url="http://console.invalid")
            body = {"content": given["data"]} if "data" in given else {"json": given.get("json")}
            headers = {**given["headers"], "Authorization": f"Bearer {holder.key}"}
            url, params = given["url"], given["params"]
            asked = holder.client.request(given["method"], url, headers=headers, params=params, **body)
            return asyncio.run_coroutine_threadsafe(asked, loop).result(30)

        return ask

    told = await asyncio.to_thread(ask_all, [asks(await asker(ONE)), asks(await asker(None))], mode)
    assert told


@pytest.mark.usefixtures("everything")
async def test_no_text_in_a_url_reaches_the_database_that_it_cannot_take(asker: MakeAsker) -> None:
    """
    A NUL in any parameter is refused as what it is, and is no error of ours.
    """
    platform = await asker(None)
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            example = EXAMPLES[operation["operationId"]]
            for name in [it["name"] for it in operation.get("parameters", ()) if it["in"] == "query"]:
                answer = await platform.ask(
                    method, example.path.partition("?")[0], params={name: "a\x00"}, json=example.body
                )
                assert answer.status_code in {400, 422}, (path, name, answer.text)
                assert answer.json()["code"] in {"invalid_request", "cursor_invalid"}, (path, name)
