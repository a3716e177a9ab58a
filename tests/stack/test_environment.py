"""What each process of the stack is told through its environment."""

from pathlib import Path

import pytest

from dev.stack.environment import Setup, chosen_model, environment_of
from dev.stack.faults import Misconfigured
from dev.stack.home import Home
from dev.stack.plan import Desired, Part, assign_ports, port_offset
from dev.stack.secrets import DATABASE_USERS, make_keys, platform_account

_SECRET = "0123456789abcdef0123456789abcdef"


def _environment(tmp_path: Path, name: str, **caller: str) -> dict[str, str]:
    home = Home(tmp_path)
    home.prepare()
    parts = Desired().parts()
    setup = Setup(
        caller=caller,
        home=home,
        ports=assign_ports(home, parts, port_offset(caller)),
        parts=parts,
        nats_url="nats://127.0.0.1:1",
        nats_monitor_url="http://127.0.0.1:2",
        database_urls={name: f"postgresql://{name}:secret@127.0.0.1:3/trunkline" for name in DATABASE_USERS},
        account=platform_account(home, caller, "http://127.0.0.1:8080/webhooks/twilio"),
    )
    return environment_of(Part(name, 1), setup)


def test_ingress_never_learns_of_the_database(tmp_path: Path) -> None:
    """
    The webhook path works without Postgres, so ingress cannot even know where it is.
    """
    assert "TRUNKLINE_DB__URL" not in _environment(tmp_path, "ingress")
    assert "TRUNKLINE_DB__URL" in _environment(tmp_path, "router")


@pytest.mark.parametrize("name", ["router", "agent", "egress", "ingress", "model"])
def test_the_auth_token_goes_only_where_it_is_needed(tmp_path: Path, name: str) -> None:
    """
    The services get credentials through the console's settings, never from the environment.
    """
    caller = {"TWILIO_ACCOUNT_SID": "AC" + _SECRET, "TWILIO_AUTH_TOKEN": _SECRET}
    assert "TWILIO_AUTH_TOKEN" not in _environment(tmp_path, name, **caller)
    assert _environment(tmp_path, "console", **caller)["TWILIO_AUTH_TOKEN"] == _SECRET


def test_a_service_gets_its_own_variables_and_no_sibling_s(tmp_path: Path) -> None:
    """
    TRUNKLINE_ROUTER__… reaches the router alone, and a variable that nobody knows reaches nobody.
    """
    caller = {"TRUNKLINE_ROUTER__WORKERS": "3", "TRUNKLINE_TYPO": "x", "OTEL_SERVICE_NAME": "here"}
    router = _environment(tmp_path, "router", **caller)
    assert router["TRUNKLINE_ROUTER__WORKERS"] == "3"
    assert router["OTEL_SERVICE_NAME"] == "here"
    assert "TRUNKLINE_TYPO" not in router
    assert "TRUNKLINE_ROUTER__WORKERS" not in _environment(tmp_path, "agent", **caller)


