"""How this command shall speak: what its common options say, from anywhere in it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum


class Output(StrEnum):
    """Forms of output."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


@dataclass
class Choices:
    """
    What was chosen.

    `seconds`: the longest wait for an answer; None: as long as the command itself finds right. `limit`, `every`: how much of a
    list. `watch`: look again and again. `has_spoken`: data was printed.
    """

    output: Output | None = None
    seconds: float | None = None
    plain: bool = False
    limit: int = 50
    every: bool = False
    watch: bool = False
    has_spoken: bool = False
    at_end: ExitStack = field(default_factory=ExitStack)

    @contextmanager
    def begin(self) -> Iterator[None]:
        """Run a command in this block: it begins without choices, and what it put into `at_end` is done when it ends."""
        vars(self).update(vars(Choices()))
        with self.at_end:
            yield


chosen = Choices()
