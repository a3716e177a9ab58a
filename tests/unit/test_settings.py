"""How a process reads its configuration, and what it says when that is wrong."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from services.agent.prices import Price
from services.agent.settings import AgentSettings
from services.console.settings import ConsoleSettings
from services.egress.settings import EgressSettings
from services.ingress.settings import IngressSettings
from services.router.settings import RouterSettings
from shared.settings import Settings, describe, from_env, is_secret, variables

SERVICES = (IngressSettings, RouterSettings, AgentSettings, EgressSettings, ConsoleSettings)
VAULT, PEPPER, THREAD_PEPPER = "5e" * 32, "be" * 32, "7a" * 32
NEEDED = {
    "TRUNKLINE_NATS__URL": "nats://127.0.0.1:4222",
    "TRUNKLINE_DB__URL": "postgresql://someone:hush@127.0.0.1/trunkline",
    "TRUNKLINE_KEYS__VAULT": VAULT,
    "TRUNKLINE_KEYS__PEPPER": PEPPER,
    "TRUNKLINE_KEYS__THREAD_PEPPER": THREAD_PEPPER,
    "TRUNKLINE_KEYS__CONSOLE": "c0" * 32,
    "TRUNKLINE_MODEL": "scripted",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "hush-hush",
    "TWILIO_WEBHOOK_URL": "https://example.org/webhooks/twilio",
    "OPENAI_BASE_URL": "http://127.0.0.1:8083/v1",
    "OPENAI_API_KEY": "sk-hush",
}


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in NEEDED.items() if name not in names}


def refused(
    capsys: pytest.CaptureFixture[str], environ: dict[str, str], model: type[Settings] = ConsoleSettings
) -> list[str]:
    """Return the lines of a start that was refused."""
    with pytest.raises(SystemExit) as refusal:
        from_env(model, environ)
    assert refusal.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()


# Where values come from


@pytest.mark.parametrize("model", SERVICES)
def test_all_services_can_share_one_environment(model: type[Settings]) -> None:
    """
    What one of them does not know is another's.
    """
    assert from_env(model, NEEDED).nats.url == "nats://127.0.0.1:4222"


def test_the_place_of_a_field_is_its_variable() -> None:
    """
    TRUNKLINE_, then the groups and the name with two underscores between.
    """
    environ = NEEDED | {"TRUNKLINE_OPS__PORT": "9191", "TRUNKLINE_LOG__LEVEL": "debug"}
    loaded = from_env(ConsoleSettings, environ)
    assert (loaded.ops.port, loaded.log.level) == (9191, "debug")


def test_the_well_known_variables_keep_their_names() -> None:
    """
    Those of Twilio, of OpenAI and of the channel work as they are.
    """
    environ = NEEDED | {
        "CHANNEL_PAIR_CODE_TTL_MS": "1234",
        "CHANNEL_PAIR_RATE_LIMIT": "7",
        "CHANNEL_INBOUND_RPS_BUCKET": "11",
        "CHANNEL_INBOUND_RPS_WINDOW": "5.5",
        "TWILIO_DEFAULT_FROM": "whatsapp:+4930123456",
    }
    console, router = from_env(ConsoleSettings, environ), from_env(RouterSettings, environ)
    assert (console.code_ttl_ms, console.code_rate) == (1234, 7)
    assert console.default_from == "whatsapp:+4930123456"
    assert console.auth_token.get_secret_value() == "hush-hush"
    read = {name: path for name, path, _ in variables(RouterSettings)}
    assert [getattr(router, read[f"CHANNEL_INBOUND_RPS_{name}"][0]) for name in ("BUCKET", "WINDOW")] == [11, 5.5]
    assert from_env(EgressSettings, environ).twilio_webhook_url == "https://example.org/webhooks/twilio"
    assert from_env(AgentSettings, environ).openai_base_url == "http://127.0.0.1:8083/v1"


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    """
    As compose files write it.
    """
    assert from_env(ConsoleSettings, NEEDED | {"TRUNKLINE_OPS__PORT": ""}).ops.port == 9090


def test_the_settings_cannot_be_changed() -> None:
    """
    Read once, then fixed.
    """
    loaded = from_env(ConsoleSettings, NEEDED)
    with pytest.raises(ValidationError):
        setattr(loaded, "environment", "local")  # noqa: B010 - the type checker refuses the plain way


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    """
    `…_FILE` names it; the line's end is not part of the secret.
    """
    file = tmp_path / "token"
    file.write_text("from-a-file\n", encoding="utf-8")
    environ = without("TWILIO_AUTH_TOKEN") | {"TWILIO_AUTH_TOKEN_FILE": str(file)}
    assert from_env(ConsoleSettings, environ).auth_token.get_secret_value() == "from-a-file"


def test_the_variable_itself_goes_before_the_file(tmp_path: Path) -> None:
    """
    So that one value can be overridden for a try.
    """
    environ = NEEDED | {"TWILIO_AUTH_TOKEN_FILE": str(tmp_path / "unread")}
    assert from_env(ConsoleSettings, environ).auth_token.get_secret_value() == "hush-hush"


def test_a_key_alone_is_the_first_of_its_ring() -> None:
    """
    For the vault as for the pepper.
    """
    keys = from_env(ConsoleSettings, NEEDED).keys
    assert (keys.vault_ring.keys, keys.vault_ring.newest) == ({1: bytes.fromhex(VAULT)}, 1)
    assert (keys.pepper_ring.keys, keys.pepper_ring.newest) == ({1: bytes.fromhex(PEPPER)}, 1)
    assert keys.thread_pepper_key == bytes.fromhex(THREAD_PEPPER)


def test_a_ring_can_come_from_a_file(tmp_path: Path) -> None:
    """
    A key in each line.
    """
    file = tmp_path / "vault"
    file.write_text(f"1:{VAULT}\n2:{PEPPER}\n", encoding="utf-8")
    environ = without("TRUNKLINE_KEYS__VAULT") | {"TRUNKLINE_KEYS__VAULT_FILE": str(file)}
    ring = from_env(ConsoleSettings, environ).keys.vault_ring
    assert (ring.keys, ring.newest) == ({1: bytes.fromhex(VAULT), 2: bytes.fromhex(PEPPER)}, 2)


# What is refused


def test_a_missing_variable_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """
    By the name under which it is set.
    """
    assert refused(capsys, without("TRUNKLINE_DB__URL")) == ["TRUNKLINE_DB__URL: Field required"]


def test_all_faults_are_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """
    One a line: nobody mends a configuration in ten starts.
    """
    lines = refused(capsys, {"TRUNKLINE_OPS__PORT": "x", "TRUNKLINE_NATS__ULR": "nats://a"})
    named = {line.split(":")[0] for line in lines}
    assert named >= {
        "TRUNKLINE_NATS__URL",
        "TRUNKLINE_DB__URL",
        "TRUNKLINE_KEYS__VAULT",
        "TRUNKLINE_KEYS__CONSOLE",
        "TRUNKLINE_OPS__PORT",
        "TRUNKLINE_NATS__ULR",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
    }


@pytest.mark.parametrize(
    ("unknown", "near"),
    [
        ("TRUNKLINE_NATS__ULR", "TRUNKLINE_NATS__URL"),
        ("TRUNKLINE_KEY__VAULT", "TRUNKLINE_KEYS__VAULT"),
        ("TRUNKLINE_KEYS__VALUT_FILE", "TRUNKLINE_KEYS__VAULT"),
        ("TRUNKLINE_CONSOLE__PROT", "TRUNKLINE_CONSOLE__PORT"),
        ("TRUNKLINE_ENVIROMENT", "TRUNKLINE_ENVIRONMENT"),
        ("TRUNKLINE_TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_near_name(
    capsys: pytest.CaptureFixture[str], unknown: str, near: str
) -> None:
    """
    A slip of the pen must not leave a default in force unseen.
    """
    assert refused(capsys, NEEDED | {unknown: "x"}) == [f"{unknown}: unknown variable; did you mean {near}?"]


def test_where_nothing_is_near_nothing_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    """
    No guess is better than a wrong one.
    """
    assert refused(capsys, NEEDED | {"TRUNKLINE_QQQQ": "x"}) == ["TRUNKLINE_QQQQ: unknown variable"]


def test_variables_of_other_programs_are_none_of_ours() -> None:
    """
    Only what begins with TRUNKLINE_ is looked at.
    """
    assert from_env(ConsoleSettings, NEEDED | {"TRUNK_NATS": "x", "TWILIO_REGION": "ie1", "PATH": "/bin"})


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_secrets_file_that_cannot_be_read_is_told_by_its_variable(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes | None
) -> None:
    """
    Missing or no text: the variable is named, not the path.
    """
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    lines = refused(capsys, without("TWILIO_AUTH_TOKEN") | {"TWILIO_AUTH_TOKEN_FILE": str(file)})
    assert lines[0].startswith("TWILIO_AUTH_TOKEN_FILE: ")
    assert str(tmp_path) not in "".join(lines)


@pytest.mark.parametrize("name", ["TRUNKLINE_KEYS__VAULT", "TRUNKLINE_KEYS__PEPPER", "TRUNKLINE_KEYS__THREAD_PEPPER"])
@pytest.mark.parametrize("key", ["ab" * 31, "ab" * 33, "xy" * 32, "a" * 63])
def test_a_key_that_is_not_32_bytes_in_hexadecimal_is_refused(
    capsys: pytest.CaptureFixture[str], name: str, key: str
) -> None:
    """
    At the start, by its variable, and not at its first use.
    """
    [line] = refused(capsys, NEEDED | {name: key})
    assert line.startswith(f"{name}: ")
    assert line.endswith("must be 32 bytes in hexadecimal")


@pytest.mark.parametrize("name", ["TRUNKLINE_KEYS__VAULT", "TRUNKLINE_KEYS__PEPPER"])
@pytest.mark.parametrize("ring", [f"1:{VAULT},1:{PEPPER}", f"1:{VAULT},{PEPPER}", f"1:{VAULT},2:short"])
def test_a_faulty_ring_is_refused_by_its_variable(capsys: pytest.CaptureFixture[str], name: str, ring: str) -> None:
    """
    And without any of its keys.
    """
    [line] = refused(capsys, NEEDED | {name: ring})
    assert line.startswith(f"{name}: ")
    assert not any(key[:8] in line for key in (VAULT, PEPPER, "short"))


def test_the_thread_pepper_takes_one_key_only(capsys: pytest.CaptureFixture[str]) -> None:
    """
    It says why, and does not show it.
    """
    name = "TRUNKLINE_KEYS__THREAD_PEPPER"
    for ring in (f"1:{THREAD_PEPPER},2:{PEPPER}", f"1:{THREAD_PEPPER}"):
        [line] = refused(capsys, NEEDED | {name: ring})
        assert line.startswith(f"{name}: ")
        assert "never rotates, since stream subjects are made with it" in line
        assert THREAD_PEPPER[:8] not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWILIO_ACCOUNT_SID", "AC123"),
        ("TWILIO_DEFAULT_FROM", "whatsapp:030"),
        ("TRUNKLINE_KEYS__CONSOLE", "short"),
        ("CHANNEL_PAIR_CODE_TTL_MS", "999"),
        ("CHANNEL_PAIR_RATE_LIMIT", "0"),
        ("TRUNKLINE_DEFAULT_LINE_ACCESS", "closed"),
        ("TRUNKLINE_OPS__PORT", "65536"),
        ("TRUNKLINE_DB__POOL", "0"),
        ("TRUNKLINE_ENVIRONMENT", "staging"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_its_variable(
    capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    """
    One fault, one line.
    """
    [line] = refused(capsys, NEEDED | {name: value})
    assert line.startswith(f"{name}: ")


def test_a_fault_in_a_list_is_told_by_the_variable_that_holds_it(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Not by the place in our model.
    """
    [line] = refused(capsys, NEEDED | {"TRUNKLINE_EGRESS__RECONCILE_AFTER": "1,soon"}, EgressSettings)
    assert line.startswith("TRUNKLINE_EGRESS__RECONCILE_AFTER: ")


