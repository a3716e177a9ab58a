"""Webhook actions: which definitions are fit for use, and what goes out for a call."""

from typing import Any

import orjson
import pytest

from shared.actions import Action, Call, Identity, Misfit, Unfit, prepare
from shared.actions.mapping import mapped
from shared.outbound import Allowed

ORDER: dict[str, Any] = {
    "name": "find_order",
    "description": "Finds an order.",
    "parameters": {
        "type": "object",
        "properties": {"number": {"type": "string"}, "verbose": {"type": "boolean"}, "tags": {"type": "array", "items": {"type": "string"}}},
        "required": ["number"],
    },
    "method": "GET",
    "url": "https://shop.example.org/orders/{number}?for={sys.contact}&verbose={verbose}",
    "headers": {"X-Tenant": "{sys.tenant}"},
    "results": [],
    "side_effect": False,
    "idempotent": False,
}  # fmt: skip
WHO = Identity("tn_one", "ct_ann", "us_bob")
SECRET = {"Authorization": "Bearer s3cret-token"}


def an_action(**more: Any) -> Action:
    return Action.of({**ORDER, **more}, SECRET)


def called(arguments: dict[str, Any], **more: Any) -> Call:
    action = an_action(**more)
    return prepare(action, action.parameters.read(arguments), WHO, "tu_1:abc")


def parameters(**schema: Any) -> dict[str, Any]:
    return {"parameters": {"type": "object", "properties": schema}, "url": "https://shop.example.org/"}


def test_arguments_go_where_the_address_names_them_and_the_rest_into_the_query() -> None:
    """
    All percent-encoded; a pair of the query whose value was not given is left out.
    """
    call = called({"number": "A/1 ?&#", "tags": ["x&y", "z"]})
    assert call.url == "https://shop.example.org/orders/A%2F1%20%3F%26%23?for=ct_ann&tags=x%26y&tags=z"
    assert call.content == b""
    assert called({"number": "1", "verbose": True}).url.endswith("?for=ct_ann&verbose=true")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_what_the_address_does_not_name_goes_into_the_body(method: str) -> None:
    """
    As JSON.
    """
    call = called({"number": "1", "tags": ["x"]}, method=method)
    assert (orjson.loads(call.content), call.headers["Content-Type"]) == ({"tags": ["x"]}, "application/json")
    assert "tags" not in call.url


def test_headers_hold_facts_of_the_session_and_secrets() -> None:
    """
    The key of idempotency only where there is a side effect.
    """
    headers = called({"number": "1"}).headers
    assert (headers["X-Tenant"], headers["Authorization"]) == ("tn_one", "Bearer s3cret-token")
    assert "Idempotency-Key" not in headers
    assert called({"number": "1"}, side_effect=True).headers["Idempotency-Key"] == "tu_1:abc"


def test_who_it_is_cannot_be_said_by_an_argument() -> None:
    """
    Not under the placeholder's name, which no argument can have, nor beside it.
    """
    with pytest.raises(Misfit):
        called({"number": "1", "sys.contact": "ct_other"})
    with pytest.raises(Unfit):
        an_action(**parameters(**{"sys.contact": {"type": "string"}}))
    with pytest.raises(Misfit):
        called({"number": "1", "tenant": "tn_other"})
    assert "{sys.tenant}" not in called({"number": "{sys.tenant}"}).url


@pytest.mark.parametrize(
    "value", ["", ".", "..", "../admin", "a/../../admin", "a\\..\\b", "%2e%2e", "%252e%252e/x", "..%2fadmin", "a/."]
)
def test_an_argument_does_not_lead_to_another_place(value: str) -> None:
    """
    However often a server may decode it.
    """
    with pytest.raises(Misfit):
        called({"number": value})


def test_an_action_shows_no_secret_when_it_is_printed() -> None:
    """
    Nor does a call.
    """
    assert "s3cret" not in repr(an_action()) + repr(called({"number": "1"}))


