"""Leads: each sender of an open line, once per agent."""

from shared.events import InboundReferral
from shared.ids import AgentId, ContactId, TenantId
from shared.store.session import Connection


async def note_lead(
    connection: Connection,
    tenant: TenantId,
    agent: AgentId,
    contact: ContactId,
    platform: str,
    *,
    referral: InboundReferral | None,
) -> None:
    """Make the lead, or count one more message of it. `referral`: what led them here; the first that they came by stays."""
    await connection.execute(
        """
        insert into lead (tenant_id, agent_id, contact_id, platform, source) values (%s, %s, %s, %s, %s)
        on conflict (agent_id, contact_id) do update
        set last_seen = now(), messages = lead.messages + 1, source = coalesce(lead.source, excluded.source)
        """,
        (tenant, agent, contact, platform, referral.model_dump_json() if referral else None),
    )
