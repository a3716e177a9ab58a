"""`/v1/form-deliveries`: where a company has its contact forms sent. Secrets go in and never come out."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Response
from pydantic import Field, SecretStr, StringConstraints, model_validator

from services.console.api.fields import Body, OneTenant, TenantOfMade, Version, id_in_path, omitted, shown, whose
from services.console.api.paging import Listing, Paged, Resource
from services.console.api.routes import Asking, Route, may
from services.console.forms import FormDeliveries, Target
from shared.forms import PASSWORD

Id = Annotated[str, id_in_path("fd")]
Kind = Literal["webhook", "email"]
Url = Annotated[
    str, Field(max_length=2000, pattern=r"^[!-~]*$", description="https address that takes a POST of JSON.")
]
HeaderName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[!-~]*$")]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=2000)]
Host = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=253, pattern=r"^[!-~]+$")]
Address = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[!-~]+$")]
User = Annotated[str, StringConstraints(max_length=320, pattern=r"^[ -~]*$")]


class Webhook(Body):
    """A webhook. Each form comes with its id as Idempotency-Key, again where that is not certain."""

    url: Url
    secret_headers: Annotated[dict[HeaderName, Secret], Field(max_length=20)] = Field(default_factory=dict)


class Email(Body):
    """A mailbox, and the server that takes mail for it: by TLS, at port 465, or from STARTTLS on, at port 587."""

    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["tls", "starttls"] = "starttls"
    username: User = ""
    password: Secret | None = None
    sender: Address
    recipient: Address


class FormDelivery(Resource):
    """Where forms are sent. `options`: what may be shown of it. `secrets`: what else there is, by name."""

    tenant: str
    kind: Kind
    options: dict[str, Any]
    secrets: list[str]
    enabled: bool
    created_at: datetime


class NewFormDelivery(Body):
    """Where forms shall be sent: a webhook or a mailbox."""

    tenant: TenantOfMade = None
    webhook: Webhook | None = None
    email: Email | None = None
    enabled: bool = True

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.webhook is None) == (self.email is None):
            raise ValueError("name a webhook or an email, and one of them")
        return self


class FormDeliveryChange(Body):
    """What shall be different; the rest stays. A place that is named stands for the whole of the old one."""

    webhook: Webhook = omitted()
    email: Email = omitted()
    enabled: bool = omitted()

    @model_validator(mode="after")
    def _at_most_one_place(self) -> Self:
        if self.webhook is not None and self.email is not None:
            raise ValueError("name a webhook or an email, not both")
        return self


def form_deliveries(found: FormDeliveries) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/form-deliveries", tags=["form deliveries"], route_class=Route)

    @router.get("", **may("settings:read"))
    async def list_form_deliveries(who: Asking, page: Paged, tenant: OneTenant = None) -> Listing[FormDelivery]:
        rows = await found.records.list(who, page.before, page.limit + 1, tenant=tenant)
        return page.of([FormDelivery(**row) for row in rows])

    @router.post("", status_code=201, **may("settings:write"))
    async def create_form_delivery(who: Asking, wanted: NewFormDelivery, response: Response) -> FormDelivery:
        target = _target(wanted.webhook, wanted.email)
        assert target is not None, "the body names one"  # noqa: S101
        made = await found.make(who, whose(who, wanted.tenant), target, enabled=wanted.enabled)
        return shown(response, FormDelivery, made)

    @router.get("/{delivery}", **may("settings:read"))
    async def get_form_delivery(who: Asking, delivery: Id, response: Response) -> FormDelivery:
        return shown(response, FormDelivery, await found.records.get(who, delivery))

    @router.patch("/{delivery}", **may("settings:write"))
    async def change_form_delivery(
        who: Asking, delivery: Id, version: Version, wanted: FormDeliveryChange, response: Response
    ) -> FormDelivery:
        target = _target(wanted.webhook, wanted.email)
        return shown(response, FormDelivery, await found.change(who, delivery, version, target, enabled=wanted.enabled))

    @router.delete("/{delivery}", status_code=204, **may("settings:write"))
    async def delete_form_delivery(who: Asking, delivery: Id, version: Version) -> None:
        await found.records.remove(who, delivery, version)

    return router


def _target(webhook: Webhook | None, email: Email | None) -> Target | None:
    """Return the place that a request names, its secrets in clear, trimmed: they are pasted."""
    if webhook is not None:
        secrets = {name: value.get_secret_value().strip() for name, value in webhook.secret_headers.items()}
        return Target("webhook", {"url": webhook.url}, secrets)
    if email is not None:
        password = {PASSWORD: email.password.get_secret_value().strip()} if email.password is not None else {}
        return Target("email", email.model_dump(exclude={"password"}), password)
    return None