UNFIT: dict[str, dict[str, Any]] = {
    "a name of our own": {"name": "contact_form"},
    "no name": {"name": ""},
    "a name with spaces": {"name": "find order"},
    "a name in capitals": {"name": "Find"},
    "another method": {"method": "TRACE"},
    "a placeholder in the host": {"url": "https://{number}.example.org/"},
    "a placeholder as the host": {"url": "https://{number}/"},
    "a placeholder as the port": {"url": "https://shop.example.org:{number}/"},
    "a placeholder as the scheme": {"url": "{number}://shop.example.org/"},
    "a placeholder in the fragment": {"url": "https://shop.example.org/#{number}"},
    "a sign that cannot be stored in the address": {"url": "https://shop.example.org/{number}/\x00"},
    "a sign that cannot be stored": parameters(a={"type": "string", "description": "\x00"}),
    "half a sign": parameters(a={"type": "string", "description": "\ud800"}),
    "a backslash in the address": {"url": "https://shop.example.org/{number}\\x"},
    "a user in the address": {"url": "https://u:p@shop.example.org/{number}"},
    "another scheme": {"url": "ftp://shop.example.org/{number}"},
    "a brace alone": {"url": "https://shop.example.org/{number}/{"},
    "a placeholder that is no argument": {"url": "https://shop.example.org/{other}"},
    "a placeholder that is a list": {"url": "https://shop.example.org/{number}?{tags}"},
    "a fact that nobody has": {"url": "https://shop.example.org/{number}/{sys.secret}"},
    "an optional argument in the path": {"url": "https://shop.example.org/{number}/{verbose}"},
    "an argument in a header": {"headers": {"X-A": "{number}"}},
    "a header that is ours": {"headers": {"idempotency-key": "x"}},
    "a header that ends elsewhere": {"headers": {"Content-Length": "0"}},
    "a header that leads elsewhere": {"headers": {"Host": "internal"}},
    "a header in two lines": {"headers": {"X-A": "b\r\nHost: internal"}},
    "a header twice": {"headers": {"authorization": "x"}},
    "too many headers": {"headers": {f"X-{n}": "x" for n in range(20)}},
    "a path of another kind": {"results": ["$..[?(@.x)]"]},
    "no object": {"parameters": {"type": "string"}},
    "no type": parameters(a={}),
    "any type": parameters(a={"type": ["string", "null"]}),
    "a pattern": parameters(a={"type": "string", "pattern": "(a+)+$"}),
    "a reference": parameters(a={"$ref": "https://evil.example.com/schema"}),
    "alternatives": parameters(a={"type": "string", "anyOf": []}),
    "anything beside": {"parameters": {"type": "object", "properties": {}, "additionalProperties": True}},
    "anything beside, within": parameters(a={"type": "object", "additionalProperties": {}}),
    "what is required is not there": {"parameters": {"type": "object", "properties": {}, "required": ["x"]}},
    "what is required is no name": {"parameters": {"type": "object", "properties": {}, "required": [["x"]]}},
    "a limit that is none": parameters(a={"type": "string", "maxLength": "x"}),
    "too deep": parameters(a={"type": "array", "items": {"type": "array", "items": {"type": "array", "items": {
        "type": "array", "items": {"type": "array", "items": {"type": "string"}}}}}}),
    "too large": parameters(a={"type": "string", "description": "x" * 9000}),
}  # fmt: skip


@pytest.mark.parametrize("more", UNFIT.values(), ids=UNFIT)
def test_a_definition_that_could_do_harm_is_unfit(more: dict[str, Any]) -> None:
    """
    It is refused when it is made.
    """
    an_action()
    with pytest.raises(Unfit):
        an_action(**more)


def test_an_address_that_must_not_be_called_is_unfit_too() -> None:
    """
    Unless the platform allows it.
    """
    action = an_action(url="http://crm.corp/{number}")
    with pytest.raises(Unfit, match="https"):
        action.check_host(Allowed())
    assert action.check_host(Allowed.of("crm.corp")) == "crm.corp"


@pytest.mark.parametrize(
    "arguments",
    [{}, {"number": 1}, {"number": "1", "x": 1}, [], "x", None, {"number": "1", "tags": [1]}, {"number": "x" * 17_000}],
)
def test_arguments_that_do_not_fit_are_refused(arguments: Any) -> None:
    """
    Nothing is guessed, nothing undeclared is passed on, however deep; and all of it has an end.
    """
    with pytest.raises(Misfit):
        an_action().parameters.read(arguments)


def test_arguments_that_are_nested_without_end_are_refused() -> None:
    """
    Also those that could not even be written down.
    """
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    with pytest.raises(Misfit, match="deeply"):
        an_action().parameters.read({"number": "1", "tags": deep})


def test_every_object_of_a_schema_is_closed() -> None:
    """
    Whether its author said so or not.
    """
    inner = {"type": "object", "properties": {"b": {"type": "string"}}}
    action = an_action(**parameters(a=inner))
    assert action.parameters.schema["properties"]["a"]["additionalProperties"] is False
    with pytest.raises(Misfit):
        action.parameters.read({"a": {"b": "x", "c": "y"}})


ANSWER = (
    '{"order": {"status": "sent", "total": 12.5, "lines": [{"name": "Tea", "n": 2}, {"name": "Cup"}], "note": null}}'
)


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        ([], ANSWER),
        (["order.status"], "order.status: sent"),
        (["order.lines.*.name", "order.total"], "order.lines.*.name: Tea, Cup\norder.total: 12.5"),
        (["order.lines.1.name"], "order.lines.1.name: Cup"),
        (["order.lines.0"], 'order.lines.0: {"name":"Tea","n":2}'),
        (["order.lines.9.name", "nothing.here"], "order.lines.9.name: nothing\nnothing.here: nothing"),
        (["order.note"], "order.note: null"),
        (["order.status.more"], "order.status.more: nothing"),
    ],
)
def test_an_answer_becomes_a_line_for_each_path(paths: list[str], text: str) -> None:
    """
    Without any path it is the whole answer.
    """
    assert mapped(ANSWER, paths) == text


def test_an_answer_is_cut_to_8_kib() -> None:
    """
    Of bytes, and not within a sign; and an answer with more values than anybody reads is not gone through to its end.
    """
    for paths, answer in (([], "ä" * 9000), (["a.*"], orjson.dumps({"a": ["x" * 100] * 100_000}).decode())):
        text = mapped(answer, paths)
        assert 8000 < len(text.encode()) <= 8192
    assert mapped("no JSON", ["a"]) == "The answer is not JSON."
    assert mapped('{"a":' * 300 + "1" + "}" * 300, ["a"]) == "a: …"
