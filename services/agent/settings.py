"""The agent's variables."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr

from services.agent.prices import Price
from shared.outbound.settings import OutboundSettings
from shared.settings import BURST_LIMIT, Database, Embeddings, Group, TwilioSettings, env

_NO_PRICE = "must be prices of the form model=0.25/2, separated by commas"


def _prices(value: Any) -> Any:  # noqa: ANN401 - whatever the environment holds
    if not isinstance(value, str):
        return value
    prices = {}
    for pair in filter(None, map(str.strip, value.split(","))):
        model, _, figures = pair.rpartition("=")
        told, _, said = figures.partition("/")
        try:
            price = Price(Decimal(told), Decimal(said))
        except InvalidOperation:
            raise ValueError(_NO_PRICE) from None
        if not (model.strip() and price.is_one):
            raise ValueError(_NO_PRICE)
        prices[model.strip()] = price
    return prices


class Agent(Group):
    """The agent's own."""

    workers: int = Field(
        32,
        description="Turns that run at the same time; a quarter more for tenants that have hardly any.",
        ge=1,
        le=512,
    )
    call_limit: float = Field(30.0, description="Seconds that one model call may take, with its retries.", gt=0)
    run_limit: float = Field(90.0, description="Seconds that one turn may take.", gt=0)
    most_steps: int = Field(5, description="Tool calls that one turn may make.", ge=0, le=20)
    most_tokens: int = Field(2000, description="Tokens that one model call may answer with.", ge=1)
    prices: Annotated[Mapping[str, Price], BeforeValidator(_prices)] = Field(
        {},
        description="What a million tokens cost, told to a model and said by it: `gpt-5-mini=0.25/2`, separated by commas. "
        "Turns then record their cost, and a metric counts it, in the currency of these prices.",
    )
    vision: str | None = Field(
        None, description="Models that see pictures, separated by commas; `*`: all; unset: none."
    )
    tenant_label: bool = Field(False, description="Name the tenant in the metrics of tokens and cost.")

    @property
    def seeing(self) -> frozenset[str]:
        """The models that see pictures."""
        return frozenset(filter(None, map(str.strip, (self.vision or "").split(","))))


class Fallback(Group):
    """What is asked where a model fails."""

    model: str | None = Field(None, description="Model that is asked where one fails, unless an agent names another.")
    base_url: str | None = Field(
        None,
        description="Address of the OpenAI-compatible API that fall-back models are asked at; unset: the first one's.",
    )
    api_key: SecretStr | None = Field(None, description="Key for that API; unset: the first one's.")


class Transcription(Group):
    """What hears voice messages."""

    model: str | None = Field(
        None, description="Model that hears voice messages; unset: people are asked to write instead."
    )
    base_url: str = Field(
        "https://api.openai.com/v1/", description="Address of the OpenAI-compatible API that has this model."
    )
    api_key: SecretStr | None = Field(None, description="Key for that API.")
    limit: float = Field(30.0, description="Seconds that it may take to answer.", gt=0)


class AgentSettings(TwilioSettings, OutboundSettings):
    """What the agent reads."""

    db: Database
    agent: Agent = Agent()
    embeddings: Embeddings = Embeddings()
    fallback: Fallback = Fallback()
    transcription: Transcription = Transcription()
    openai_base_url: str = env("OPENAI_BASE_URL", description="Address of an OpenAI-compatible API.")
    openai_api_key: SecretStr = env("OPENAI_API_KEY", description="Key for the model's API.")
    burst_limit: float = BURST_LIMIT
    model: str = env("TRUNKLINE_MODEL", description="Model that agents use unless they name one.")
