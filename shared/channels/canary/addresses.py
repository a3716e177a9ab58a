"""Who writes as the canary, and to whom: user ids, since no country is called ZZ and a line has a number."""

from typing import Final

from shared.ids import Address, LineId

CHANNEL: Final = "canary"

PERSON: Final = Address("whatsapp:ZZ.TrunklineCanary")
"""Whoever writes. A provider never names it, and signs what it sends: no stranger can pass for it."""


def watched_address(line: LineId) -> Address:
    """Return what the canary of a line writes to."""
    return Address(f"whatsapp:ZZ.TrunklineCanary{line.removeprefix('ln_')}")
