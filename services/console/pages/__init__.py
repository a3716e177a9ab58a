"""
The console's pages, an application of its own beside the API: sessions are for pages alone, keys for `/v1` alone.

A page is a module here with one function that returns its routes; `_routers` names them all. CONTRIBUTING.md tells how one is
added.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI
from starlette.routing import Match, Mount, Route
from starlette.types import Scope

from services.console import deferred
from services.console.api import Api
from services.console.api.leads import Leads
from services.console.bindings import Bindings
from services.console.own_pairing import OwnPairing
from services.console.pages import (
    account,
    agents,
    api_keys,
    assets,
    audit,
    bindings,
    changes,
    channels,
    chats,
    choices,
    dead_letters,
    errors,
    first_run,
    history,
    home,
    integration,
    knowledge,
    leads,
    messages,
    monitoring,
    pipelines,
    preferences,
    profile,
    provider,
    provisioning,
    reveals,
    sign_in,
    signing_secrets,
    system,
    takeover,
    tenants,
    tools,
    traces,
    users,
)
from services.console.pages.headers import Headers
from services.console.pages.logins import Integration
from services.console.pages.routes import Door
from services.console.pipelines import Pipelines
from services.console.settings import ConsoleSettings
from services.console.takeover import Takeover
from services.console.traces import TraceLog
from services.console.trials import Trials
from shared.store.session import Store

_API = "/v1"


@dataclass(frozen=True)
class Pages:
    """The collaborators of the pages: the API's, the settings, and whoever tells of changes."""

    api: Api
    settings: ConsoleSettings
    changes: changes.Changes
    trace_log: TraceLog = field(default_factory=TraceLog)

    @property
    def is_local(self) -> bool:
        """Tell whether this is a stack on somebody's machine, which keeps its own traces."""
        return self.settings.environment == "local"

    @property
    def trace_url(self) -> str | None:
        """Where a trace is looked at: the settings' choice, else here on a local stack."""
        return self.settings.console.trace_url or ("/traces/{trace_id}" if self.is_local else None)

    @property
    def is_https(self) -> bool:
        """Tell whether browsers reach the console over TLS alone."""
        url = self.settings.console.url
        return urlsplit(url).scheme == "https" if url else self.settings.environment == "production"

    def install(self, web: FastAPI) -> None:
        """Add the pages to the console's application, below the API's routes."""
        pages = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        pages.state.door = Door(self.api.setup.sign_in.sessions, self.settings.console.url, self.is_https)
        pages.state.simulator = self.settings.console.links.get("Simulator")
        pages.state.cursor_key = hmac.digest(self.api.console_key.encode(), b"page cursors", hashlib.sha256)
        errors.install(pages)
        for router in self._routers():
            deferred.install(pages, router)
        if self.is_local:
            web.router.routes.append(Route(traces.RECEIVER, traces.receiver(self.trace_log), methods=["POST"]))
        web.router.routes.append(_Beside(Headers(pages, is_https=self.is_https)))

    def _routers(self) -> Iterator[APIRouter]:
        store: Store = self.api.store
        yield assets.assets()
        yield sign_in.sign_in(self.api.setup)
        if self.api.setup.sign_in.provider is not None:
            yield provider.provider(self.api.setup.sign_in, self.api.setup.sign_in.provider)
        yield first_run.first_run(self.api.setup)
        yield account.account(self.api.setup)
        own = OwnPairing(store, self.api.vault, Bindings(store, self.api.vault, self.api.bus))
        yield profile.profile(own, self.api.codes)
        yield profile.password(own, self.api.setup)
        yield preferences.preferences()
        yield changes.changes(self.changes)
        yield home.home(self.api.readiness, self.settings.console.links, is_local=self.is_local)
        yield messages.messages(store, self.api.vault, self.api.pepper, self.trace_url)
        yield dead_letters.dead_letters(self.api.letters)
        taking_over = Takeover(store, self.api.vault, self.api.bus)
        yield history.history(store, self.api.vault, self.api.erasures, taking_over)
        yield takeover.takeover(store, taking_over)
        yield bindings.bindings(Bindings(store, self.api.vault, self.api.bus))
        yield leads.leads(Leads(store, self.api.vault))
        yield users.users(store, self.api.setup)
        yield audit.audit(store)
        yield system.system(store, self.api.readiness, self.api.bus, self.settings.console.version)
        yield monitoring.monitoring(store, self.api.vault)
        yield reveals.reveals(store, self.api.vault)
        yield integration.integration(Integration(store, self.api.lines, self.api.accounts))
        yield provisioning.provisioning(self.api.lines)
        yield channels.channels(store, self.api.lines)
        yield signing_secrets.signing_secrets(self.api.accounts)
        yield agents.agents(store)
        yield chats.chats(self.api.chats)
        yield api_keys.api_keys(store)
        yield choices.choices(store)
        yield knowledge.knowledge(self.api.documents)
        yield knowledge.search_of_agents(self.api.documents, self.api.knowledge)
        trials = Trials(store, self.api.vault, self.api.bus)
        yield pipelines.pipelines(Pipelines(store))
        yield pipelines.pipeline_versions(Pipelines(store), trials)
        yield tools.tools(store)
        yield tenants.tenants(store)
        yield tenants.tenant_settings(store)
        if self.is_local:
            yield traces.traces(self.trace_log)


class _Beside(Mount):
    """Everything that is not the API's."""

    def __init__(self, app: Headers) -> None:
        super().__init__("", app)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Leave `/v1` to the API, whose errors are problem documents."""
        path: str = scope["path"]
        if path == _API or path.startswith(f"{_API}/"):
            return Match.NONE, {}
        return super().matches(scope)
