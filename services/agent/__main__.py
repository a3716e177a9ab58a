"""Composition root of the agent."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from stamina.instrumentation import set_on_retry_hooks

from services.agent.actions import Actions
from services.agent.budget_accounts import Accounts
from services.agent.forms import FormSender
from services.agent.handlers import Agent
from services.agent.llm import Model, open_fallback, open_model
from services.agent.mcp_tools import McpTools
from services.agent.media.attachments import Attachments
from services.agent.media.transcription import open_transcriber
from services.agent.media.vision import Vision
from services.agent.meter import Meter
from services.agent.orders import Orders
from services.agent.playground import Playground
from services.agent.replay import Replays
from services.agent.settings import AgentSettings
from services.agent.shop import TenantsShop
from services.agent.store import Turns
from shared.addresses import Pepper
from shared.bus import open_bus
from shared.catalogue import Catalogue
from shared.channels.media import open_media
from shared.events import ReplayRequested, TrialRequested, TurnInterrupted
from shared.fairness import HAND_BACK_AFTER
from shared.knowledge import Knowledge, open_embedder
from shared.ops import ops_app, serving
from shared.outbound import open_guard
from shared.outbound.mail import Mailer
from shared.process import background, not_stopping, run
from shared.settings import from_env
from shared.store.data_keys import DataKeys
from shared.store.presence import presence
from shared.store.session import TRANSACTION_LIMIT, open_store
from shared.store.waiting import TURNS, waiting
from shared.telemetry import SERVICE_READY, log, tell_retry
from shared.topology import AGENT, HINT_READERS, TRIAL, TURN_INTERRUPTED_ANY, TURN_REPLAY
from shared.vault import TenantVault, Vault

_MOST_ASKED = 2
"""Stored turns that are run again, and pipelines that are tried out, at a time: they shall not take the room of people who wait."""

OpenModel = Callable[[AgentSettings], AbstractAsyncContextManager[Model]]


async def main(settings: AgentSettings, stopping: asyncio.Event, connect: OpenModel = open_model) -> None:
    """Answer until told to stop."""
    set_on_retry_hooks([tell_retry])
    data_keys = DataKeys(Vault(settings.keys.vault_ring))
    vault = TenantVault(settings.keys.vault_ring, data_keys)
    database = settings.db.url.get_secret_value()
    async with (
        open_bus(settings.nats, "agent") as bus,
        open_store(database, settings.db.pool, "agent", data_keys, transaction_limit=TRANSACTION_LIMIT) as store,
        presence(database) as owner,
        connect(settings) as model,
        open_fallback(settings, model) as fallback,
        open_guard(settings.allowed) as guard,
        open_embedder(settings.embeddings) as embedder,
        open_media(settings.twilio_api_base, local=settings.environment == "local") as sources,
        open_transcriber(settings.transcription) as transcriber,
    ):
        actions, servers = Actions(store, vault, guard), McpTools(store, vault, guard)
        forms = FormSender(store, vault, guard, Mailer(settings.allowed))
        turns = Turns(store, vault, owner, settings.burst_limit)
        agent = Agent(
            bus,
            turns,
            model,
            Knowledge(store, embedder),
            settings.agent.most_steps,
            settings.agent.run_limit,
            settings.agent.workers,
            budget=Accounts(store, owner),
            actions=actions,
            servers=servers,
            shop=TenantsShop(Catalogue(store), Orders(store, vault, Pepper.of(settings.keys.pepper_ring), guard)),
            fallback=fallback,
            most_answer=settings.agent.most_tokens,
            meter=Meter(settings.agent.prices, settings.agent.tenant_label),
            attachments=Attachments(turns, sources, transcriber),
            vision=Vision(settings.agent.seeing, settings.model),
        )
        bus.on(AGENT, agent.on_turn_requested, workers=HINT_READERS)
        checks = {"process": not_stopping(stopping), "nats": bus.check, "postgres": store.check}
        async with serving(
            ops_app(checks, bus.measure, store.measure, waiting(store, TURNS)), settings.ops.host, settings.ops.port
        ):
            await bus.consume()
            replays, playground = Replays(agent, turns), Playground(agent, store, vault)
            await bus.answer(TURN_REPLAY, ReplayRequested, replays.on_replay_requested, most=_MOST_ASKED)
            await bus.answer(TRIAL, TrialRequested, playground.on_trial_requested, most=_MOST_ASKED)
            await bus.listen(TURN_INTERRUPTED_ANY, TurnInterrupted, agent.on_turn_interrupted)
            async with background(bus.watch_durables(), agent.threads.sweep(), forms.keep()):
                log.info(SERVICE_READY)
                await stopping.wait()
            await bus.stop_consuming()
            await agent.threads.end(HAND_BACK_AFTER)
            await asyncio.gather(actions.end(), servers.end())


if __name__ == "__main__":
    loaded = from_env(AgentSettings, os.environ)
    run("agent", loaded, lambda stopping: main(loaded, stopping))
