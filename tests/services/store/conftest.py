"""Key rings before, during and after a rotation."""

import pytest

from shared.vault import Vault

OLD, NEW = b"v" * 32, b"w" * 32


@pytest.fixture
def before() -> Vault:
    return Vault({1: OLD})


@pytest.fixture
def rotating() -> Vault:
    return Vault({1: OLD, 2: NEW})


@pytest.fixture
def after() -> Vault:
    return Vault({2: NEW})
