"""Trials of pipelines on stored conversations: asked of an agent, which has the model, within a turn's time."""

from dataclasses import dataclass

from services.console.access import Principal
from services.console.records import Deed, Unknown, note
from shared.bus import Bus, BusUnavailable
from shared.events import TrialEnded, TrialRequested, TrialResult
from shared.ids import ConversationId, TenantId, new_id
from shared.pipelines import read_pipeline
from shared.store.session import Store
from shared.topology import TRIAL
from shared.vault import Vault

_LIMIT = 100.0
"""Seconds; an agent gives up before that."""

_FIND = """
select conversation.tenant_id, history from conversation join tenant on tenant.id = conversation.tenant_id
where conversation.id = %s
"""


@dataclass(frozen=True)
class Trials:
    """The collaborators."""

    store: Store
    vault: Vault
    bus: Bus

    async def run(self, who: Principal, conversation: str, document: str) -> tuple[TrialResult | None, str | None]:
        """
        Return what a document came to, or why it came to nothing. Raises Unknown, NotAPipeline.

        Where the company keeps no history its texts are for nobody to read, and so is what is said of them: `history_off`.
        """
        read_pipeline(document)
        async with self.store.transaction(who.sees) as connection:
            row = await (await connection.execute(_FIND, (conversation,))).fetchone()
            if row is None:
                raise Unknown
            await note(connection, who, Deed("pipeline.tried", conversation, row["tenant_id"]))
        if not row["history"]:
            return None, "history_off"
        return await self._asked(TenantId(row["tenant_id"]), ConversationId(conversation), document)

    async def _asked(
        self, tenant: TenantId, conversation: ConversationId, document: str
    ) -> tuple[TrialResult | None, str | None]:
        wanted = TrialRequested(tenant=tenant, trial=new_id("trial"), conversation=conversation, document=document)
        try:
            ended = await self.bus.request(TRIAL, wanted, TrialEnded, _LIMIT)
        except BusUnavailable:
            return None, "agent_unavailable"
        if ended.failure is not None:
            return None, ended.failure
        async with self.store.connection(tenant):
            pass  # the tenant's data key is at hand from here on
        return TrialResult.model_validate_json(self.vault.open_text(ended.sealed, ended.seal_context)), None
