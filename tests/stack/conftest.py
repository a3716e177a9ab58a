"""Pretended checkouts for the tests of the stack."""

import os
from collections.abc import Iterator

import pytest

from dev.stack import control
from tests.stack.checkout import Checkout, Completed, pretend


@pytest.fixture
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A pretended checkout with nothing running, deleted with its stack at the end."""
    made = pretend(tmp_path_factory.mktemp("checkout"), os.environ)
    yield made
    control.delete(made.home)


@pytest.fixture(scope="package")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Checkout, Completed]]:
    """A pretended checkout whose stack runs, with two routers, and what its `up` said."""
    made = pretend(tmp_path_factory.mktemp("running"), os.environ)
    started = made.run("up", "--replicas", "router=2")
    assert started.returncode == 0, started.stderr
    yield made, started
    control.delete(made.home)


@pytest.fixture
def running(first_start: tuple[Checkout, Completed]) -> Checkout:
    """A running stack, shared: every test leaves all of it up."""
    return first_start[0]
