"""The console's variables."""

from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from shared.addresses import PERSON, whatsapp
from shared.outbound.settings import OutboundSettings
from shared.settings import WEBHOOK_URL, Database, Embeddings, Group, Keys, PublicUrl, TwilioSettings, env


def _pairs(value: Any) -> Any:  # noqa: ANN401 - whatever the environment holds
    if not isinstance(value, str):
        return value
    return dict(item.split("=", 1) for item in value.split(",") if "=" in item)


Pairs = Annotated[dict[str, str], BeforeValidator(_pairs)]


Language = Literal[
    "arabic", "armenian", "basque", "catalan", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hindi",
    "hungarian", "indonesian", "irish", "italian", "lithuanian", "nepali", "norwegian", "portuguese", "romanian", "russian",
    "serbian", "simple", "spanish", "swedish", "tamil", "turkish", "yiddish",
]  # fmt: skip
"""Postgres's text search configurations. `simple`: words are compared as they are."""


class ConsoleKeys(Keys):
    """The keys, and the one of the console's API."""

    console: SecretStr = Field(description="Bearer key of the console's API.", min_length=32)


class Console(Group):
    """The console's own."""

    host: str = Field("127.0.0.1", description="Address of the console.")
    port: int = Field(8081, description="Port of the console.", ge=0, le=65535)
    services: Pairs = Field({}, description="Services to show: name=ops URL, separated by commas.")
    language: Language = Field("english", description="How words of knowledge are stemmed that names no language.")
    links: Pairs = Field({}, description="Links to show: title=URL, separated by commas.")
    url: str | None = Field(
        None,
        pattern=r"^https?://[A-Za-z0-9._~:\[\]-]+$",
        description="Public address of the console, without a path. Forms are taken from there alone; where it begins with https, cookies go over TLS only.",
    )
    proxies: str | None = Field(
        None,
        description="Proxies before the console, addresses or networks separated by commas: where they say that a request came from, in"
        " X-Forwarded-For, failed sign-ins are counted. Nobody else's header counts.",
    )
    version: str = Field("development", description="What the page System shows as this version. Images set it.")
    trace_url: str | None = Field(
        None,
        pattern=r"^https?://.*\{trace_id\}",
        description="Where a trace is looked at: an address with {trace_id} in it.",
    )

    @field_validator("proxies")
    @classmethod
    def _networks(cls, value: str | None) -> str | None:
        for named in (value or "").split(","):
            try:
                ip_network(named.strip() or "::1")
            except ValueError:
                raise ValueError("must be addresses or networks such as 10.0.0.0/8, separated by commas") from None
        return value


class Oidc(Group):
    """Signing in to the console at an OpenID Connect provider, beside passwords."""

    issuer: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#@]+$",
        description="Issuer, exactly as its description at /.well-known/openid-configuration names itself. Unset: passwords alone.",
    )
    client_id: str | None = Field(
        None,
        min_length=1,
        description="What the provider knows this console as. Its redirect URI there: `TRUNKLINE_CONSOLE__URL` and `/sign-in/provider/return`.",
    )
    client_secret: SecretStr | None = Field(
        None, description="Its secret there; unset: a public client, by PKCE alone."
    )
    claim: str = Field(
        "email",
        min_length=1,
        description="Claim that is compared with the account's e-mail address. `email` counts only with `email_verified`; any other"
        " is taken at its word.",
    )
    domains: str | None = Field(
        None,
        description="Domains of the addresses that are let in, separated by commas; unset: whoever has an account.",
    )
    name: str = Field("single sign-on", min_length=1, description="What the button says behind “Sign in with”.")

    @property
    def trusted(self) -> frozenset[str]:
        """The domains; none: every."""
        return frozenset(filter(None, (domain.strip().lower() for domain in (self.domains or "").split(","))))


class ConsoleSettings(TwilioSettings, OutboundSettings):
    """What the console reads."""

    db: Database
    keys: ConsoleKeys
    console: Console = Console()
    oidc: Oidc = Oidc()
    embeddings: Embeddings = Embeddings()
    webhook_url: PublicUrl = WEBHOOK_URL
    fallback_url: str | None = env(
        "TRUNKLINE_FALLBACK_URL",
        None,
        pattern=r"^https://[^/?#@\s]+/?$",
        description="Scheme and host of another cluster, which Twilio calls where the webhook fails; unset: the webhook again.",
    )
    account_sid: str = env("TWILIO_ACCOUNT_SID", pattern=r"^AC[0-9a-fA-F]{32}$", description="The platform's account.")
    auth_token: SecretStr = env("TWILIO_AUTH_TOKEN", min_length=1, description="Its auth token.")
    default_from: str = env(
        "TWILIO_DEFAULT_FROM",
        "whatsapp:+14155238886",
        description="The default line's number; `whatsapp:` may be left off.",
    )
    default_access: Literal["open", "paired"] = env(
        "TRUNKLINE_DEFAULT_LINE_ACCESS", "open", description="Who may talk to the default line's agent."
    )
    default_quiet_ms: int = env(
        "TRUNKLINE_DEFAULT_LINE_QUIET_MS",
        0,
        ge=0,
        le=10_000,
        description="How long the default line waits for a burst of messages to pause; 0: it answers at once.",
    )
    code_ttl_ms: int = env("CHANNEL_PAIR_CODE_TTL_MS", 600_000, ge=1000, description="How long a pairing code lives.")
    code_rate: int = env("CHANNEL_PAIR_RATE_LIMIT", 3, ge=1, description="Pairing codes that a user may make an hour.")

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        if (self.oidc.issuer is None) != (self.oidc.client_id is None):
            raise ValueError("TRUNKLINE_OIDC__ISSUER and TRUNKLINE_OIDC__CLIENT_ID are set together")
        if self.oidc.issuer is not None and self.console.url is None:
            raise ValueError(
                "TRUNKLINE_OIDC__ISSUER needs TRUNKLINE_CONSOLE__URL, which the provider sends people back to"
            )
        return self

    @field_validator("default_from")
    @classmethod
    def _address(cls, value: str) -> str:
        address = whatsapp(value)
        if not PERSON.fullmatch(address):
            raise ValueError("not a WhatsApp number such as whatsapp:+14155238886")
        return address
