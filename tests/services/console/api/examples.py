"""One request for each route of `/v1`, which works for an admin of the first company. A new route needs a row here."""

from dataclasses import dataclass
from typing import Any

from shared.channels.line_setup import Webhooks
from shared.ids import Address
from shared.store.sealed import KNOWLEDGE_CONTENT, SIGNING_SECRET
from tests.fakes.account import FakeAccount
from tests.services.console.api.conftest import ONE
from tests.services.console.api.past import SENDER, Past


@dataclass(frozen=True)
class Example:
    """A request. `changes`: it speaks of a version, and needs the ETag of what it changes."""

    method: str
    path: str
    body: dict[str, Any] | list[Any] | None = None
    changes: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return {"If-Match": '"1"'} if self.changes else {}


def get(path: str) -> Example:
    return Example("GET", path)


def post(path: str, **body: Any) -> Example:
    return Example("POST", path, body)


def patch(path: str, **body: Any) -> Example:
    return Example("PATCH", path, body, changes=True)


ACTION: dict[str, Any] = {
    "name": "book",
    "description": "Books a table.",
    "parameters": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]},
}
PIPELINE = "steps:\n  - step: model\n"
NOBODY = "http://127.0.0.1:9/{day}"
"""Where nothing listens: to try such an action is to be told so."""

