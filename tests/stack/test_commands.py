"""What the commands print, where, and with which exit status: scripts rely on it."""

import json
import socket

from dev.stack.lock import supervisor_pid
from tests.stack.checkout import Checkout, Completed


def test_up_prints_a_conversation_and_where_things_are(first_start: tuple[Checkout, Completed]) -> None:
    """
    The first message of the simulator's phone and its answer are data; progress and time are notes.
    """
    checkout, answer = first_start
    conversation = answer.stdout.split("\n\n")[0].split("\n")
    assert [line for line in conversation if line.endswith("hello")]
    assert "You said: hello" in answer.stdout
    for port in (8080, 8081, 8082):
        assert f"http://127.0.0.1:{port + checkout.offset}" in answer.stdout
    assert "Took " in answer.stderr
    assert "trunkline down" in answer.stderr


def test_status_has_the_surface_that_scripts_read(running: Checkout) -> None:
    """
    One entry per process with name, replica, pid, ops_url and ready; the addresses beside them.
    """
    status = json.loads(running.ask("status", "-o", "json").stdout)
    names = [(part["name"], part["replica"]) for part in status["services"]]
    assert names[:2] == [("nats", 1), ("postgres", 1)]
    assert {("router", 1), ("router", 2), ("ingress", 1), ("console", 1), ("simulator", 1), ("model", 1)} <= set(names)
    for part in status["services"]:
        assert {"name", "replica", "pid", "ops_url", "ready"} <= set(part)
        assert isinstance(part["pid"], int)
        assert part["ready"] is True
    assert status["ingress_url"] == f"http://127.0.0.1:{8080 + running.offset}"
    assert status["simulator_url"] == f"http://127.0.0.1:{8082 + running.offset}"
    assert status["nats_url"].startswith("nats://127.0.0.1:")
    assert status["database_url"].startswith("postgresql://")


def test_the_table_shows_no_password(running: Checkout) -> None:
    """
    The form for people leaves the database's address out.
    """
    answer = running.ask("status", "-o", "table")
    assert "postgres-1" in answer.stdout
    assert "postgresql://" not in answer.stdout


def test_say_prints_the_answer_alone(running: Checkout) -> None:
    """
    What the phone received is all of stdout.
    """
    answer = running.ask("say", "--from", "+15550001", "--wait", "30", "What now?")
    assert (answer.returncode, answer.stdout) == (0, "You said: What now?\n")


def test_say_without_an_answer_ends_with_status_6(running: Checkout) -> None:
    """
    A time-out can be told from other failures.
    """
    answer = running.ask("say", "silence", "--wait", "0.2s")
    assert (answer.returncode, answer.stdout) == (6, "")
    assert answer.stderr == "No answer within 0.2 s.\n"


def test_say_tells_when_the_gateway_refuses_the_signature(running: Checkout) -> None:
    """
    A 403 is one line that names the cause, at once.
    """
    answer = running.ask("say", "forbidden")
    assert answer.returncode == 1
    assert "403" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_chat_from_a_pipe_answers_line_by_line(running: Checkout) -> None:
    """
    Each line is written and answered before the next, and the end of the input is the end.
    """
    answer = running.ask("chat", "--as", "+393330001111", given="one\n\ntwo\n")
    assert (answer.returncode, answer.stdout) == (0, "You said: one\nYou said: two\n")


def test_the_fourth_pairing_code_is_a_conflict_in_the_console_s_words(running: Checkout) -> None:
    """
    The code alone is on stdout; the refusal is the console's own sentence, with status 5.
    """
    codes = [running.ask("users", "pair-code", "-o", "table") for _ in range(4)]
    assert [code.returncode for code in codes] == [0, 0, 0, 5]
    assert codes[0].stdout == "ABCD2340\n"
    assert codes[3].stderr == "At most 3 codes an hour.\n"


def test_logs_are_one_file_per_process(running: Checkout) -> None:
    """
    `logs NAME` prints the process's own lines.
    """
    assert running.ask("logs", "ingress").stdout == "settings.loaded\n"
    assert "router-2     | settings.loaded\n" in running.ask("logs").stdout


def test_a_taken_port_is_one_line_with_port_variable_and_owner(checkout: Checkout) -> None:
    """
    Who has the port and how to go elsewhere; nothing has been started.
    """
    with socket.socket() as other:
        other.bind(("127.0.0.1", 8081 + checkout.offset))
        other.listen()
        answer = checkout.run("up")
    assert answer.returncode == 5
    assert len(answer.stderr.splitlines()) == 1
    for word in (str(8081 + checkout.offset), "TRUNKLINE_PORT_OFFSET", "pid"):
        assert word in answer.stderr
    assert not supervisor_pid(checkout.home)


def test_a_service_that_refuses_its_settings_ends_the_start_with_its_own_words(checkout: Checkout) -> None:
    """
    Its last lines and its log's name are shown, the status is 1, and nothing is left running.
    """
    answer = checkout.run("up", "--without", "model,simulator,console", TRUNKLINE_EGRESS__REFUSE="1")
    assert answer.returncode == 1
    assert "TRUNKLINE_EGRESS__REFUSE: not wanted" in answer.stderr
    assert "egress-1 refuses its settings" in answer.stderr
    assert not supervisor_pid(checkout.home)


def test_commands_without_a_stack_say_how_to_start_one(checkout: Checkout) -> None:
    """
    The status is 6, and `status -o json` still prints its form.
    """
    assert "trunkline up" in checkout.ask("say", "hello").stderr
    answer = checkout.ask("status", "-o", "json")
    assert answer.returncode == 6
    assert json.loads(answer.stdout)["services"] == []


def test_the_doctor_says_first_that_nothing_runs(checkout: Checkout) -> None:
    """
    And nothing else, since nothing else can be looked at.
    """
    answer = checkout.ask("doctor", "-o", "json")
    [found] = json.loads(answer.stdout)["findings"]
    assert answer.returncode == 1
    assert (found["code"], found["remedy"]) == ("stack_not_running", "Start it: trunkline up")


def test_wrong_options_are_status_2(checkout: Checkout) -> None:
    """
    Before anything is started.
    """
    assert checkout.run("up", "--replicas", "nats=2").returncode == 2
    assert checkout.run("up", "--without", "nats").returncode == 2
    assert checkout.ask("reset").returncode == 2
