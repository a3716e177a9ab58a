"""Templates, approvals and alerts, as Twilio's own SDK uses them, in Twilio's form."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from dev.simulator.testing import Running
from tests.eventually import eventually
from tests.simulator import contract
from tests.simulator.contract import problems
from tests.simulator.gateway import PUBLIC_URL, Gateway
from tests.simulator.twilio import Twilio, code, in_form, refused

Login = Callable[..., Client]


async def test_a_template_is_made_listed_and_deleted(sdk: Login, twilio: Twilio) -> None:
    """
    Its types keep their names, slash and all.
    """
    contents = sdk().content.v1.contents
    told = {
        "friendly_name": "late_reply",
        "language": "en",
        "variables": {"1": "Ann"},
        "types": {"twilio/text": {"body": "Hi {{1}}"}},
    }
    made = await contents.create_async(ContentList.ContentCreateRequest(told))
    assert made.types == {"twilio/text": {"body": "Hi {{1}}"}}
    assert [it.sid for it in await contents.list_async()] == [made.sid]
    await in_form(twilio, "/v1/Content", contract.CONTENT_LIST)
    await in_form(twilio, f"/v1/Content/{made.sid}", contract.CONTENT_FETCH)
    await contents(made.sid).delete_async()
    assert await code(contents(made.sid).fetch_async()) == (404, 20404)


@pytest.mark.parametrize("types", [{}, {"twilio_text": {"body": "Hi"}}, None])
async def test_a_template_without_a_type_is_refused(types: object, twilio: Twilio) -> None:
    """
    The SDK drops a name that it does not know: that must be seen here.
    """
    answer = await twilio.sim.api.post("/v1/Content", json={"language": "en", "types": types}, auth=twilio.auth)
    assert refused(answer) == (400, 20001)


@pytest.mark.parametrize("end", ["approved", "rejected"])
async def test_an_approval_takes_its_time(end: str, sdk: Login, twilio: Twilio) -> None:
    """
    Received, pending, and then its end.
    """
    if end == "rejected":
        await twilio.sim.api.post("/sim/conditions", json={"name": "template_rejected"})
    contents = sdk().content.v1.contents
    told = {"language": "en", "types": {"twilio/text": {"body": "Hi"}}}
    made = await contents.create_async(ContentList.ContentCreateRequest(told))
    ask = ApprovalCreateList.ContentApprovalRequest({"name": "late_reply", "category": "UTILITY"})
    asked = await contents(made.sid).approval_create.create_async(ask)
    assert asked.status == "received"
    statuses = ["received"]

    async def ended() -> bool:
        status = (await contents(made.sid).approval_fetch().fetch_async()).whatsapp["status"]
        if status != statuses[-1]:
            statuses.append(status)
        return bool(status == end)

    await eventually(ended)
    assert statuses == ["received", "pending", end]
    await in_form(twilio, f"/v1/Content/{made.sid}/ApprovalRequests", contract.APPROVAL_FETCH)


async def test_a_name_is_asked_about_once(twilio: Twilio) -> None:
    """
    And written in small letters.
    """
    text = {"language": "en", "types": {"twilio/text": {"body": "Hi"}}}
    paths = []
    for _ in range(2):
        made = await twilio.sim.api.post("/v1/Content", json=text, auth=twilio.auth)
        assert problems(contract.CONTENT_CREATE, made.json()) == []
        paths.append(f"/v1/Content/{made.json()['sid']}/ApprovalRequests/whatsapp")

    async def ask(path: str, name: str) -> Any:
        told = {"name": name, "category": "UTILITY"}
        return await twilio.sim.api.post(path, json=told, auth=twilio.auth)

    first = await ask(paths[0], "late_reply")
    assert (first.status_code, problems(contract.APPROVAL_CREATE, first.json())) == (201, [])
    assert refused(await ask(paths[1], "late_reply")) == (400, 20001)
    assert refused(await ask(paths[1], "Late Reply")) == (400, 20001)


async def test_a_webhook_that_fails_leaves_an_alert(sdk: Login, gateway: Gateway, twilio: Twilio) -> None:
    """
    With its code, the address and what was answered; one that was taken leaves none.
    """
    await twilio.write()
    gateway.script.append(403)
    await twilio.write()
    [alert] = await sdk().monitor.v1.alerts.list_async(log_level="error")
    assert (alert.error_code, alert.request_url) == ("11200", PUBLIC_URL)
    assert "httpResponse=403" in alert.alert_text


async def test_alerts_are_listed_by_time_the_newest_first(sdk: Login, sim: Running) -> None:
    """
    From a time, until a time.
    """
    for name in ("alerts_recent_11200", "alerts_recent_11205"):
        await sim.api.post("/sim/conditions", json={"name": name})
    alerts = sdk().monitor.v1.alerts
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    assert [it.error_code for it in await alerts.list_async(start_date=now - hour)] == ["11205", "11200"]
    assert await alerts.list_async(start_date=now + hour) == []
    assert await alerts.list_async(end_date=now - hour) == []
