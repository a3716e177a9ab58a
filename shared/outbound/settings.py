"""The variables of services that call what tenants name."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from shared.outbound.targets import Allowed
from shared.settings import Group, Settings


class Outbound(Group):
    """What may be called beyond the public."""

    allow: str | None = Field(
        None,
        description="Hosts that tenants' tools may reach over http and in our own networks too: name or name:port, separated"
        " by commas. Loopback: local only.",
    )

    @field_validator("allow")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        Allowed.of(value or "")
        return value


class OutboundSettings(Settings):
    """What a service reads that has an outbound guard."""

    outbound: Outbound = Outbound()

    @model_validator(mode="after")
    def _no_loopback_in_production(self) -> Self:
        if self.environment != "local" and self.allowed.names_loopback:
            raise ValueError(
                "TRUNKLINE_OUTBOUND__ALLOW may name this machine only where TRUNKLINE_ENVIRONMENT is local"
            )
        return self

    @property
    def allowed(self) -> Allowed:
        """The hosts."""
        return Allowed.of(self.outbound.allow or "", loopback=self.environment == "local")
