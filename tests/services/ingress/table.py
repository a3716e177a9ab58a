"""Everything that strangers may send, and what each is answered."""

from tests.services.ingress.hostile_forms import mutated_messages, proofs, reports, tenants, unreadable
from tests.services.ingress.hostile_http import framing, not_http, paths_and_methods, types_and_sizes

TABLE = [
    *not_http(),
    *framing(),
    *paths_and_methods(),
    *types_and_sizes(),
    *proofs(),
    *tenants(),
    *mutated_messages(),
    *unreadable(),
    *reports(),
]
