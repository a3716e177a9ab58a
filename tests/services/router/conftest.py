"""Routers that a test hands its deliveries."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from services.router.handlers import Router
from services.router.intake import Intake
from services.router.ratelimit import RateLimit
from services.router.store import Desk
from shared.addresses import Pepper
from shared.bus import Bus
from shared.store.session import Store
from shared.vault import Vault
from tests.services.desk import Platform
from tests.services.router.street import Street

MakeStreet = Callable[..., Awaitable[Street]]


@pytest.fixture
def street(bus: Bus, store: Store, router_store: Store, vault: Vault, pepper: Pepper) -> MakeStreet:
    async def build(access: str = "open", most: int = 1000) -> Street:
        platform = await Platform(store, vault, pepper, access).plant()
        intake = Intake(RateLimit(most, 60.0), timedelta(seconds=20))
        return Street(bus, platform, Router(bus, Desk(router_store, vault, pepper), intake, vault))

    return build
