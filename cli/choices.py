"""How this command shall speak: what its common options say, from anywhere in it."""

from dataclasses import dataclass
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

    def begin(self) -> None:
        """Forget what the command before chose."""
        vars(self).update(vars(Choices()))


chosen = Choices()