def test_a_services_traces_go_to_the_console_unless_the_caller_wants_them_elsewhere(tmp_path: Path) -> None:
    """
    So that a local stack needs no backend for them.
    """
    named = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    assert _environment(tmp_path, "agent")[named] == "http://127.0.0.1:8081/otlp/v1/traces"
    elsewhere = _environment(tmp_path, "agent", OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4318")
    assert named not in elsewhere


def test_the_offset_shifts_every_promised_port(tmp_path: Path) -> None:
    """
    Two stacks run side by side with TRUNKLINE_PORT_OFFSET.
    """
    environment = _environment(tmp_path, "simulator", TRUNKLINE_PORT_OFFSET="100")
    assert environment["TRUNKLINE_SIM__PORT"] == "8182"
    assert environment["TRUNKLINE_SIM__INGRESS_URL"] == "http://127.0.0.1:8180"
    assert environment["TRUNKLINE_CONSOLE_URL"] == "http://127.0.0.1:8181"


@pytest.mark.parametrize("wrong", ["-1", "ten", "60000"])
def test_an_impossible_offset_is_refused_by_name(wrong: str) -> None:
    """
    The line names the variable.
    """
    with pytest.raises(Misconfigured, match="TRUNKLINE_PORT_OFFSET"):
        port_offset({"TRUNKLINE_PORT_OFFSET": wrong})


def test_all_twilio_calls_go_to_the_simulator_unless_told_otherwise(tmp_path: Path) -> None:
    """
    Nothing real is sent by accident, whatever account is set.
    """
    assert _environment(tmp_path, "egress")["TRUNKLINE_TWILIO_API_BASE"] == "http://127.0.0.1:8082"
    real = _environment(tmp_path, "egress", TRUNKLINE_TWILIO_API_BASE="https://api.twilio.com")
    assert real["TRUNKLINE_TWILIO_API_BASE"] == "https://api.twilio.com"


def test_the_simulator_s_account_is_made_once(tmp_path: Path) -> None:
    """
    Without an account of one's own there is one that looks like Twilio's, and stays the same.
    """
    first, second = (_environment(tmp_path, "console") for _ in range(2))
    assert first["TWILIO_ACCOUNT_SID"].startswith("AC")
    assert len(first["TWILIO_ACCOUNT_SID"]) == 34
    assert first["TWILIO_AUTH_TOKEN"] == second["TWILIO_AUTH_TOKEN"]
    assert (tmp_path / "keys/simulator-account.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"TWILIO_ACCOUNT_SID": "AC1"}, "TWILIO_AUTH_TOKEN"),
        ({"TWILIO_AUTH_TOKEN": "t"}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_AUTH_TOKEN_FILE": "t"}, "TWILIO_ACCOUNT_SID"),
    ],
)
def test_half_an_account_is_refused_by_the_missing_half(tmp_path: Path, given: dict[str, str], missing: str) -> None:
    """
    The line names what is missing, and no value.
    """
    with pytest.raises(Misconfigured, match=f"^{missing}: "):
        platform_account(Home(tmp_path), given, "http://127.0.0.1:8080/webhooks/twilio")


def test_without_a_choice_the_scripted_model_answers() -> None:
    """
    A key that the shell happens to export is not spent: it takes the name of a model too.
    """
    scripted = {"OPENAI_BASE_URL": "http://local/v1", "OPENAI_API_KEY": "local", "TRUNKLINE_MODEL": "scripted"}
    assert chosen_model({}, "http://local/v1") == scripted
    assert chosen_model({"OPENAI_API_KEY": "k"}, "http://local/v1") == scripted


def test_a_chosen_model_is_called_with_the_caller_s_key() -> None:
    """
    With a key and a model's name it is OpenAI's own address, unless another is given.
    """
    chosen = chosen_model({"OPENAI_API_KEY": "k", "TRUNKLINE_MODEL": "m"}, "http://local/v1")
    assert chosen == {"OPENAI_BASE_URL": "https://api.openai.com/v1", "OPENAI_API_KEY": "k", "TRUNKLINE_MODEL": "m"}
    other = chosen_model({"OPENAI_BASE_URL": "http://x/v1", "OPENAI_API_KEY_FILE": "f"}, "http://local/v1")
    assert other == {"OPENAI_BASE_URL": "http://x/v1", "OPENAI_API_KEY_FILE": "f", "TRUNKLINE_MODEL": "scripted"}


def test_keys_are_private_and_made_once(tmp_path: Path) -> None:
    """
    Each key is 32 random bytes in a file that only its owner reads, in a directory that only its owner enters.
    """
    home = Home(tmp_path / "home")
    home.prepare()
    make_keys(home)
    keys = {file.name: file.read_text() for file in home.keys.iterdir()}
    make_keys(home)
    assert set(keys) == {"vault", "pepper", "thread-pepper", "console", *(f"db-{name}" for name in DATABASE_USERS)}
    assert all(len(bytes.fromhex(key)) == 32 for key in keys.values())
    assert keys == {file.name: file.read_text() for file in home.keys.iterdir()}
    assert {file.stat().st_mode & 0o777 for file in home.keys.iterdir()} == {0o600}
    assert home.keys.stat().st_mode & 0o777 == 0o700
