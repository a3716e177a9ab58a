"""Every sealed column, and the context that its values are bound to: who seals, opens or seals anew says it this way."""

from dataclasses import dataclass

from shared.vault import PLATFORM, place


@dataclass(frozen=True)
class SealedColumn:
    """A column of ciphertext. `row`: the columns that tell whose row it is, beside the tenant."""

    table: str
    name: str
    kind: str
    row: tuple[str, ...] = ("id",)
    suffix: str = ""

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"

    def at(self, tenant: str | None, *row: object) -> str:
        """Return the context of one row's value. Without a tenant it is the platform's."""
        return place(tenant or PLATFORM, self.kind, "/".join(str(step) for step in row)) + self.suffix


CREDENTIAL_SECRET = SealedColumn("credential", "sealed_secret", "credential")
CREDENTIAL_KEY = SealedColumn("credential", "sealed_key", "credential", suffix="/key")
SIGNING_SECRET = SealedColumn("signing_secret", "sealed_secret", "signing_secret")
CONTACT_ADDRESS = SealedColumn("contact", "sealed_address", "contact", suffix="/address")
CONTACT_NAME = SealedColumn("contact", "sealed_name", "contact", suffix="/name")
BINDING_ADDRESS = SealedColumn("binding", "sealed_address", "binding")
SUMMARY = SealedColumn("conversation", "sealed_summary", "conversation", suffix="/summary")
MESSAGE_TEXT = SealedColumn("message", "sealed_text", "message")
MESSAGE_MEDIA = SealedColumn("message", "sealed_media", "message", suffix="/media")
MESSAGE_CONTENTS = SealedColumn("message", "sealed_contents", "message", suffix="/contents")
TOOL_RESULT = SealedColumn("tool_call", "sealed_result", "tool_call", ("turn_id", "call"))
TOOL_SOURCES = SealedColumn("tool_call", "sealed_sources", "tool_call", ("turn_id", "call"), suffix="/sources")
KNOWLEDGE_CONTENT = SealedColumn("knowledge_document", "sealed_content", "knowledge_document")
FORM_BODY = SealedColumn("form_submission", "sealed_body", "form")
FORM_SECRETS = SealedColumn("form_delivery", "sealed_secrets", "form_delivery")
ACTION_HEADERS = SealedColumn("action", "sealed_headers", "action")
ATTEMPT_RESULT = SealedColumn("tool_attempt", "sealed_result", "tool_attempt", ("turn_id", "call"))
SOURCE_SECRETS = SealedColumn("data_source", "sealed_secrets", "data_source")
ORDER_BODY = SealedColumn("customer_order", "sealed_body", "customer_order")
MCP_HEADERS = SealedColumn("mcp_server", "sealed_headers", "mcp_server")
REPLY_BODY = SealedColumn("reply", "sealed_body", "reply", ("public_id",))
PART_BODY = SealedColumn("part", "sealed_body", "part", ("reply_id", "ordinal"))
IDEMPOTENT_ANSWER = SealedColumn("idempotent_request", "sealed_answer", "idempotent_request", ("holder", "key"))
TOTP_SECRET = SealedColumn("user_sign_in", "sealed_totp", "totp", ("user_id",))

SEALED_COLUMNS = (
    CREDENTIAL_SECRET, CREDENTIAL_KEY, SIGNING_SECRET, CONTACT_ADDRESS, CONTACT_NAME, BINDING_ADDRESS, SUMMARY, MESSAGE_TEXT,
    MESSAGE_MEDIA, MESSAGE_CONTENTS,
    TOOL_RESULT, TOOL_SOURCES, KNOWLEDGE_CONTENT, FORM_BODY, FORM_SECRETS, ACTION_HEADERS, ATTEMPT_RESULT, SOURCE_SECRETS,
    ORDER_BODY, MCP_HEADERS, REPLY_BODY, PART_BODY, IDEMPOTENT_ANSWER, TOTP_SECRET,
)  # fmt: skip
