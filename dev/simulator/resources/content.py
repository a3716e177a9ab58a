"""Templates of the Content API, and their approval, which takes its time."""

import asyncio
import re

from starlette.responses import JSONResponse, Response

from dev.simulator.answers import Call, Operation, Refusal, not_found, page_with_meta
from dev.simulator.templates import CONTENT, Approval, Template
from dev.simulator.world import World

_PATH = "/v1/Content"
_NAME = re.compile(r"[a-z0-9_]{1,512}", re.ASCII)
_CATEGORIES = {"UTILITY", "MARKETING", "AUTHENTICATION"}
_TAKES = 0.3
"""Seconds that each stage of an approval takes, times the world's pace."""


class Content:
    """The resource."""

    def __init__(self, world: World) -> None:
        self._world = world

    def operations(self) -> list[Operation]:
        """Return what can be called."""
        one = f"{_PATH}/{{sid}}"
        approvals = f"{one}/ApprovalRequests"
        return [
            Operation("POST", _PATH, "content.create", "content", self._create),
            Operation("GET", _PATH, "content.list", "content", self._list),
            Operation("GET", one, "content.fetch", "content", self._fetch),
            Operation("DELETE", one, "content.delete", "content", self._delete),
            Operation("POST", f"{approvals}/whatsapp", "approval.create", "content", self._ask),
            Operation("GET", approvals, "approval.fetch", "content", self._approval),
        ]

    async def _create(self, call: Call) -> Response:
        told = call.document
        types = told.get("types")
        if not isinstance(types, dict) or not types or not told.get("language"):
            raise Refusal(400, 20001, "language and types are required")
        if any("/" not in name for name in types):
            raise Refusal(400, 20001, "types: a name such as twilio/text is needed")
        name, variables = str(told.get("friendly_name") or ""), told.get("variables") or {}
        template = Template(name, str(told["language"]), types, variables)
        call.account.templates[template.sid] = template
        return JSONResponse(template.record(call.account.sid), 201)

    async def _list(self, call: Call) -> Response:
        found = [*call.account.templates.values()]
        return page_with_meta(call, CONTENT, "contents", found, lambda one: one.record(call.account.sid))

    async def _fetch(self, call: Call) -> Response:
        return JSONResponse(_template(call).record(call.account.sid))

    async def _delete(self, call: Call) -> Response:
        del call.account.templates[_template(call).sid]
        return Response(status_code=204)

    async def _ask(self, call: Call) -> Response:
        """Hand a template to WhatsApp. A name that was used before is not taken again, a rejected one least of all."""
        template = _template(call)
        name, category = call.document.get("name"), call.document.get("category")
        if not isinstance(name, str) or not _NAME.fullmatch(name) or category not in _CATEGORIES:
            raise Refusal(400, 20001, "name or category is invalid")
        if any(one.approval and one.approval.name == name for one in call.account.templates.values()):
            raise Refusal(400, 20001, "name was used before")
        template.approval = Approval(name, category)
        self._world.soon(self._decide(template.approval))
        return JSONResponse(template.approval_record(), 201)

    async def _approval(self, call: Call) -> Response:
        template = _template(call)
        return JSONResponse(
            {
                "sid": template.sid,
                "account_sid": call.account.sid,
                "whatsapp": {"type": "whatsapp"} | template.approval_record(),
                "url": f"{template.url}/ApprovalRequests",
            }
        )

    async def _decide(self, approval: Approval) -> None:
        """Let the approval pass its stages; which end it takes was ordered, or it is approved."""
        await asyncio.sleep(_TAKES * self._world.pace)
        approval.status = "pending"
        await asyncio.sleep(_TAKES * self._world.pace)
        approval.status = self._world.templates_end
        if approval.status == "rejected":
            approval.rejection_reason = "INVALID_FORMAT"


def _template(call: Call) -> Template:
    found = call.account.templates.get(call.part("sid"))
    if found is None:
        raise not_found()
    return found
