"""Everything that is held of a person, opened: as one document, and as tables (safety.md, section 2)."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg.rows import DictRow

from services.console.access import Principal
from services.console.records import Deed, Unknown, note
from services.console.spreadsheet import csv_line
from shared.failures import SEALED_UNREADABLE, GatewayError
from shared.ids import ContactId
from shared.store.sealed import (
    BINDING_ADDRESS,
    CONTACT_ADDRESS,
    CONTACT_NAME,
    FORM_BODY,
    MESSAGE_CONTENTS,
    MESSAGE_TEXT,
    ORDER_BODY,
    PART_BODY,
    REPLY_BODY,
    SUMMARY,
)
from shared.store.session import EVERY_TENANT, Connection, Store
from shared.vault import Vault

Table = list[dict[str, Any]]

_CONTACT = """
select id, tenant_id as tenant, channel, created_at, sealed_address, sealed_name from contact where id = %(contact)s
"""
_PERSONS = """
with conversations as (select id from conversation where contact_id = %(contact)s),
threads as (
  select key from thread where contact_id = %(contact)s or host_contact_id = %(contact)s
  union select thread from message join conversations on conversation_id = conversations.id where thread is not null
)
"""
_TABLES = {
    "bindings": """
    select id, user_id as user, channel, created_at, sealed_address from binding where contact_id = %(contact)s order by id
    """,
    "leads": """
    select agent_id as agent, platform, source, messages, first_seen, last_seen from lead where contact_id = %(contact)s
    order by first_seen
    """,
    "conversations": """
    select id, agent_id as agent, line_id as line, user_id as user, channel, opened_at, closed_at, sealed_summary from conversation
    where contact_id = %(contact)s order by id
    """,
    "messages": f"""
    {_PERSONS}
    select id, conversation_id as conversation, line_id as line, provider_sid, received_at, outcome, sealed_text, sealed_contents from message
    where tenant_id = %(tenant)s and thread in (select key from threads) order by received_at, id
    """,  # noqa: S608 - constants
    "replies": f"""
    {_PERSONS}
    select public_id as id, conversation_id as conversation, kind, state, created_at, sealed_body from reply
    where tenant_id = %(tenant)s and thread in (select key from threads) order by reply.id
    """,  # noqa: S608 - constants
    "parts": f"""
    {_PERSONS}
    select reply.public_id as reply, ordinal, part.state, provider_sid, failure, error_code, part.created_at, accepted_at,
           (select max(reported_at) from status_event where part_id = part.id and status = 'delivered') as delivered_at,
           (select max(reported_at) from status_event where part_id = part.id and status = 'read') as read_at,
           reply_id, part.sealed_body
    from part join reply on reply.id = reply_id
    where part.tenant_id = %(tenant)s and part.thread in (select key from threads) order by reply_id, ordinal
    """,  # noqa: S608 - constants
    "orders": """
    select customer_order.id, number, placed_at, created_at as imported_at, sealed_body from customer_order
    where tenant_id = %(tenant)s
      and customer_keys && array(select address_key from contact_alias where contact_id = %(contact)s) order by id
    """,
    "forms": """
    select form_submission.id, conversation_id as conversation, form_submission.created_at, sealed_body
    from form_submission join conversation on conversation.id = conversation_id where contact_id = %(contact)s
    order by form_submission.id
    """,
}


@dataclass(frozen=True)
class Export:
    """A person, by table. Texts and addresses that are not kept any more are null."""

    contact: Mapping[str, Any]
    tables: Mapping[str, Table]

    def document(self) -> bytes:
        """Return it as JSON."""
        return orjson.dumps({"contact": self.contact, **self.tables})

    def archive(self) -> bytes:
        """Return it as a zip of the JSON document and a CSV for each table."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("person.json", self.document())
            for name, rows in {"contact": [dict(self.contact)], **self.tables}.items():
                archive.writestr(f"{name}.csv", _csv(rows))
        return packed.getvalue()


@dataclass(frozen=True)
class Exports:
    """Makes them."""

    store: Store
    vault: Vault

    async def make(self, who: Principal, contact: ContactId) -> Export:
        """Read and open what is held of a contact, and leave a line in the audit log. Raises Unknown."""
        async with self.store.connection(who.sees) as connection:
            found = await (await connection.execute(_CONTACT, {"contact": contact})).fetchone()
            if found is None:
                raise Unknown
            await self.store.have_keys(connection, found["tenant"])
        async with self.store.transaction(EVERY_TENANT) as connection:
            facts = {"contact": contact, "tenant": found["tenant"]}
            tables = {name: await _read(connection, query, facts) for name, query in _TABLES.items()}
            await note(connection, who, Deed("contact.exported", contact, found["tenant"]))
        return Export(
            self._contact(found), {name: self._table(name, found["tenant"], it) for name, it in tables.items()}
        )

    def _contact(self, row: DictRow) -> dict[str, Any]:
        shown = _without_sealed(row)
        where = row["tenant"], row["id"]
        shown["address"] = self._opened(row["sealed_address"], CONTACT_ADDRESS.at(*where))
        shown["name"] = self._opened(row["sealed_name"], CONTACT_NAME.at(*where))
        return shown

    def _table(self, name: str, tenant: str, rows: Sequence[DictRow]) -> Table:
        return [_without_sealed(row) | self._texts(name, tenant, row) for row in rows]

    def _texts(self, name: str, tenant: str, row: DictRow) -> dict[str, Any]:
        """Return what of a row was sealed, by the name that it is shown under."""
        match name:
            case "bindings":
                return {"address": self._opened(row["sealed_address"], BINDING_ADDRESS.at(tenant, row["id"]))}
            case "conversations":
                return {"notes": self._opened(row["sealed_summary"], SUMMARY.at(tenant, row["id"]))}
            case "messages":
                contents = self._opened(row["sealed_contents"], MESSAGE_CONTENTS.at(tenant, row["id"]))
                text = self._opened(row["sealed_text"], MESSAGE_TEXT.at(tenant, row["id"]))
                return {"text": text, "media": orjson.loads(contents) if contents else None}
            case "replies":
                body = self._opened(row["sealed_body"], REPLY_BODY.at(tenant, row["id"]))
                return {"text": orjson.loads(body)["markdown"] if body else None}
            case "parts":
                place = PART_BODY.at(tenant, row["reply_id"], row["ordinal"])
                return {"text": self._opened(row["sealed_body"], place)}
            case "orders":
                return {"order": self._opened(row["sealed_body"], ORDER_BODY.at(tenant, row["id"]))}
            case "forms":
                return {"form": self._opened(row["sealed_body"], FORM_BODY.at(tenant, row["id"]))}
            case _:
                return {}

    def _opened(self, sealed: bytes | None, context: str) -> str | None:
        if sealed is None:
            return None
        try:
            return self.vault.open(sealed, context).decode()
        except GatewayError as error:
            if error.failure is not SEALED_UNREADABLE:
                raise
            return None


async def _read(connection: Connection, query: str, facts: Mapping[str, str]) -> list[DictRow]:
    return await (await connection.execute(query, facts)).fetchall()


def _without_sealed(row: DictRow) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith("sealed_") and name != "reply_id"}


def _csv(rows: Table) -> str:
    if not rows:
        return ""
    return "".join([csv_line(list(rows[0])), *(csv_line(list(row.values())) for row in rows)])
