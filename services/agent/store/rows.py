"""What all that is done with the rows of turns has in common."""

from dataclasses import dataclass
from typing import Any

from services.agent.store.work import Claim
from shared.store.session import Store
from shared.vault import Vault

BURST_OVER = "coalesce(burst_at + %(burst)s * interval '1 s' <= now(), true)"


@dataclass(frozen=True)
class TurnRows:
    """The rows, and whose process it is that works on them."""

    store: Store
    vault: Vault
    owner: int
    burst_limit: float
    """Seconds from a burst's first message during which a further one makes its turn start over."""

    def facts(self, claim: Claim) -> dict[str, Any]:
        """Return what a claim's statements are about."""
        return {
            "thread": claim.thread,
            "fence": claim.fence,
            "owner": self.owner,
            "asked": claim.asked_seq,
            "burst": self.burst_limit,
        }
