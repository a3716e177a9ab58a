"""Leads: each sender of an open line, once per agent."""

from shared.ids import AgentId, ContactId, TenantId
from shared.store.session import Connection


async def note_lead(
    connection: Connection, tenant: TenantId, agent: AgentId, contact: ContactId, platform: str
) -> None:
    """Make the lead, or count one more message of it."""
    await connection.execute(
        """
        insert into lead (tenant_id, agent_id, contact_id, platform) values (%s, %s, %s, %s)
        on conflict (agent_id, contact_id) do update set last_seen = now(), messages = lead.messages + 1
        """,
        (tenant, agent, contact, platform),
    )
