"""Composition root of the agent."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from services.agent.actions import Actions
from services.agent.forms import FormSender
from services.agent.handlers import Agent
from services.agent.llm import Model, open_model
from services.agent.playground import Playground
from services.agent.settings import AgentSettings
from services.agent.store import Turns
from shared.bus import open_bus
from shared.events import TrialRequested, TurnInterrupted
from shared.fairness import HAND_BACK_AFTER
from shared.knowledge import Knowledge, open_embedder
from shared.ops import ops_app, serving
from shared.outbound import open_guard
from shared.outbound.mail import Mailer
from shared.process import background, not_stopping, run
from shared.settings import from_env
from shared.store.data_keys import DataKeys
from shared.store.presence import presence
from shared.store.session import open_store
from shared.telemetry import SERVICE_READY, log
from shared.topology import AGENT, HINT_READERS, TRIAL_ANY, TURN_INTERRUPTED_ANY
from shared.vault import TenantVault, Vault

_TRIALS = 2
"""Pipelines that are tried out at the same time: beside the turns, which people wait for."""

OpenModel = Callable[[AgentSettings], AbstractAsyncContextManager[Model]]


async def main(settings: AgentSettings, stopping: asyncio.Event, connect: OpenModel = open_model) -> None:
    """Answer until told to stop."""
    data_keys = DataKeys(Vault(settings.keys.vault_ring))
    vault = TenantVault(settings.keys.vault_ring, data_keys)
    database = settings.db.url.get_secret_value()
    async with (
        open_bus(settings.nats, "agent") as bus,
        open_store(database, settings.db.pool, "agent", data_keys) as store,
        presence(database) as owner,
        connect(settings) as model,
        open_guard(settings.allowed) as guard,
        open_embedder(settings.embeddings) as embedder,
    ):
        actions = Actions(store, vault, guard)
        forms = FormSender(store, vault, guard, Mailer(settings.allowed))
        agent = Agent(
            bus,
            Turns(store, vault, owner, settings.burst_limit),
            model,
            Knowledge(store, embedder),
            settings.agent.most_steps,
            settings.agent.run_limit,
            settings.agent.workers,
            actions=actions,
            prices=settings.agent.prices,
        )
        playground = Playground(
            store,
            vault,
            model,
            Knowledge(store, embedder),
            settings.agent.most_steps,
            settings.agent.run_limit,
            settings.agent.prices,
        )
        bus.on(AGENT, agent.on_turn_requested, workers=HINT_READERS)
        checks = {"process": not_stopping(stopping), "nats": bus.check, "postgres": store.check}
        async with serving(ops_app(checks), settings.ops.host, settings.ops.port):
            await bus.consume()
            await bus.listen(TURN_INTERRUPTED_ANY, TurnInterrupted, agent.on_turn_interrupted)
            await bus.answer(TRIAL_ANY, TrialRequested, playground.on_trial_requested, "agent", _TRIALS)
            async with background(bus.watch_durables(), agent.threads.sweep(), forms.keep()):
                log.info(SERVICE_READY)
                await stopping.wait()
            await bus.stop_consuming()
            await agent.threads.end(HAND_BACK_AFTER)
            await actions.end()


if __name__ == "__main__":
    loaded = from_env(AgentSettings, os.environ)
    run("agent", loaded, lambda stopping: main(loaded, stopping))
