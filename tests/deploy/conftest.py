"""What the tests of a deployment share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.keys import Chest, fill
from shared.bus import apply_topology
from tests.deploy.guarded import GuardedNats


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The secrets of a deployment without an account of its own."""
    fill(Chest(tmp_path / "keys"), {})
    return tmp_path / "keys"


@pytest.fixture
def guarded_nats(tmp_path: Path, keys: Path) -> Iterator[GuardedNats]:
    """NATS as the manifests configure it, with every stream."""
    with GuardedNats(tmp_path / "guarded", keys) as server:
        apply_topology(server.login("topology"))
        yield server
