"""Phone numbers for SMS: IncomingPhoneNumbers of the API of 2010."""

from starlette.responses import JSONResponse, Response

from dev.simulator.answers import Call, Operation, Refusal, is_url, not_found, page_of_2010
from dev.simulator.lines import Number
from dev.simulator.messages import API_VERSION

_PATH = f"/{API_VERSION}/Accounts/{{account}}/IncomingPhoneNumbers"
_URLS = {"SmsUrl": "callback_url", "SmsFallbackUrl": "fallback_url", "StatusCallback": "status_callback_url"}
_METHODS = {
    "SmsMethod": "callback_method",
    "SmsFallbackMethod": "fallback_method",
    "StatusCallbackMethod": "status_callback_method",
}


class Numbers:
    """The resource."""

    def operations(self) -> list[Operation]:
        """Return what can be called."""
        return [
            Operation("GET", f"{_PATH}.json", "number.list", "numbers", self._list),
            Operation("GET", f"{_PATH}/{{sid}}.json", "number.fetch", "numbers", self._fetch),
            Operation("POST", f"{_PATH}/{{sid}}.json", "number.update", "numbers", self._update),
        ]

    async def _list(self, call: Call) -> Response:
        number, name = call.query.get("PhoneNumber", ""), call.query.get("FriendlyName")
        found = [
            one
            for one in call.account.numbers.values()
            if number in one.phone_number and name in {None, one.friendly_name}
        ]
        return page_of_2010(call, "incoming_phone_numbers", found, lambda one: one.record(call.account.sid))

    async def _fetch(self, call: Call) -> Response:
        return JSONResponse(_number(call).record(call.account.sid))

    async def _update(self, call: Call) -> Response:
        """Change what the form names; an empty URL is none."""
        number, form = _number(call), call.form
        for name in _URLS:
            if form.get(name) and not is_url(form[name]):
                raise Refusal(400, 21502, f"{name} is not a valid URL")
        for name in _METHODS:
            if form.get(name, "POST") not in {"GET", "POST"}:
                raise Refusal(400, 21503, f"{name} is not a valid method")
        changes = {part: form[name] for name, part in (_URLS | _METHODS).items() if name in form}
        hook = number.hook.but(**changes)
        if hook.fallback_url and not hook.callback_url:
            raise Refusal(400, 21406, "A fallback URL needs an SMS URL")
        number.hook = hook
        number.friendly_name = form.get("FriendlyName", number.friendly_name)
        number.application_sid = form.get("SmsApplicationSid", number.application_sid) or None
        return JSONResponse(number.record(call.account.sid))


def _number(call: Call) -> Number:
    found = call.account.numbers.get(call.part("sid"))
    if found is None:
        raise not_found()
    return found
