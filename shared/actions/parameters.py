"""The arguments of an action: a small part of JSON schema, in which an object takes nothing that it does not declare."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from jsonschema import Draft202012Validator, SchemaError

_LARGEST_SCHEMA = 8 * 1024
_LARGEST_ARGUMENTS = 16 * 1024
_MOST_FAULTS = 5
_LONGEST_FAULT = 200
_DEEPEST = 4
_NUL = b"\\u0000"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_EVERYWHERE = frozenset({"type", "title", "description", "enum"})
_WORDS: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength", "format"}),
    "integer": frozenset({"minimum", "maximum"}),
    "number": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
}
"""What a schema may say, by type. No patterns, which can take for ever; no references; no alternatives."""

SCALARS = frozenset({"string", "integer", "number", "boolean"})


class Unfit(Exception):
    """A definition that cannot be used. The words are for its author."""


class Misfit(Exception):
    """Arguments that do not fit. The words are for the model."""


class Parameters:
    """A schema, checked. `Unfit` where it says more than it may."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = _strict(schema, "parameters", 0)
        if self.schema.get("type") != "object":
            raise Unfit("parameters: must be of type object.")
        try:
            written = orjson.dumps(self.schema)
            if len(written) > _LARGEST_SCHEMA or _NUL in written:
                raise Unfit(f"parameters: larger than {_LARGEST_SCHEMA} bytes, or with a sign that cannot be stored.")
            Draft202012Validator.check_schema(self.schema)
        except (SchemaError, orjson.JSONEncodeError):
            raise Unfit("parameters: not a JSON schema.") from None
        self._validator = Draft202012Validator(self.schema)

    @property
    def required(self) -> frozenset[str]:
        """The arguments that are always there."""
        return frozenset(self.schema.get("required", ()))

    def type_of(self, name: str) -> str | None:
        """Return an argument's type; None for one that is not declared."""
        declared = self.schema.get("properties", {}).get(name)
        return str(declared["type"]) if declared else None

    def read(self, arguments: object) -> dict[str, Any]:
        """Return arguments that fit. Raises Misfit."""
        try:
            size = len(orjson.dumps(arguments))
        except orjson.JSONEncodeError:
            raise Misfit("nested too deeply") from None
        if size > _LARGEST_ARGUMENTS:
            raise Misfit("too large")
        faults = sorted(self._validator.iter_errors(arguments), key=lambda fault: str(fault.path))
        if faults:
            raise Misfit("; ".join(_told(fault.path, fault.message) for fault in faults[:_MOST_FAULTS]))
        assert isinstance(arguments, dict)  # noqa: S101 - the schema says so
        return arguments


def _told(path: Any, message: str) -> str:  # noqa: ANN401 - jsonschema's own
    where = ".".join(map(str, path))
    return f"{where}: {message[:_LONGEST_FAULT]}" if where else message[:_LONGEST_FAULT]


def _strict(schema: object, where: str, depth: int) -> dict[str, Any]:
    """Return a copy in which every object is closed. Raises Unfit."""
    if not isinstance(schema, Mapping) or str(schema.get("type")) not in _WORDS:
        raise Unfit(f"{where}: needs a type: {', '.join(_WORDS)}.")
    if depth > _DEEPEST:
        raise Unfit(f"{where}: more than {_DEEPEST} levels deep.")
    kind = str(schema["type"])
    if beyond := schema.keys() - _WORDS[kind] - _EVERYWHERE:
        raise Unfit(f"{where}: cannot say {', '.join(sorted(map(str, beyond)))}.")
    return {**schema, **_INSIDE.get(kind, _nothing)(schema, where, depth + 1)}


def _object(schema: Mapping[str, Any], where: str, depth: int) -> dict[str, Any]:
    if schema.get("additionalProperties", False) is not False:
        raise Unfit(f"{where}: takes nothing that is not declared.")
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping) or not all(map(_NAME.fullmatch, properties)):
        raise Unfit(f"{where}: names are of letters, digits, _ and -.")
    inside = {name: _strict(inner, f"{where}.{name}", depth) for name, inner in properties.items()}
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) and name in inside for name in required):
        raise Unfit(f"{where}: requires what it does not declare.")
    return {"properties": inside, "additionalProperties": False}


def _array(schema: Mapping[str, Any], where: str, depth: int) -> dict[str, Any]:
    return {"items": _strict(schema.get("items"), f"{where}[]", depth)}


def _nothing(_schema: Mapping[str, Any], _where: str, _depth: int) -> dict[str, Any]:
    return {}


_INSIDE: Mapping[str, Callable[[Mapping[str, Any], str, int], dict[str, Any]]] = {"object": _object, "array": _array}