EXAMPLES = {
    "list_tenants": get("tenants"),
    "create_tenant": post("tenants", name="X"),
    "get_tenant": get(f"tenants/{ONE}"),
    "change_tenant": patch(f"tenants/{ONE}", history=True),
    "list_users": get(f"users?tenant={ONE}"),
    "create_user": post("users", tenant=ONE, email="new@example.org", name="New"),
    "get_user": get("users/us_one"),
    "change_user": patch("users/us_one", name="New"),
    "create_setup_token": post("setup-tokens", user="one@example.org"),
    "delete_user": Example("DELETE", "users/us_spareone", changes=True),
    "list_agents": get(f"agents?tenant={ONE}"),
    "create_agent": post("agents", tenant=ONE, name="A", instructions="Help."),
    "get_agent": get("agents/ag_one"),
    "change_agent": patch("agents/ag_one", memory=9),
    "delete_agent": Example("DELETE", "agents/ag_spareone", changes=True),
    "create_chat": post("agents/ag_one/chats"),
    "get_chat": get(f"agents/ag_one/chats/ch_{'0' * 32}"),
    "write_in_chat": post(f"agents/ag_one/chats/ch_{'0' * 32}/messages", text="hello"),
    "get_pipeline_format": get("pipeline-format"),
    "check_pipeline": post("pipeline-checks", document=PIPELINE),
    "list_pipelines": get(f"pipelines?tenant={ONE}"),
    "create_pipeline": post("pipelines", tenant=ONE, name="New", draft=PIPELINE),
    "get_pipeline": get("pipelines/pl_one"),
    "change_pipeline": patch("pipelines/pl_one", name="Other"),
    "delete_pipeline": Example("DELETE", "pipelines/pl_spareone", changes=True),
    "list_pipeline_versions": get("pipelines/pl_one/versions"),
    "get_pipeline_version": get("pipelines/pl_one/versions/1"),
    "activate_pipeline": Example("POST", "pipelines/pl_draftone/activations", {"number": 1}, changes=True),
    "roll_back_pipeline": Example("POST", "pipelines/pl_activeone/rollbacks", changes=True),
    "try_pipeline": post("conversations/cv_one/trials", document=PIPELINE),
    "list_documents": get("agents/ag_one/documents"),
    "put_document": Example("PUT", "agents/ag_one/documents?name=new.txt", {}),
    "get_document": get("agents/ag_one/documents/kd_one"),
    "delete_document": Example("DELETE", "agents/ag_one/documents/kd_spareone", changes=True),
    "index_document": post("agents/ag_one/documents/kd_one/indexings"),
    "search_documents": post("agents/ag_one/searches", query="hours"),
    "list_data_sources": get(f"data-sources?tenant={ONE}"),
    "create_data_source": post(
        "data-sources", tenant=ONE, kind="listing", origin="feed", url="https://example.org/l.csv"
    ),
    "get_data_source": get("data-sources/ds_one"),
    "change_data_source": patch("data-sources/ds_one", every_minutes=60),
    "delete_data_source": Example("DELETE", "data-sources/ds_spareone", changes=True),
    "fetch_data_source": post("data-sources/ds_one/runs"),
    "search_data_source": post("data-sources/ds_one/searches", query="bicycle"),
    "import_file": Example(
        "PUT", f"imports/order?tenant={ONE}", [{"number": "1", "status": "paid", "email": "a@b.example"}]
    ),
    "list_mcp_servers": get(f"mcp-servers?tenant={ONE}"),
    "create_mcp_server": post("mcp-servers", tenant=ONE, name="crm", url="https://example.org/mcp"),
    "get_mcp_server": get("mcp-servers/mc_one"),
    "change_mcp_server": patch("mcp-servers/mc_one", tools=["a"]),
    "delete_mcp_server": Example("DELETE", "mcp-servers/mc_spareone", changes=True),
    "check_mcp_server": post("mcp-servers/mc_one/checks"),
    "list_accounts": get(f"accounts?tenant={ONE}"),
    "create_account": post("accounts", tenant=ONE, account_sid="AC" + "8" * 32, auth_token="t"),
    "get_account": get("accounts/cr_one"),
    "change_account": patch("accounts/cr_one", name="New"),
    "delete_account": Example("DELETE", "accounts/cr_spareone", changes=True),
    "list_signing_secrets": get("accounts/cr_one/signing-secrets"),
    "create_signing_secret": post("accounts/cr_one/signing-secrets", secret="s"),
    "delete_signing_secret": Example("DELETE", "accounts/cr_one/signing-secrets/ss_spareone"),
    "list_actions": get(f"actions?tenant={ONE}"),
    "create_action": post("actions", tenant=ONE, **ACTION, url="https://example.org/{day}"),
    "get_action": get("actions/ac_one"),
    "change_action": patch("actions/ac_one", description="New."),
    "delete_action": Example("DELETE", "actions/ac_spareone", changes=True),
    "try_action": post("actions/ac_one/trials", arguments={"day": "Friday"}),
    "list_form_deliveries": get(f"form-deliveries?tenant={ONE}"),
    "create_form_delivery": post("form-deliveries", tenant=ONE, webhook={"url": "https://example.org/forms"}),
    "get_form_delivery": get("form-deliveries/fd_one"),
    "change_form_delivery": patch("form-deliveries/fd_one", enabled=False),
    "delete_form_delivery": Example("DELETE", "form-deliveries/fd_spareone", changes=True),
    "list_contact_forms": get(f"contact-forms?tenant={ONE}"),
    "get_contact_form": get("contact-forms/form_one"),
    "list_lines": get(f"lines?tenant={ONE}"),
    "create_line": post("lines", tenant=ONE, account="cr_one", agent="ag_one", sender="+14155230000"),
    "get_line": get("lines/ln_one"),
    "change_line": patch("lines/ln_one", name="New"),
    "delete_line": Example("DELETE", "lines/ln_spareone", changes=True),
    "test_typed_connection": post("connection-tests", account_sid="AC" + "8" * 32, auth_token="t"),
    "test_connection": post("lines/ln_one/connection-tests"),
    "check_line": post("lines/ln_one/checks"),
    "probe_line": post("lines/ln_one/probes"),
    "provision_line": post("lines/ln_one/provisionings"),
    "undo_provisioning": Example("DELETE", "lines/ln_one/provisionings/last"),
    "get_status": get("status"),
    "list_messages": get(f"messages?tenant={ONE}"),
    "get_message": get("messages/msg_one1"),
    "list_conversations": get(f"conversations?tenant={ONE}"),
    "get_conversation": get("conversations/cv_one"),
    "list_conversation_messages": get("conversations/cv_one/messages"),
    "list_turns": get(f"turns?tenant={ONE}"),
    "get_turn": get("turns/tu_one"),
    "replay_turn": post("turns/tu_one/replays", model="m"),
    "take_conversation_over": post("conversations/cv_onepaired/handoff"),
    "write_in_conversation": post("conversations/cv_onepaired/replies", text="A person is here."),
    "give_conversation_back": Example("DELETE", "conversations/cv_one/handoff"),
    "list_dead_letters": get("dead-letters"),
    "get_dead_letter": get("dead-letters/dl_one1"),
    "replay_dead_letter": post("dead-letters/dl_one1/replays"),
    "discard_dead_letter": post("dead-letters/dl_one2/discards", reason="test"),
    "list_held_parts": get("held-parts"),
    "list_bindings": get(f"bindings?tenant={ONE}"),
    "get_binding": get("bindings/bd_one"),
    "end_binding": Example("DELETE", "bindings/bd_one", {"reason": "test"}),
    "create_pairing_code": post("pairing-codes", user="one@example.org"),
    "list_leads": get(f"leads?tenant={ONE}"),
    "export_leads": get(f"leads/exports?tenant={ONE}"),
    "get_lead": get("leads/ag_one.ct_one"),
    "erase_contact": post("contacts/ct_spareone/erasures", reason="test"),
    "erase_address": post("erasures", reason="test", address="+15550009999"),
    "export_contact": post("contacts/ct_one/exports"),
    "list_api_keys": get(f"api-keys?tenant={ONE}"),
    "create_api_key": post("api-keys", tenant=ONE, name="X", scopes=["agents:read"]),
    "get_api_key": get("api-keys/ak_one"),
    "revoke_api_key": Example("DELETE", "api-keys/ak_one"),
    "list_audit": get(f"audit?tenant={ONE}"),
    "run_privacy": post("jobs/privacy/runs"),
    "run_retention": post("jobs/retention/runs"),
    "run_canary": post("jobs/canary/runs"),
    "run_gap_fill": post("jobs/gap-fill/runs"),
    "run_provisioning": post("jobs/provisioning/runs"),
    "run_rewrap": post("jobs/rewrap/runs"),
}


