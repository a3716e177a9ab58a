"""What can be wrong with manifests although each is valid by itself. Every check yields its faults as sentences."""

from collections.abc import Iterator

from tests.deploy.checks import flows, hardening, references, scaling, schemas
from tests.deploy.rendering import Manifest


def faults(manifests: list[Manifest]) -> Iterator[str]:
    """Yield everything that is wrong with what one cluster is given."""
    for check in (schemas, references, hardening, flows, scaling):
        yield from check.faults(manifests)
