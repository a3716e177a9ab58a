"""Messaging Services of Messaging v1, and the senders and numbers in their pools."""

from starlette.responses import JSONResponse, Response

from dev.simulator.answers import Call, Operation, Refusal, is_url, not_found, page_with_meta
from dev.simulator.lines import MESSAGING
from dev.simulator.services import Service

_PATH = "/v1/Services"
_URLS = {"InboundRequestUrl": "inbound_request_url", "FallbackUrl": "fallback_url", "StatusCallback": "status_callback"}
_METHODS = {"InboundMethod": "inbound_method", "FallbackMethod": "fallback_method"}


class Services:
    """The resource."""

    def operations(self) -> list[Operation]:
        """Return what can be called."""
        one = f"{_PATH}/{{service}}"
        senders, numbers = f"{one}/ChannelSenders", f"{one}/PhoneNumbers"
        return [
            Operation("GET", _PATH, "service.list", "services", self._list),
            Operation("POST", _PATH, "service.create", "services", self._create),
            Operation("GET", one, "service.fetch", "services", self._fetch),
            Operation("POST", one, "service.update", "services", self._update),
            Operation("DELETE", one, "service.delete", "services", self._delete),
            Operation("GET", senders, "service.senders", "services", self._senders),
            Operation("POST", senders, "service.add_sender", "services", self._add_sender),
            Operation("DELETE", f"{senders}/{{sid}}", "service.remove_sender", "services", self._remove),
            Operation("GET", numbers, "service.numbers", "services", self._numbers),
            Operation("POST", numbers, "service.add_number", "services", self._add_number),
            Operation("DELETE", f"{numbers}/{{sid}}", "service.remove_number", "services", self._remove),
        ]

    async def _list(self, call: Call) -> Response:
        found = [*call.account.services.values()]
        return page_with_meta(call, MESSAGING, "services", found, lambda one: one.record(call.account.sid))

    async def _create(self, call: Call) -> Response:
        if not call.form.get("FriendlyName"):
            raise Refusal(400, 20001, "FriendlyName is required")
        service = Service(call.form["FriendlyName"])
        _change(service, call.form)
        call.account.services[service.sid] = service
        return JSONResponse(service.record(call.account.sid), 201)

    async def _fetch(self, call: Call) -> Response:
        return JSONResponse(_service(call).record(call.account.sid))

    async def _update(self, call: Call) -> Response:
        service = _service(call)
        _change(service, call.form)
        return JSONResponse(service.record(call.account.sid))

    async def _delete(self, call: Call) -> Response:
        del call.account.services[_service(call).sid]
        return Response(status_code=204)

    async def _senders(self, call: Call) -> Response:
        service = _service(call)
        found = [*service.senders.values()]
        return page_with_meta(
            call, MESSAGING, "senders", found, lambda one: service.sender_record(call.account.sid, one)
        )

    async def _add_sender(self, call: Call) -> Response:
        service, sender = _service(call), call.account.senders.get(call.form.get("Sid", ""))
        if sender is None:
            raise not_found()
        service.senders[sender.sid] = sender
        return JSONResponse(service.sender_record(call.account.sid, sender), 201)

    async def _numbers(self, call: Call) -> Response:
        service = _service(call)
        found = [*service.numbers.values()]
        return page_with_meta(
            call, MESSAGING, "phone_numbers", found, lambda one: service.number_record(call.account.sid, one)
        )

    async def _add_number(self, call: Call) -> Response:
        service, number = _service(call), call.account.numbers.get(call.form.get("PhoneNumberSid", ""))
        if number is None:
            raise not_found()
        service.numbers[number.sid] = number
        return JSONResponse(service.number_record(call.account.sid, number), 201)

    async def _remove(self, call: Call) -> Response:
        service, sid = _service(call), call.part("sid")
        if service.senders.pop(sid, None) is None and service.numbers.pop(sid, None) is None:
            raise not_found()
        return Response(status_code=204)


def _service(call: Call) -> Service:
    found = call.account.services.get(call.part("service"))
    if found is None:
        raise not_found()
    return found


def _change(service: Service, form: dict[str, str]) -> None:
    """Change what the form names; an empty URL is none."""
    for name, part in _URLS.items():
        if form.get(name) and not is_url(form[name]):
            raise Refusal(400, 20001, f"{name} is not a valid URL")
        if name in form:
            setattr(service, part, form[name] or None)
    for name, part in _METHODS.items():
        if form.get(name, "POST") not in {"GET", "POST"}:
            raise Refusal(400, 20001, f"{name} is invalid")
        setattr(service, part, form.get(name, getattr(service, part)))
    service.friendly_name = form.get("FriendlyName", service.friendly_name)
    if "UseInboundWebhookOnNumber" in form:
        service.use_inbound_webhook_on_number = form["UseInboundWebhookOnNumber"].lower() == "true"