async def plant_everything(past: Past, twilio: FakeAccount) -> None:
    """Make what the examples speak of, beyond the company's past."""
    twilio.lines[Address(SENDER)] = Webhooks("https://elsewhere.example.org/")
    await past.pair()
    await past.account("cr_spareone", "AC" + "5" * 32)
    await past.line("ln_spareone", "whatsapp:+14155230001")
    secret = past.vault.seal(b"s", SIGNING_SECRET.at(past.tenant, "ss_spareone"))
    await past.insert(
        "signing_secret", id="ss_spareone", credential_id="cr_one", kind="auth_token", sealed_secret=secret
    )
    await past.insert("app_user", id="us_spareone", email="spare@example.org", role="USER")
    await past.insert("contact", id="ct_spareone", channel="whatsapp")
    for action in ("ac_one", "ac_spareone"):
        await past.insert("action", id=action, **ACTION | {"name": action}, method="POST", url=NOBODY)
    for pipeline in ("pl_one", "pl_spareone", "pl_draftone", "pl_activeone"):
        await past.insert("pipeline", id=pipeline, name=pipeline, draft=PIPELINE, past=[1])
    for pipeline in ("pl_one", "pl_draftone"):
        await past.insert("pipeline_version", pipeline_id=pipeline, number=1, document=PIPELINE, author="test")
    for place in ("fd_one", "fd_spareone"):
        await past.insert(
            "form_delivery", id=place, kind="webhook", options={"url": "https://example.org/"}, enabled=False
        )
    await past.form("form_one", {"message": "Call me."})
    for source, kind in (("ds_one", "product"), ("ds_spareone", "order")):
        await past.insert(
            "data_source", id=source, kind=kind, origin="feed", url="https://example.org/", every_minutes=60
        )
    for server in ("mc_one", "mc_spareone"):
        await past.insert("mcp_server", id=server, name=server, url=NOBODY.format(day="mcp"))
    await past.insert("agent", id="ag_spareone", name="A", instructions="")
    await past.insert("api_key", id="ak_one", name="k", digest="d", scopes=["agents:read"])
    for name in ("kd_one", "kd_spareone"):
        await past.insert(
            "knowledge_document",
            id=name,
            agent_id="ag_one",
            name=name,
            language="english",
            digest="",
            size=0,
            sealed_content=past.vault.seal(b"", KNOWLEDGE_CONTENT.at(past.tenant, name)),
        )
    reply = await past.reply("rp_onelost", "lost", 2, state="failed")
    for n in (1, 2):
        part = await past.part(reply, n, "x", "failed")
        await past.insert(
            "dead_letter",
            id=f"dl_one{n}",
            thread="thone",
            stage="egress",
            reason="r",
            attempts=1,
            payload=f"part/{part}",
        )
