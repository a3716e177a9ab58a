"""Egress's variables."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from shared.settings import WEBHOOK_URL, Database, Group, PublicUrl, TwilioSettings


def _seconds(value: Any) -> Any:  # noqa: ANN401 - whatever the environment holds
    return tuple(value.split(",")) if isinstance(value, str) else value  # pydantic tells what is no number


class Egress(Group):
    """Egress's own."""

    workers: int = Field(
        32,
        description="Threads that are sent to at the same time; a quarter more for tenants that have hardly any.",
        ge=1,
        le=256,
    )
    report_workers: int = Field(16, description="Delivery reports that are taken in at the same time.", ge=1, le=256)
    reconcile_after: Annotated[tuple[float, ...], BeforeValidator(_seconds)] = Field(
        (5.0, 15.0, 45.0, 120.0),
        min_length=1,
        description="Seconds after a doubtful send at which Twilio is asked for it, separated by commas; "
        "after the last it is sent once more.",
    )
    sent_limit: float = Field(
        10.0, description="Seconds that the next part waits for the previous one's `sent` report.", gt=0
    )


class EgressSettings(TwilioSettings):
    """What egress reads."""

    db: Database
    egress: Egress = Egress()
    twilio_webhook_url: PublicUrl = WEBHOOK_URL
