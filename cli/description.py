"""The description of the API, as committed in docs/openapi.json."""

from cli.outcome import say
from services.console import api


def show() -> None:
    """Print it."""
    say(document())


def document() -> str:
    """Return it as JSON, without a newline at its end."""
    import json

    return json.dumps(api.description(), indent=2, ensure_ascii=False)
