"""An egress without a ledger's caution: what may have been sent is simply sent again."""

import os

import services.egress.__main__ as egress
from services.egress.handlers import Egress
from services.egress.settings import EgressSettings
from services.egress.store import Desk, Try
from shared.channels.ports import Outcome, Unknown
from shared.process import run
from shared.settings import from_env

_record = Egress._record


async def sends_again(self: Egress, desk: Desk, attempt: Try, outcome: Outcome) -> None:
    if isinstance(outcome, Unknown):
        await desk.requeue(attempt.part, (await desk.standing()).now)
    else:
        await _record(self, desk, attempt, outcome)


if __name__ == "__main__":
    Egress._record = sends_again  # type: ignore[method-assign]  # broken on purpose
    loaded = from_env(EgressSettings, os.environ)
    run("egress", loaded, lambda stopping: egress.main(loaded, stopping))
