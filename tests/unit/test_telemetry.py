"""What is logged, and what is not."""

import subprocess
import sys

import orjson

A_RETRY = """
from types import SimpleNamespace
from shared import telemetry

telemetry._set_up_logs("egress", "info")
quoted = ValueError("my secret is hunter2")
telemetry.tell_retry(SimpleNamespace(retry_num=2, wait_for=0.25, caused_by=quoted))
"""
"""In a process of its own: whoever sets logs up does so for all that runs there."""


def test_a_retry_is_logged_by_its_kind_without_what_the_exception_says() -> None:
    """
    Number, pause and type are told; the exception's text may hold what a stranger wrote.
    """
    ended = subprocess.run([sys.executable, "-c", A_RETRY], capture_output=True, text=True, check=True)
    [line] = ended.stdout.splitlines()
    told = orjson.loads(line)
    assert (told["event"], told["number"], told["seconds"], told["error"]) == ("retry.scheduled", 2, 0.25, "ValueError")
    assert "hunter2" not in ended.stdout + ended.stderr
