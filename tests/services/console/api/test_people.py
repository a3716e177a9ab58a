"""Erasures and exports by the API."""

import csv
import io
import json
import zipfile
from typing import Any

import pytest

from services.console.access import SCOPES
from shared.addresses import Pepper
from shared.ids import TenantId
from shared.store.sealed import CONTACT_ADDRESS, CONTACT_NAME, MESSAGE_TEXT, PART_BODY, REPLY_BODY
from shared.store.session import Store
from shared.vault import Vault
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker

NUMBER = "whatsapp:+15557654321"
FORMULA = "=HYPERLINK(1)"


@pytest.fixture
async def ann(store: Store, vault: Vault, pepper: Pepper, platform: Asker) -> str:
    """A contact of the first company, who wrote a formula, was answered in two parts, and is a lead."""
    tenant = TenantId(ONE)
    async with store.connection(tenant) as connection:

        async def row(query: str, *values: Any) -> Any:
            return (await (await connection.execute(query, values)).fetchall())[0]

        def sealed(text: str, place: str) -> bytes:
            return vault.seal(text.encode(), place)

        await row("insert into agent (id, tenant_id, name, instructions) values ('ag_a', %s, 'A', '') returning 1", ONE)
        await row(
            "insert into credential (id, tenant_id, account_sid, sealed_secret) values ('cr_a', %s, 'ACa', '') returning 1",
            ONE,
        )
        await row(
            "insert into line (id, tenant_id, agent_id, credential_id, channel, provider, sender, enabled, access)"
            " values ('ln_a', %s, 'ag_a', 'cr_a', 'whatsapp', 'twilio', 's', true, 'open') returning 1",
            ONE,
        )
        await row(
            "insert into contact (id, tenant_id, channel, sealed_address, sealed_name) values ('ct_a', %s, 'whatsapp', %s, %s) returning 1",
            ONE,
            sealed(NUMBER, CONTACT_ADDRESS.at(ONE, "ct_a")),
            sealed("Ann", CONTACT_NAME.at(ONE, "ct_a")),
        )
        await row(
            "insert into contact_alias values (%s, 'whatsapp', %s, 'ct_a', 1) returning 1",
            ONE,
            pepper.address_key(tenant, "whatsapp", NUMBER),
        )
        await row(
            "insert into thread (key, tenant_id, line_id, contact_id) values ('tha', %s, 'ln_a', 'ct_a') returning 1",
            ONE,
        )
        await row(
            "insert into conversation (id, tenant_id, contact_id, agent_id, line_id, channel)"
            " values ('cv_a', %s, 'ct_a', 'ag_a', 'ln_a', 'whatsapp') returning 1",
            ONE,
        )
        await row(
            "insert into lead (tenant_id, agent_id, contact_id, platform) values (%s, 'ag_a', 'ct_a', 'whatsapp') returning 1",
            ONE,
        )
        await row(
            "insert into message (id, tenant_id, line_id, thread, conversation_id, account_sid, provider_sid, seq, outcome,"
            " sealed_text, received_at) values ('msg_a', %s, 'ln_a', 'tha', 'cv_a', 'ACa', 'SMa', 1, 'asked', %s, now()) returning 1",
            ONE,
            sealed(FORMULA, MESSAGE_TEXT.at(ONE, "msg_a")),
        )
        reply = await row(
            "insert into reply (public_id, tenant_id, thread, conversation_id, after_seq, kind, state, sealed_body, received_at)"
            " values ('rp_a', %s, 'tha', 'cv_a', 1, 'agent', 'done', %s, now()) returning id",
            ONE,
            sealed('{"markdown": "**No.**", "sources": []}', REPLY_BODY.at(ONE, "rp_a")),
        )
        for ordinal, text in ((1, "*No.*"), (2, None)):
            body = sealed(text, PART_BODY.at(ONE, reply["id"], ordinal)) if text else None
            await row(
                "insert into part (tenant_id, thread, reply_id, ordinal, state, sealed_body) values (%s, 'tha', %s, %s, 'read', %s) returning 1",
                ONE,
                reply["id"],
                ordinal,
                body,
            )
    return "ct_a"


async def test_a_persons_data_comes_as_one_document(asker: MakeAsker, ann: str) -> None:
    """
    Messages both ways, parts and their states, leads and conversations, all opened; what is not kept any more is null.
    """
    answer = await (await asker()).ask("POST", f"contacts/{ann}/exports")
    assert (answer.status_code, answer.headers["content-type"]) == (201, "application/json")
    told = answer.json()
    assert (told["contact"]["address"], told["contact"]["name"]) == (NUMBER, "Ann")
    assert [(it["text"], it["outcome"], it["provider_sid"]) for it in told["messages"]] == [(FORMULA, "asked", "SMa")]
    assert [(it["text"], it["state"]) for it in told["replies"]] == [("**No.**", "done")]
    assert [(it["reply"], it["ordinal"], it["text"], it["state"]) for it in told["parts"]] == [
        ("rp_a", 1, "*No.*", "read"),
        ("rp_a", 2, None, "read"),
    ]
    assert [it["agent"] for it in told["leads"]] == ["ag_a"]
    assert [it["id"] for it in told["conversations"]] == ["cv_a"]
    assert told["bindings"] == told["forms"] == []
    assert "sealed" not in answer.text