def test_the_simulator_is_refused_in_production(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Messages for real people must not go to a phone on a screen.
    """
    environ = NEEDED | {"TRUNKLINE_TWILIO_API_BASE": "http://127.0.0.1:8082"}
    [line] = refused(capsys, environ, EgressSettings)
    assert "TRUNKLINE_TWILIO_API_BASE" in line
    assert line.endswith("allowed only where TRUNKLINE_ENVIRONMENT is local")
    assert from_env(EgressSettings, environ | {"TRUNKLINE_ENVIRONMENT": "local"}).twilio_api_base


# What is never shown


@pytest.mark.parametrize("model", SERVICES)
def test_no_refusal_ever_repeats_a_value(capsys: pytest.CaptureFixture[str], model: type[Settings]) -> None:
    """
    Whatever variable it is in: every one of the service's is set to the same wrong value, all are refused or taken.
    """
    wrong = {name: "Zw!S3cr3t-Value" for name, _, _ in variables(model)}
    lines = refused(capsys, wrong | {"TRUNKLINE_NATS__URI": "Zw!S3cr3t-Value"}, model)
    assert len(lines) >= 3
    assert "S3cr3t" not in "".join(lines)
    assert not any(line.startswith(":") for line in lines)


def test_settings_that_are_printed_show_no_secret() -> None:
    """
    A log line or a traceback may hold them.
    """
    printed = repr(from_env(ConsoleSettings, NEEDED))
    assert not [secret for secret in (VAULT, PEPPER, THREAD_PEPPER, "hush") if secret in printed]


@pytest.mark.parametrize("model", SERVICES)
def test_the_description_for_the_log_names_every_variable_and_shows_no_secret(model: type[Settings]) -> None:
    """
    Of secrets and addresses only whether they are set.
    """
    described = describe(from_env(model, NEEDED))
    assert set(described) == {name for name, _, _ in variables(model)}
    assert described["TRUNKLINE_KEYS__VAULT"] == "set"
    assert described["TRUNKLINE_OPS__PORT"] == "9090"
    assert not {secret for secret in (VAULT, PEPPER, "hush", "example.org") if secret in "".join(described.values())}


@pytest.mark.parametrize("model", SERVICES)
def test_keys_tokens_and_the_databases_address_are_kept_as_secrets(model: type[Settings]) -> None:
    """
    So that nothing prints them by accident.
    """
    secret = {name for name, _, field in variables(model) if is_secret(field)}
    sensitive = re.compile(r"TRUNKLINE_KEYS__.*|TRUNKLINE_DB__URL|.*_NKEY|.*_AUTH_TOKEN|.*_API_KEY|.*_SECRET")
    assert secret == {name for name, _, _ in variables(model) if sensitive.fullmatch(name)}
    assert isinstance(from_env(model, NEEDED).keys.vault, SecretStr)


# What models cost


def test_prices_are_told_and_said_by_model() -> None:
    """
    In pairs, separated by commas; a model's name may have slashes and colons.
    """
    settings = from_env(AgentSettings, NEEDED | {"TRUNKLINE_AGENT__PRICES": "gpt-5-mini=0.25/2, a/b:c=1/1"})
    assert settings.agent.prices == {
        "gpt-5-mini": Price(Decimal("0.25"), Decimal(2)),
        "a/b:c": Price(Decimal(1), Decimal(1)),
    }


@pytest.mark.parametrize("prices", ["gpt-5-mini", "gpt-5-mini=2", "gpt-5-mini=1/x", "=1/1", "a=-1/1", "a=nan/1"])
def test_a_bad_price_is_refused_by_the_variables_name(capsys: pytest.CaptureFixture[str], prices: str) -> None:
    """
    A turn's cost would be wrong without anybody noticing.
    """
    refusal = refused(capsys, NEEDED | {"TRUNKLINE_AGENT__PRICES": prices}, AgentSettings)
    assert any("TRUNKLINE_AGENT__PRICES" in line for line in refusal)
