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
API, MESSAGING = "api_v2010", "messaging_v2"

ACCOUNT = (API, "/2010-04-01/Accounts/{Sid}.json", "get", "200")
CREATE = (API, "/2010-04-01/Accounts/{AccountSid}/Messages.json", "post", "201")
FETCH = (API, "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json", "get", "200")
LIST = (API, "/2010-04-01/Accounts/{AccountSid}/Messages.json", "get", "200")
TYPING = (MESSAGING, "/v2/Indicators/Typing.json", "post", "200")

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
_PATH = re.compile(r"/2010-04-01/Accounts/\S+")


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(_DATE.fullmatch(value) and parsedate_to_datetime(value).tzinfo)


def _is_currency(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"[A-Z]{3}|[a-z]{3}", value))


def _is_path(value: object) -> bool:
    """Addresses of pages are relative in Twilio's own examples."""
    return not isinstance(value, str) or bool(_PATH.fullmatch(value))


def _is_map(value: object) -> bool:
    return not isinstance(value, dict) or all(_PATH.fullmatch(str(path)) for path in value.values())


_FORMATS = FormatChecker(formats=())
_FORMATS.checks("date-time-rfc-2822")(_is_date)
_FORMATS.checks("currency")(_is_currency)
_FORMATS.checks("uri")(_is_path)
_FORMATS.checks("uri-map")(_is_map)


@cache
def document(name: str) -> Any:
    return json.loads((DOCUMENTS / f"twilio_{name}.trimmed.json").read_text())


def response(operation: Operation) -> Any:
    """Return what the document says about one answer."""
    name, path, method, status = operation
    return document(name)["paths"][path][method]["responses"][status]["content"]["application/json"]


def examples(operation: Operation) -> dict[str, Any]:
    """Return the document's own examples of one answer."""
    return {name: told["value"] for name, told in response(operation)["examples"].items()}


def problems(operation: Operation, answer: object) -> list[str]:
    """Return in what an answer differs from its form. Fields are missing or too many as soon as the form says so."""
    return _problems(_strict(response(operation)["schema"], operation[0]), answer)


def error_problems(status: int, answer: Any) -> list[str]:
    """Return in what an error differs from Twilio's envelope."""
    found = _problems(ERROR, answer)
    if not found and answer["status"] != status:
        found.append("status: not the answer's own")
    if not found and not answer["more_info"].endswith(f"/{answer['code']}"):
        found.append("more_info: of another code")
    return found


def _problems(schema: Mapping[str, Any], answer: object) -> list[str]:
    validator = Draft202012Validator(schema, format_checker=_FORMATS)
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(answer)]


def _strict(schema: Any, name: str) -> Any:
    """Return an OpenAPI 3.0 schema as a JSON schema that demands every field and no other."""
    if "$ref" in schema:
        return _strict(document(name)["components"]["schemas"][schema["$ref"].rpartition("/")[2]], name)
    made = {key: value for key, value in schema.items() if key not in {"nullable", "properties", "items", "example"}}
    if "properties" in schema:
        made["properties"] = {key: _strict(value, name) for key, value in schema["properties"].items()}
        made |= {"required": [*made["properties"]], "additionalProperties": False}
    if "items" in schema:
        made["items"] = _strict(schema["items"], name)
    if schema.get("nullable"):
        made["type"] = [schema["type"], "null"]
    return made
