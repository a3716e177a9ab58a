"""`/v1/contact-forms`: what visitors left for a company, and whether it was sent on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from psycopg.rows import DictRow

from services.console.api.fields import OneTenant, id_in_path, id_pattern, span, whose
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.routes import Asking, Route, may
from services.console.scan import Conditions, Mark, Scan, Slice, existing, owner
from shared.failures import SEALED_UNREADABLE, GatewayError
from shared.ids import TenantId
from shared.store.sealed import FORM_BODY
from shared.store.session import Store
from shared.vault import Vault

_FORMS = Scan(
    "form_submission",
    ("created_at", "id"),
    """
    form_submission.id, form_submission.tenant_id as tenant, form_submission.conversation_id as conversation,
    form_submission.state, form_submission.failure, form_submission.sent_at, form_submission.created_at, sealed_body
    """,
    "",
)

State = Literal["kept", "waiting", "sending", "sent", "failed"]
Id = Annotated[str, id_in_path("form")]
OneState = Annotated[State | None, Query(alias="state", description="Only those of this state.")]
OneConversation = Annotated[
    str | None, Query(alias="conversation", pattern=id_pattern("cv"), description="Only this conversation's.")
]
Since = Annotated[datetime | None, Query(alias="created_at[gte]", description="Left then or later.")]
Until = Annotated[datetime | None, Query(alias="created_at[lt]", description="Left before then.")]


class ContactForm(Resource):
    """
    A message that a visitor left through the contact form.

    `state`: kept where there is nowhere to send it. `form`: name, message and email as they were given; null where its key is
    gone.
    """

    tenant: str
    conversation: str
    state: State
    failure: str | None
    form: dict[str, str] | None
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True)
class ContactForms:
    """Reads them."""

    store: Store
    vault: Vault

    async def read(
        self, tenant: TenantId, within: Conditions, wanted: Conditions, after: Mark | None, most: int
    ) -> Slice:
        """Return forms, the newest first."""
        async with self.store.transaction(tenant) as connection:
            return await _FORMS.read(connection, {"tenant_id = %s": tenant, **within}, wanted, after, most)

    async def one(self, tenant: TenantId, form: str) -> DictRow:
        """Return one. Raises Unknown."""
        async with self.store.connection(tenant) as connection:
            return await _FORMS.one(connection, {"form_submission.id = %s": form})

    def shown(self, row: DictRow) -> ContactForm:
        """Return a row as the API shows it."""
        facts = {name: value for name, value in row.items() if name != "sealed_body"}
        return ContactForm(**facts, form=self._opened(row))

    def _opened(self, row: DictRow) -> dict[str, str] | None:
        try:
            found: dict[str, str] = orjson.loads(
                self.vault.open(row["sealed_body"], FORM_BODY.at(row["tenant"], row["id"]))
            )
        except GatewayError as error:
            if error.failure is not SEALED_UNREADABLE:
                raise
            return None
        return found


def contact_forms(found: ContactForms) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/contact-forms", tags=["contact forms"], route_class=Route)

    @router.get("", **may("conversations:read"))
    async def list_contact_forms(
        who: Asking,
        page: Paged,
        *,
        since: Since = None,
        until: Until = None,
        tenant: OneTenant = None,
        state: OneState = None,
        conversation: OneConversation = None,
    ) -> Listing[ContactForm]:
        theirs = await existing(found.store, who, whose(who, tenant))
        within = span(since, until).within("created_at")
        wanted = {"state = %s": state, "conversation_id = %s": conversation}
        part = await found.read(theirs, within, wanted, page.mark, page.limit + 1)
        rows, mark = part.page(page.limit, _FORMS.order)
        return page.until([found.shown(row) for row in rows], mark)

    @router.get("/{form}", **may("conversations:read"))
    async def get_contact_form(who: Asking, form: Id) -> ContactForm:
        tenant = await owner(found.store, who, "form_submission", {"id = %s": form})
        return found.shown(await found.one(tenant, form))

    return router
