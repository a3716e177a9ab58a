"""Texts of messages: shown where the company keeps a history, and only those of the page that is asked for."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from shared.failures import SEALED_UNREADABLE, GatewayError
from shared.vault import Vault

Withheld = Literal["history_off", "removed", "unreadable"]


class Text(NamedTuple):
    """A text, or why it is not shown."""

    text: str | None
    text_withheld: Withheld | None


def opened(
    vault: Vault, sealed: bytes | None, context: str, *, history: bool, read: Callable[[bytes], str] = bytes.decode
) -> Text:
    """Open a text. `history`: whether the company lets texts be read later. `read`: how it is written down."""
    if not history:
        return Text(None, "history_off")
    if not sealed:
        return Text(None, "removed")
    try:
        return Text(read(vault.open(sealed, context)), None)
    except GatewayError as error:
        if error.failure is not SEALED_UNREADABLE:
            raise
        return Text(None, "unreadable")
