"""Twilio's published OpenAPI documents, as a measure of what the simulator answers."""

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

DOCUMENTS = Path(__file__).parents[1] / "contracts" / "twilio"
API, MESSAGING, SERVICES, CONTENT = "api_v2010", "messaging_v2", "messaging_v1", "content_v1"

ACCOUNT = (API, "/2010-04-01/Accounts/{Sid}.json", "get", "200")
CREATE = (API, "/2010-04-01/Accounts/{AccountSid}/Messages.json", "post", "201")
FETCH = (API, "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json", "get", "200")
LIST = (API, "/2010-04-01/Accounts/{AccountSid}/Messages.json", "get", "200")
TYPING = (MESSAGING, "/v2/Indicators/Typing.json", "post", "200")

_NUMBERS = "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers"
NUMBER_LIST = (API, f"{_NUMBERS}.json", "get", "200")
NUMBER_FETCH = (API, f"{_NUMBERS}/{{Sid}}.json", "get", "200")
NUMBER_UPDATE = (API, f"{_NUMBERS}/{{Sid}}.json", "post", "200")
SENDER_LIST = (MESSAGING, "/v2/Channels/Senders", "get", "200")
SENDER_FETCH = (MESSAGING, "/v2/Channels/Senders/{Sid}", "get", "200")
SENDER_UPDATE = (MESSAGING, "/v2/Channels/Senders/{Sid}", "post", "202")
SERVICE_LIST = (SERVICES, "/v1/Services", "get", "200")
SERVICE_CREATE = (SERVICES, "/v1/Services", "post", "201")
SERVICE_FETCH = (SERVICES, "/v1/Services/{Sid}", "get", "200")
SERVICE_UPDATE = (SERVICES, "/v1/Services/{Sid}", "post", "200")
SERVICE_SENDERS = (SERVICES, "/v1/Services/{MessagingServiceSid}/ChannelSenders", "get", "200")
SERVICE_ADD_SENDER = (SERVICES, "/v1/Services/{MessagingServiceSid}/ChannelSenders", "post", "201")
CONTENT_CREATE = (CONTENT, "/v1/Content", "post", "201")
CONTENT_LIST = (CONTENT, "/v1/Content", "get", "200")
CONTENT_FETCH = (CONTENT, "/v1/Content/{Sid}", "get", "200")
APPROVAL_CREATE = (CONTENT, "/v1/Content/{ContentSid}/ApprovalRequests/whatsapp", "post", "201")
APPROVAL_FETCH = (CONTENT, "/v1/Content/{Sid}/ApprovalRequests", "get", "200")

Operation = tuple[str, str, str, str]

ERROR = {
    "type": "object",
    "properties": {
        "code": {"type": "integer", "minimum": 20000, "maximum": 99999},
        "message": {"type": "string", "minLength": 1},
        "more_info": {"type": "string", "pattern": r"^https://www\.twilio\.com/docs/errors/[0-9]{5}$"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
    },
    "required": ["code", "message", "more_info", "status"],
    "additionalProperties": False,
}
"""The envelope of errors, which the documents leave out."""

_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} \+0000")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_PATH = re.compile(r"/2010-04-01/Accounts/\S+")
_URL = re.compile(r"https://(?:messaging|content)\.twilio\.com/v[12]/\S+")
_ANY_URL = re.compile(r"https?://\S+")


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(_DATE.fullmatch(value) and parsedate_to_datetime(value).tzinfo)


def _is_currency(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"[A-Z]{3}|[a-z]{3}", value))


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or bool(_ISO.fullmatch(value))


def _is_address(value: object) -> bool:
    """Addresses of pages are relative in the API of 2010, in Twilio's own examples too; others are whole."""
    return not isinstance(value, str) or bool(_PATH.fullmatch(value) or _ANY_URL.fullmatch(value))


def _is_map(value: object, form: re.Pattern[str]) -> bool:
    return not isinstance(value, dict) or all(form.fullmatch(str(path)) for path in value.values())


def _formats(addresses: re.Pattern[str]) -> FormatChecker:
    checker = FormatChecker(formats=())
    checker.checks("date-time-rfc-2822")(_is_date)
    checker.checks("date-time")(_is_time)
    checker.checks("currency")(_is_currency)
    checker.checks("uri")(_is_address)
    checker.checks("uri-map")(lambda value: _is_map(value, addresses))
    return checker


_FORMATS = {API: _formats(_PATH), MESSAGING: _formats(_URL), SERVICES: _formats(_URL), CONTENT: _formats(_URL)}


@cache
def document(name: str) -> Any:
    return json.loads((DOCUMENTS / f"twilio_{name}.trimmed.json").read_text())


def response(operation: Operation) -> Any:
    """Return what the document says about one answer."""
    name, path, method, status = operation
    return document(name)["paths"][path][method]["responses"][status]["content"]["application/json"]


def examples(operation: Operation) -> dict[str, Any]:
    """Return the document's own examples of one answer."""
    return {name: _resolved(told, operation[0])["value"] for name, told in response(operation)["examples"].items()}


def problems(operation: Operation, answer: object) -> list[str]:
    """
    Return in what an answer differs from its form.

    No field may be too many, and those must be there that Twilio's own examples never leave out.
    """
    schema = _strict(response(operation)["schema"], operation[0], [*examples(operation).values()])
    return _problems(schema, _without_empty_words(answer), _FORMATS[operation[0]])


def error_problems(status: int, answer: Any) -> list[str]:
    """Return in what an error differs from Twilio's envelope."""
    found = _problems(ERROR, answer, _FORMATS[API])
    if not found and answer["status"] != status:
        found.append("status: not the answer's own")
    if not found and not answer["more_info"].endswith(f"/{answer['code']}"):
        found.append("more_info: of another code")
    return found


def _problems(schema: Mapping[str, Any], answer: object, formats: FormatChecker) -> list[str]:
    validator = Draft202012Validator(schema, format_checker=formats)
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(answer)]


def _without_empty_words(answer: Any) -> Any:
    """Return an answer with nothing in place of empty words: Twilio shows what is not set in either way."""
    if isinstance(answer, dict):
        return {name: _without_empty_words(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [_without_empty_words(value) for value in answer]
    return None if answer == "" else answer


def _resolved(told: Any, name: str) -> Any:
    """Return a part of a document, which may stand elsewhere in it."""
    while "$ref" in told:
        _, kind, wanted = told["$ref"].removeprefix("#").rsplit("/", 2)
        told = document(name)["components"][kind][wanted]
    return told


def _strict(schema: Any, name: str, samples: list[Any]) -> Any:
    """Return an OpenAPI 3.0 schema as a JSON schema that allows no further field and demands those that samples have."""
    schema = _resolved(schema, name)
    made = {key: value for key, value in schema.items() if key not in {"nullable", "properties", "items", "example"}}
    objects = [sample for sample in samples if isinstance(sample, dict)]
    if "properties" in schema:
        made["properties"] = {
            key: _strict(value, name, [sample[key] for sample in objects if key in sample])
            for key, value in schema["properties"].items()
        }
        made["required"] = [key for key in made["properties"] if all(key in sample for sample in objects)]
        made["additionalProperties"] = False
    if "items" in schema:
        lists = [sample for sample in samples if isinstance(sample, list)]
        made["items"] = _strict(schema["items"], name, [one for sample in lists for one in sample])
    if schema.get("nullable") and "type" in schema:
        made["type"] = [schema["type"], "null"]
        if "enum" in schema:
            made["enum"] = [*schema["enum"], None]
    return made
