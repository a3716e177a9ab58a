"""Ingress' variables."""

from pydantic import Field

from shared.settings import WEBHOOK_URL, Group, PublicUrl, Settings


class Ingress(Group):
    """Ingress' own."""

    host: str = Field("127.0.0.1", description="Address of the webhook port.")
    port: int = Field(8080, description="Webhook port.", ge=0, le=65535)


class IngressSettings(Settings):
    """What ingress reads."""

    ingress: Ingress = Ingress()
    webhook_url: PublicUrl = WEBHOOK_URL
