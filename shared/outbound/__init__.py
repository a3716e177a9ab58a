"""
The outbound guard: everything that is called because a tenant or a model named its address goes through here.

safety.md, section 2, row "Outbound URLs". `Guard.ask` is nearly the whole of it (`Guard.fetch`: bytes); `GuardedTransport` is for libraries that bring an
HTTP client of their own.
"""

from shared.outbound.failures import OutboundFailure, Refused
from shared.outbound.guard import Fetched, Guard, Received, open_guard
from shared.outbound.targets import Allowed, check, parse
from shared.outbound.transport import GuardedTransport

__all__ = [
    "Allowed",
    "Fetched",
    "Guard",
    "GuardedTransport",
    "OutboundFailure",
    "Received",
    "Refused",
    "check",
    "open_guard",
    "parse",
]
