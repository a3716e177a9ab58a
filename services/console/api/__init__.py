"""The REST API `/v1`."""

import dataclasses
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from fastapi import APIRouter, FastAPI

from services.console import deferred
from services.console.access import Doorkeeper
from services.console.accounts import Accounts
from services.console.actions import Actions
from services.console.api import (
    actions,
    data_sources,
    dead_letters,
    documents,
    handoffs,
    jobs,
    line_setup,
    pairing_codes,
    pipelines,
    problems,
    setup_tokens,
)
from services.console.api.accounts import accounts
from services.console.api.agents import agents
from services.console.api.api_keys import api_keys
from services.console.api.audit import audit
from services.console.api.bindings import bindings
from services.console.api.chats import chats
from services.console.api.contact_forms import ContactForms, contact_forms
from services.console.api.conversations import conversations
from services.console.api.forms import form_deliveries
from services.console.api.housekeeping import housekeeping
from services.console.api.imports import imports
from services.console.api.leads import Leads, leads
from services.console.api.lines import lines
from services.console.api.mcp_servers import mcp_servers
from services.console.api.messages import messages
from services.console.api.openapi import describe
from services.console.api.people import people
from services.console.api.pipeline_versions import pipeline_versions
from services.console.api.routes import Gate
from services.console.api.status import status
from services.console.api.tenants import tenants
from services.console.api.trials import trials
from services.console.api.turns import turns
from services.console.api.users import users
from services.console.bindings import Bindings
from services.console.canaries import Canaries
from services.console.catalogue import Sources
from services.console.catalogue_fetching import Fetching
from services.console.catalogue_imports import Imports
from services.console.chats import Chats
from services.console.dead_letters import DeadLetters
from services.console.erasure import Erasures
from services.console.exports import Exports
from services.console.forms import FormDeliveries
from services.console.gap_fill import GapFill
from services.console.idempotency import Requests
from services.console.knowledge.documents import Documents
from services.console.lines import Lines
from services.console.mcp import McpServers
from services.console.pairing import PairingCodes
from services.console.pipelines import Pipelines
from services.console.privacy import Privacy
from services.console.readiness import Readiness
from services.console.records import Dangling, InUse, Stale, Taken, Unknown
from services.console.retention import Retention
from services.console.setup import Setup
from services.console.takeover import Takeover
from services.console.trials import Trials
from shared.addresses import Pepper
from shared.bus import Bus
from shared.catalogue import Catalogue
from shared.knowledge import Knowledge
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
    canaries: Canaries
    actions: Actions
    forms: FormDeliveries
    erasures: Erasures
    pepper: Pepper
    bus: Bus
    readiness: Readiness
    documents: Documents
    knowledge: Knowledge
    sources: Sources
    imports: Imports
    fetching: Fetching
    servers: McpServers
    setup: Setup
    chats: Chats

    @classmethod
    def of_nobody(cls) -> Self:
        """Return one without collaborators: enough to describe the routes, not to serve them."""
        nobody: Any = None
        return cls(**dict.fromkeys((field.name for field in dataclasses.fields(cls)), nobody))

    def install(self, app: FastAPI) -> None:
        """Add every route of `/v1` to an application."""
        problems.install(
            app,
            {
                **_FAULTS,
                **actions.FAULTS,
                **data_sources.FAULTS,
                **dead_letters.FAULTS,
                **documents.FAULTS,
                **handoffs.FAULTS,
                **jobs.FAULTS,
                **line_setup.FAULTS,
                **pairing_codes.FAULTS,
                **setup_tokens.FAULTS,
                **pipelines.FAULTS,
            },
        )
        requests = Requests(self.store, self.vault, self._key(b"requests"))
        Gate(Doorkeeper(self.store, self.console_key), requests).install(app)
        app.state.cursor_key = self._key(b"cursors")
        for router in self.routers():
            deferred.install(app, router)

    def routers(self) -> Iterator[APIRouter]:
        """Return the routes, in the order in which they are described."""
        yield tenants(self.store)
        yield users(self.store)
        yield setup_tokens.setup_tokens(self.setup)
        yield agents(self.store)
        yield chats(self.chats)
        yield pipelines.pipelines(Pipelines(self.store))
        yield pipeline_versions(Pipelines(self.store))
        yield trials(Trials(self.store, self.vault, self.bus))
        yield actions.actions(self.actions)
        yield mcp_servers(self.servers)
        yield form_deliveries(self.forms)
        yield contact_forms(ContactForms(self.store, self.vault))
        yield documents.documents(self.store, self.documents, self.knowledge)
        yield data_sources.data_sources(self.sources, self.fetching, Catalogue(self.store))
        yield imports(self.imports)
        yield accounts(self.accounts)
        yield lines(self.lines)
        yield line_setup.line_setup(self.lines)
        yield messages(self.store, self.vault, self.pepper)
        yield conversations(self.store, self.vault)
        yield handoffs.handoffs(Takeover(self.store, self.vault, self.bus))
        yield turns(self.store, self.vault, self.bus)
        yield dead_letters.dead_letters(self.letters)
        yield bindings(Bindings(self.store, self.vault, self.bus))
        yield pairing_codes.pairing_codes(self.codes)
        yield leads(Leads(self.store, self.vault))
        yield people(self.erasures, Exports(self.store, self.vault))
        yield api_keys(self.store)
        yield audit(self.store)
        yield status(self.readiness)
        yield jobs.jobs(self.gap_fill, self.lines, self.canaries, self.rewrap, self.repepper)
        yield housekeeping(Privacy(self.store), Retention(self.store))

    def _key(self, purpose: bytes) -> bytes:
        return hmac.digest(self.console_key.encode(), purpose, hashlib.sha256)


def application() -> FastAPI:
    """Return the empty application. Its documentation is a file, not a page that loads scripts from elsewhere."""
    return FastAPI(title="Trunkline", version="1", docs_url=None, redoc_url=None, openapi_url=None)


def description() -> dict[str, Any]:
    """Return the description of `/v1` (OpenAPI 3.1), without serving it: docs/openapi.json."""
    app = application()
    for router in Api.of_nobody().routers():
        deferred.install(app, router)
    return describe(app)
