"""A router that takes every delivery for a new message: no row tells it that it knows the SID."""

import os
import secrets
from dataclasses import replace

import services.router.__main__ as router
from services.router.mailbox import Mailbox
from services.router.settings import RouterSettings
from services.router.threads import Message
from shared.ids import ProviderSid
from shared.process import run
from shared.settings import from_env

_record = Mailbox.record


async def takes_all(self: Mailbox, message: Message, outcome: str) -> None:
    await _record(self, replace(message, provider_sid=ProviderSid(secrets.token_hex(17))), outcome)
    self.logged.clear()


if __name__ == "__main__":
    Mailbox.record = takes_all  # type: ignore[method-assign]  # broken on purpose
    loaded = from_env(RouterSettings, os.environ)
    run("router", loaded, lambda stopping: router.main(loaded, stopping))
