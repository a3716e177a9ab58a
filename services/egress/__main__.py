"""Composition root of egress."""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from stamina.instrumentation import set_on_retry_hooks

from services.egress.handlers import Egress
from services.egress.ordering import Pacing
from services.egress.reports import Reports
from services.egress.settings import EgressSettings
from services.egress.store import SendLedger
from services.egress.typing import TypingDots
from shared.bus import open_bus
from shared.channels.outbound import open_channels
from shared.channels.ports import Outbound
from shared.events import TurnRunning
from shared.fairness import HAND_BACK_AFTER
from shared.ops import ops_app, serving
from shared.process import background, not_stopping, run
from shared.settings import from_env
from shared.store.data_keys import DataKeys
from shared.store.presence import presence
from shared.store.session import TRANSACTION_LIMIT, open_store
from shared.store.waiting import SENDS, waiting
from shared.telemetry import SERVICE_READY, log, tell_retry
from shared.topology import EGRESS, HINT_READERS, STATUS_READER, TURN_RUNNING_ANY
from shared.vault import TenantVault, Vault

OpenChannels = Callable[[str, str | None], AbstractAsyncContextManager[Mapping[str, Outbound]]]


async def main(settings: EgressSettings, stopping: asyncio.Event, connect: OpenChannels = open_channels) -> None:
    """Send until told to stop."""
    set_on_retry_hooks([tell_retry])
    data_keys = DataKeys(Vault(settings.keys.vault_ring))
    vault = TenantVault(settings.keys.vault_ring, data_keys)
    database = settings.db.url.get_secret_value()
    async with (
        open_bus(settings.nats, "egress") as bus,
        open_store(database, settings.db.pool, "egress", data_keys, transaction_limit=TRANSACTION_LIMIT) as store,
        presence(database) as owner,
        connect(settings.twilio_webhook_url, settings.twilio_api_base) as channels,
    ):
        egress = Egress(
            bus=bus,
            ledger=SendLedger(store, vault, owner),
            reports=Reports(store),
            channels=channels,
            pacing=Pacing(settings.egress.sent_limit),
            reconcile_after=settings.egress.reconcile_after,
            room=settings.egress.workers,
        )
        bus.on(EGRESS, egress.on_reply_ready, workers=HINT_READERS)
        bus.on(STATUS_READER, egress.on_part_reported, workers=settings.egress.report_workers)
        checks = {"process": not_stopping(stopping), "nats": bus.check, "postgres": store.check}
        async with serving(
            ops_app(checks, bus.measure, store.measure, waiting(store, SENDS)), settings.ops.host, settings.ops.port
        ):
            await bus.consume()
            typing = TypingDots(store, vault, channels)
            await bus.listen(TURN_RUNNING_ANY, TurnRunning, typing.on_turn_running, queue="egress")
            async with background(bus.watch_durables(), egress.threads.sweep()):
                log.info(SERVICE_READY)
                await stopping.wait()
            await bus.stop_consuming()
            await egress.threads.end(HAND_BACK_AFTER)


if __name__ == "__main__":
    loaded = from_env(EgressSettings, os.environ)
    run("egress", loaded, lambda stopping: main(loaded, stopping))
