"""Contact forms that turns leave."""

import orjson

from services.agent.store.rows import TurnRows
from services.agent.tools import ToolContext
from shared.ids import new_id
from shared.store.sealed import FORM_BODY


class Submitting(TurnRows):
    """Takes what people filled in."""

    async def submit(self, context: ToolContext, body: dict[str, str]) -> None:
        """Store a contact form, once per turn and call."""
        form = new_id("form")
        async with self.store.connection(context.tenant) as connection:
            await connection.execute(
                """
                insert into form_submission (id, tenant_id, conversation_id, turn_id, call, sealed_body, state, next_at)
                select %s, %s, %s, %s, %s, %s, case when wanted then 'waiting' else 'kept' end, case when wanted then now() end
                from (select exists (select 1 from form_delivery where tenant_id = %s and enabled) as wanted) as delivery
                on conflict (turn_id, call) do nothing
                """,
                (
                    form,
                    context.tenant,
                    context.conversation,
                    context.turn,
                    context.call,
                    self.vault.seal(orjson.dumps(body), FORM_BODY.at(context.tenant, form)),
                    context.tenant,
                ),
            )
