"""What a turn may cost: asked before each call of the model."""

from collections.abc import Sequence
from typing import Protocol

from services.agent.llm import Said
from shared.ids import ConversationId, TenantId, TurnId


class Budget(Protocol):
    """Grants tokens. `Unlimited` until tenants have budgets."""

    async def reserve(
        self, tenant: TenantId, conversation: ConversationId, turn: TurnId, messages: Sequence[Said]
    ) -> None:
        """Let the model be told these messages. Raises GatewayError where that would cost more than is left."""


class Unlimited:
    """Grants everything."""

    async def reserve(
        self, tenant: TenantId, conversation: ConversationId, turn: TurnId, messages: Sequence[Said]
    ) -> None:
        """Refuse nothing."""
