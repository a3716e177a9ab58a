"""A running stack: what it keeps up, what it keeps down, and what is left of it."""

import os
import signal

import psycopg

from dev.stack.lock import supervisor_pid
from tests.stack.checkout import ONLY_INGRESS, Checkout, await_that, is_alive


def test_what_dies_is_started_again(running: Checkout) -> None:
    """
    A killed service and a killed database come back as new processes, ready.
    """
    before = running.pids()
    for label in ("agent-1", "postgres-1"):
        os.kill(before[label] or 0, signal.SIGKILL)
    await_that(lambda: all(running.pids()[label] not in {None, before[label]} for label in ("agent-1", "postgres-1")))
    await_that(lambda: all(part["ready"] for part in running.status()["services"]))


def test_what_is_stopped_by_name_stays_down_until_started(running: Checkout) -> None:
    """
    `stop` ends the process and nobody brings it back but `start`, which waits until it is ready.
    """
    before = running.pids()["postgres-1"]
    assert running.ask("stop", "postgres").returncode == 0
    assert running.pids()["postgres-1"] is None
    assert before
    assert not is_alive(before)
    assert running.ask("start", "postgres").returncode == 0
    assert {part["name"]: part["ready"] for part in running.status()["services"]}["postgres"]


def test_one_replica_can_be_stopped_alone(running: Checkout) -> None:
    """
    `router-2` is one process, `router` all of them.
    """
    running.ask("stop", "router-2")
    pids = running.pids()
    assert pids["router-1"]
    assert pids["router-2"] is None
    running.ask("start", "router")
    assert running.pids()["router-2"]


def test_a_process_that_does_not_exist_is_named_with_those_that_do(running: Checkout) -> None:
    """
    A typing error ends with status 4 and the list of names.
    """
    answer = running.ask("stop", "roter")
    assert answer.returncode == 4
    assert "roter" in answer.stderr
    assert "router" in answer.stderr


def test_starting_a_running_stack_changes_nothing(running: Checkout) -> None:
    """
    A second `up` says so and prints the addresses.
    """
    before = running.pids()
    again = running.run("up")
    assert again.returncode == 0
    assert "already running" in again.stderr
    assert running.status()["console_url"] in again.stdout
    assert running.pids() == before


def test_a_killed_supervisor_leaves_nothing_and_the_next_start_finds_the_data(checkout: Checkout) -> None:
    """
    After kill -9 of the supervisor every child is gone, `status` knows it, and `up` goes on with keys, ports and rows.
    """
    checkout.run("up", *ONLY_INGRESS)
    before, pids = checkout.status(), list(checkout.pids().values())
    os.kill(supervisor_pid(checkout.home) or 0, signal.SIGKILL)
    await_that(lambda: not any(is_alive(pid or 0) for pid in pids))
    assert checkout.status()["services"] == []
    assert checkout.run("up", *ONLY_INGRESS).returncode == 0
    assert checkout.status()["database_url"] == before["database_url"]
    with psycopg.connect(before["database_url"]) as connection:
        assert connection.execute("select count(*) from upgrades").fetchone() == (2,)


def test_down_leaves_nothing_running_and_keeps_the_data(checkout: Checkout) -> None:
    """
    Every process ends, the files stay, and a second `down` is no error; `reset` deletes the rest.
    """
    checkout.run("up", *ONLY_INGRESS)
    pids = [pid or 0 for pid in checkout.pids().values()]
    supervisor = supervisor_pid(checkout.home)
    assert len(pids) == 3
    assert checkout.ask("down").returncode == 0
    await_that(
        lambda: not any(map(is_alive, [*pids, supervisor or 0])), 2
    )  # a file lock goes a moment before its process
    assert checkout.home.postgres.is_dir()
    assert checkout.ask("down").returncode == 0
    assert checkout.ask("reset", "--yes").returncode == 0
    assert not checkout.home.root.exists()
