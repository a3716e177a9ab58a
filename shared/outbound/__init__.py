"""
The outbound guard: everything that is called because a tenant or a model named its address goes through here.

safety.md, section 2, row "Outbound URLs". `Guard.ask` is the whole of it; `GuardedTransport` is for libraries that bring an
HTTP client of their own.
"""

from shared.outbound.failures import OutboundFailure, Refused
from shared.outbound.guard import Guard, Received, open_guard
from shared.outbound.targets import Allowed, check, parse
from shared.outbound.transport import GuardedTransport

__all__ = [
    "Allowed",
    "Guard",
    "GuardedTransport",
    "OutboundFailure",
    "Received",
    "Refused",
    "check",
    "open_guard",
    "parse",
]
