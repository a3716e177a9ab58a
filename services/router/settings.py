"""The router's variables."""

from pydantic import Field

from shared.settings import BURST_LIMIT, Database, Group, Settings, env


class Router(Group):
    """The router's own."""

    workers: int = Field(8, description="Messages that are routed at the same time.", ge=1, le=256)


class RouterSettings(Settings):
    """What the router reads."""

    db: Database
    router: Router = Router()
    burst_limit: float = BURST_LIMIT
    rate_limit: int = env(
        "CHANNEL_INBOUND_RPS_BUCKET", 10, ge=1, description="Inbound messages that a number may send per window."
    )
    rate_window: float = env(
        "CHANNEL_INBOUND_RPS_WINDOW", 60.0, gt=0, description="Length of the rate limit's window in seconds."
    )
