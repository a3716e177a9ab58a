"""Who chats, and with what."""

from typing import Final

from shared.ids import Address, AgentId

CHANNEL: Final = "web"
PROVIDER: Final = "trunkline"


def agent_address(agent: AgentId) -> Address:
    """Return what a chat with an agent is written to."""
    return Address(f"{CHANNEL}:{agent}")


def chat_address(chat: str) -> Address:
    """Return whoever writes in a chat."""
    return Address(f"{CHANNEL}:{chat}")
