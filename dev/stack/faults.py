"""What keeps a stack from starting, each as one line for a person."""

from pathlib import Path


class StackFault(Exception):
    """Something that its owner has to put right."""


class PortTaken(StackFault):
    """A port that the stack promises is somebody else's."""

    def __init__(self, port: int, what: str, owner: str | None) -> None:
        by = f" by {owner}" if owner else ""
        super().__init__(
            f"Port {port} ({what}) is taken{by}. Stop that, or shift all ports: TRUNKLINE_PORT_OFFSET=100 make up"
        )


class Misconfigured(StackFault):
    """A variable is missing or wrong."""

    def __init__(self, variable: str, fault: str) -> None:
        super().__init__(f"{variable}: {fault}")


class NotStarted(StackFault):
    """The supervisor gave up. `log` is the file that tells why."""

    def __init__(self, reason: str, log: Path | None = None) -> None:
        super().__init__(reason)
        self.log = log


class UnknownPart(StackFault):
    """No process of the stack has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"There is no {name} in this stack, but {', '.join(known)}.")


class NotInTime(StackFault):
    """The stack did not do in time what it was asked to."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} took more than {seconds:g} s.")
