"""Every sealed column, and the context that its values are bound to: who seals, opens or seals anew says it this way."""

from dataclasses import dataclass

from shared.vault import place


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

    def at(self, tenant: str, *row: object) -> str:
        """Return the context of one row's value."""
        return place(tenant, self.kind, "/".join(str(step) for step in row)) + self.suffix


CREDENTIAL_SECRET = SealedColumn("credential", "sealed_secret", "credential")
CONTACT_ADDRESS = SealedColumn("contact", "sealed_address", "contact", suffix="/address")
CONTACT_NAME = SealedColumn("contact", "sealed_name", "contact", suffix="/name")
BINDING_ADDRESS = SealedColumn("binding", "sealed_address", "binding")
MESSAGE_TEXT = SealedColumn("message", "sealed_text", "message")
TOOL_RESULT = SealedColumn("tool_call", "sealed_result", "tool_call", ("turn_id", "call"))
FORM_BODY = SealedColumn("form_submission", "sealed_body", "form")
REPLY_BODY = SealedColumn("reply", "sealed_body", "reply", ("public_id",))
PART_BODY = SealedColumn("part", "sealed_body", "part", ("reply_id", "ordinal"))

SEALED_COLUMNS = (
    CREDENTIAL_SECRET, CONTACT_ADDRESS, CONTACT_NAME, BINDING_ADDRESS, MESSAGE_TEXT, TOOL_RESULT, FORM_BODY, REPLY_BODY,
    PART_BODY,
)  # fmt: skip
