"""Sends contact forms where their tenant wants them: each once, again where that is safe, and to the dead letters in the end."""

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from psycopg.rows import DictRow

from shared.failures import OUTCOME_UNKNOWN, Failure, GatewayError
from shared.forms import Form, as_json, as_mail, mail_server, open_delivery
from shared.ids import TenantId, new_id
from shared.outbound import Guard, OutboundFailure
from shared.outbound.mailbox import MailServer
from shared.store.sealed import FORM_BODY
from shared.store.session import Store
from shared.telemetry import FORM_FAILED, FORM_SENT, SWEEP_FAILED, log
from shared.vault import Vault

BACKOFF = (10.0, 60.0, 300.0, 1800.0, 7200.0, 21600.0)
"""Seconds before each further try: after the last, eight hours in all, a form is a dead letter."""

_EVERY = 2.0
_LEASE = "60 s"
_AT_ONCE = 8
_EACH = 4
"""Forms of one tenant that are looked at in one sweep, so that no other tenant's wait for them."""

_TRY_AGAIN = frozenset({408, 425, 429})
_FIRST_SERVER_ERROR = 500
REFUSED_BY_WEBHOOK = Failure("webhook_refused", page=True)
FAILING_WEBHOOK = Failure("webhook_failing", retry=True)

_DUE = f"""
select tenant_id, id from (
  select tenant_id, id, next_at, row_number() over (partition by tenant_id order by next_at) as place
  from form_schedule where next_at <= now()
) as due where place <= {_EACH} order by place, next_at limit {_AT_ONCE * _EACH}
"""  # noqa: S608 - constants

_CLAIM = f"""
with due as (
  select id, state from form_submission where id = %s and next_at <= now() for update skip locked
)
update form_submission set state = 'sending', tries = tries + 1, next_at = now() + interval '{_LEASE}'
from due where form_submission.id = due.id
returning form_submission.id, form_submission.tenant_id, conversation_id, turn_id, sealed_body, tries, created_at,
          due.state as was
"""  # noqa: S608 - constants
"""Takes a form, for longer than a send can take. One that is taken a second time from `sending` was being sent when its process died."""

_DELIVERY = "select id, kind, options, sealed_secrets from form_delivery where tenant_id = %s and enabled"

_END = """
update form_submission set state = %(state)s, failure = %(failure)s, next_at = now() + %(again)s * interval '1 s',
                           sent_at = case when %(state)s::varchar = 'sent' then now() end
where id = %(form)s and tries = %(tries)s
"""

_LIST = """
insert into dead_letter (id, tenant_id, thread, stage, reason, attempts, payload)
select %(letter)s, tenant_id, thread, 'form', %(failure)s, %(tries)s, 'form/' || %(form)s::text from turn where id = %(turn)s
on conflict do nothing
"""


class Mails(Protocol):
    """Whoever sends mail."""

    async def send(self, server: MailServer, password: str, mail: Any) -> OutboundFailure | None:  # noqa: ANN401 - an email message
        """Send a mail, once; return why not."""


@dataclass(frozen=True)
class FormSender:
    """The sender. `backoff`: seconds before each further try."""

    store: Store
    vault: Vault
    guard: Guard
    mails: Mails
    backoff: tuple[float, ...] = BACKOFF

    async def keep(self) -> None:
        """Send what is due, for ever."""
        while True:
            try:
                await self.send_due()
            except Exception as error:  # noqa: BLE001 - the database is away; nothing is lost by looking again
                log.warning(SWEEP_FAILED, exc_info=error)
            await asyncio.sleep(_EVERY)

    async def send_due(self) -> None:
        """Send what is due now, some of each tenant's."""
        async with self.store.connection() as connection:
            due = await (await connection.execute(_DUE)).fetchall()
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(row: DictRow) -> None:
            async with room:
                await self._send(TenantId(row["tenant_id"]), row["id"])

        ended = await asyncio.gather(*map(one, due), return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                log.warning(SWEEP_FAILED, exc_info=error)

    async def _send(self, tenant: TenantId, form: str) -> None:
        async with self.store.connection(tenant) as connection:
            row = await (await connection.execute(_CLAIM, (form,))).fetchone()
            delivery = await (await connection.execute(_DELIVERY, (tenant,))).fetchone() if row else None
        if row is None:
            return
        if delivery is None:
            await self._end(row, "kept")
        elif row["was"] == "sending" and delivery["kind"] == "email":
            await self._end(row, "failed", OUTCOME_UNKNOWN)
        else:
            await self._settle(row, await self._tried(row, delivery))

    async def _tried(self, row: DictRow, delivery: DictRow) -> Failure | None:
        """Send a form; return why not."""
        tenant = row["tenant_id"]
        try:
            secrets = open_delivery(self.vault, tenant, delivery["id"], delivery["sealed_secrets"])
            fields = orjson.loads(self.vault.open(row["sealed_body"], FORM_BODY.at(tenant, row["id"])))
        except GatewayError as error:
            return error.failure
        form = Form(row["id"], tenant, row["conversation_id"], fields, row["created_at"])
        if delivery["kind"] == "email":
            options = delivery["options"]
            failure = await self.mails.send(mail_server(options), secrets.get("password", ""), as_mail(form, options))
            return OUTCOME_UNKNOWN if failure is not None and failure.begun else failure
        return await self._post(form, delivery["options"]["url"], secrets)

    async def _post(self, form: Form, url: str, secrets: dict[str, str]) -> Failure | None:
        """Post a form under its own key, so that the other side knows one that comes again."""
        headers = {**secrets, "Content-Type": "application/json", "Idempotency-Key": form.id}
        came = await self.guard.ask("POST", url, headers=headers, content=as_json(form))
        if isinstance(came, OutboundFailure):
            return came
        if came.ok:
            return None
        return (
            FAILING_WEBHOOK if came.status in _TRY_AGAIN or came.status >= _FIRST_SERVER_ERROR else REFUSED_BY_WEBHOOK
        )

    async def _settle(self, row: DictRow, failure: Failure | None) -> None:
        if failure is None:
            await self._end(row, "sent")
        elif failure.retry and row["tries"] <= len(self.backoff):
            await self._end(row, "waiting", failure, self.backoff[row["tries"] - 1])
        else:
            await self._end(row, "failed", failure)

    async def _end(self, row: DictRow, state: str, failure: Failure | None = None, again: float | None = None) -> None:
        facts = {
            "form": row["id"],
            "tries": row["tries"],
            "turn": row["turn_id"],
            "state": state,
            "failure": failure.code if failure else None,
            "again": again,
            "letter": new_id("dl"),
        }
        async with self.store.transaction(TenantId(row["tenant_id"])) as connection:
            await connection.execute(_END, facts)
            if state == "failed":
                await connection.execute(_LIST, facts)
        if state == "sent":
            log.info(FORM_SENT, tenant=row["tenant_id"], tries=row["tries"])
        elif failure is not None:
            log.warning(FORM_FAILED, tenant=row["tenant_id"], tries=row["tries"], failure=failure.code, state=state)
