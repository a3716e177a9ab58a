"""The REST API `/v1`."""

import hashlib
import hmac
from dataclasses import dataclass

from fastapi import FastAPI

from services.console.access import Doorkeeper
from services.console.accounts import Accounts
from services.console.api import dead_letters, jobs, line_setup, pairing_codes, problems
from services.console.api.accounts import accounts
from services.console.api.agents import agents
from services.console.api.lines import lines
from services.console.api.routes import Gate
from services.console.api.tenants import tenants
from services.console.dead_letters import DeadLetters
from services.console.gap_fill import GapFill
from services.console.idempotency import Requests
from services.console.lines import Lines
from services.console.pairing import PairingCodes
from services.console.records import Dangling, InUse, Stale, Taken, Unknown
from shared.store.repepper import Repepper
from shared.store.rewrap import Rewrap
from shared.store.session import Store
from shared.vault import Vault

_FAULTS: problems.Faults = {
    Unknown: (404, "not_found", "There is nothing here, or nothing that you may know of."),
    Stale: (412, "changed_meanwhile", "Somebody changed it since you read it. Read it again."),
    Taken: (409, "taken", "There is one with this already."),
    Dangling: (422, "reference_unknown", "It names something that is not there."),
    InUse: (409, "in_use", "Something else still needs it."),
}


@dataclass(frozen=True)
class Api:
    """The collaborators of the routes."""

    store: Store
    vault: Vault
    console_key: str
    codes: PairingCodes
    letters: DeadLetters
    gap_fill: GapFill
    rewrap: Rewrap
    repepper: Repepper
    accounts: Accounts
    lines: Lines

    def install(self, app: FastAPI) -> None:
        """Add every route of `/v1` to an application."""
        problems.install(
            app, {**_FAULTS, **dead_letters.FAULTS, **jobs.FAULTS, **line_setup.FAULTS, **pairing_codes.FAULTS}
        )
        Gate(Doorkeeper(self.store, self.console_key), Requests(self.store, self.vault)).install(app)
        app.state.cursor_key = hmac.digest(self.console_key.encode(), b"cursors", hashlib.sha256)
        app.include_router(tenants(self.store))
        app.include_router(agents(self.store))
        app.include_router(accounts(self.accounts))
        app.include_router(lines(self.lines))
        app.include_router(line_setup.line_setup(self.lines))
        app.include_router(pairing_codes.pairing_codes(self.codes))
        app.include_router(dead_letters.dead_letters(self.letters))
        app.include_router(jobs.jobs(self.gap_fill, self.lines, self.rewrap, self.repepper))
