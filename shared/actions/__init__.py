"""
Webhook actions: HTTP tools that a tenant defines, offered to models beside the built-in ones.

What a model says goes into the path, the query or the JSON body; who it speaks with (`{sys.contact}`, `{sys.tenant}`,
`{sys.user}`) comes from the session; secrets are in headers, sealed, and seen by nobody.
"""

from shared.actions.definition import METHODS, RESERVED, Action, Identity
from shared.actions.parameters import Misfit, Parameters, Unfit
from shared.actions.performing import Call, Outcome, perform, prepare

__all__ = [
    "METHODS",
    "RESERVED",
    "Action",
    "Call",
    "Identity",
    "Misfit",
    "Outcome",
    "Parameters",
    "Unfit",
    "perform",
    "prepare",
]
