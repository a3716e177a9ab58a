"""What goes into logs."""

import orjson
import pytest
import structlog

from shared import telemetry


class ARetry:
    """As stamina tells of one, in whose exception a stranger is quoted."""

    retry_num = 2
    wait_for = 0.25
    caused_by = ValueError("my secret is hunter2")


def test_a_retry_is_logged_by_its_kind_without_what_the_exception_says(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Number, pause and type are told; the exception's text may hold what a stranger wrote.
    """
    telemetry._set_up_logs("egress", "info")
    try:
        telemetry.tell_retry(ARetry())
    finally:
        structlog.reset_defaults()
    [line] = capsys.readouterr().out.splitlines()
    told = orjson.loads(line)
    assert (told["event"], told["number"], told["seconds"], told["error"]) == ("retry.scheduled", 2, 0.25, "ValueError")
    assert "hunter2" not in line