async def test_and_as_tables_that_a_spreadsheet_can_open(asker: MakeAsker, ann: str) -> None:
    """
    In a zip beside the document; no cell is a formula.
    """
    admin = await asker()
    answer = await admin.ask("POST", f"contacts/{ann}/exports", headers={"Accept": "application/zip"})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert json.loads(packed.read("person.json"))["contact"]["id"] == ann
        [message] = csv.DictReader(io.StringIO(packed.read("messages.csv").decode()))
        [contact] = csv.DictReader(io.StringIO(packed.read("contact.csv").decode()))
    assert message["text"] == "'" + FORMULA
    assert contact["address"] == NUMBER


async def test_an_export_is_on_record_and_is_kept_nowhere(asker: MakeAsker, ann: str, store: Store) -> None:
    """
    Neither by a browser nor for a request that is repeated: that reads everything anew.
    """
    admin = await asker()
    for _ in range(2):
        answer = await admin.ask("POST", f"contacts/{ann}/exports", headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    async with store.connection() as connection:
        audit = await (await connection.execute("select action, object, after from audit order by id")).fetchall()
        kept = await (await connection.execute("select 1 from idempotent_request")).fetchall()
    assert [(row["action"], row["object"], row["after"]) for row in audit] == [("contact.exported", ann, None)] * 2
    assert kept == []


async def test_an_export_of_another_kind_is_refused(asker: MakeAsker, ann: str) -> None:
    """
    There are two.
    """
    answer = await (await asker()).ask("POST", f"contacts/{ann}/exports", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("contacts/ct_a/erasures", {"reason": "asked for it"}),
        ("erasures", {"reason": "asked for it", "address": "+1 555 765 4321"}),
    ],
)
async def test_an_erasure_tells_what_went(asker: MakeAsker, ann: str, path: str, body: dict[str, str]) -> None:
    """
    By id, or by the number, which no URL holds.
    """
    answer = await (await asker()).ask("POST", path, json=body)
    assert answer.status_code == 201
    [told] = answer.json().get("items", [answer.json()])
    assert (told["contact"], told["tenant"], told["copies_left"]) == (ann, ONE, 0)
    assert told["finished_at"] is not None
    assert told["erased"]["message"] == 1
    assert told["erased"]["part"] == 2


async def test_a_repeated_erasure_is_the_same_one(asker: MakeAsker, ann: str) -> None:
    """
    Whoever asks again, with a key or without, is told how it ended.
    """
    admin = await asker()
    told = [(await admin.ask("POST", f"contacts/{ann}/erasures", json={"reason": "x"})).json() for _ in range(2)]
    assert told[0] == told[1]


async def test_the_number_of_an_erasure_is_not_to_be_found_by_trying(asker: MakeAsker, ann: str, store: Store) -> None:
    """
    What is kept of the request, so that it can be repeated, is no plain digest of it.
    """
    body = {"reason": "x", "address": "+15557654321"}
    await (await asker()).ask("POST", "erasures", json=body, headers={"Idempotency-Key": "k"})
    async with store.connection() as connection:
        [row] = await (await connection.execute("select fingerprint from idempotent_request")).fetchall()
    import hashlib

    sent = b"POST /v1/erasures?\n" + json.dumps(body, separators=(",", ":")).encode()
    assert row["fingerprint"] != hashlib.sha256(sent).hexdigest()


@pytest.mark.parametrize("address", ["5557654321", "whatsapp:+0", "=1", ""])
async def test_what_is_no_address_is_refused_without_an_echo(asker: MakeAsker, address: str) -> None:
    """
    Errors are logged on their way.
    """
    answer = await (await asker()).ask("POST", "erasures", json={"reason": "x", "address": address})
    assert answer.status_code == 422
    assert not address or address not in answer.text


async def test_others_find_nothing(asker: MakeAsker, ann: str) -> None:
    """
    Another company's key, and one without the scope.
    """
    stranger = await asker(OTHER)
    assert (await stranger.ask("POST", f"contacts/{ann}/exports")).status_code == 404
    assert (await stranger.ask("POST", f"contacts/{ann}/erasures", json={"reason": "x"})).status_code == 404
    found = await stranger.ask("POST", "erasures", json={"reason": "x", "address": "+15557654321"})
    assert found.json() == {"items": []}
    reader = await asker(ONE, SCOPES - {"contacts:write"})
    assert (await reader.ask("POST", f"contacts/{ann}/erasures", json={"reason": "x"})).status_code == 403
    writer = await asker(ONE, SCOPES - {"contacts:read"})
    assert (await writer.ask("POST", f"contacts/{ann}/exports")).status_code == 403


@pytest.mark.parametrize(("job", "told"), [("privacy", {"addresses": 0, "texts": 0}), ("retention", {"rows": {}})])
async def test_the_jobs_run_for_the_platform_alone(
    platform: Asker, asker: MakeAsker, job: str, told: dict[str, Any]
) -> None:
    """
    And tell what they came to.
    """
    answer = await platform.ask("POST", f"jobs/{job}/runs")
    assert (answer.status_code, answer.json()) == (201, told)
    assert (await (await asker()).ask("POST", f"jobs/{job}/runs")).status_code == 404


async def test_the_list_of_messages_knows_of_an_erased_one_that_it_came(asker: MakeAsker, ann: str) -> None:
    """
    And nothing else.
    """
    admin = await asker()
    await admin.ask("POST", f"contacts/{ann}/erasures", json={"reason": "x"})
    [message] = (await admin.ask("GET", "messages")).json()["items"]
    assert (message["provider_sid"], message["text"], message["contact"]) == ("SMa", None, None)
    assert (await admin.ask("GET", f"messages/{message['id']}")).status_code == 200
