"""An ingress that stores each webhook under an id of its own: JetStream cannot tell a repeated one."""

import os
import secrets

import services.ingress.__main__ as ingress
import services.ingress.intake
from services.ingress.settings import IngressSettings
from shared.ids import AccountSid, ProviderSid
from shared.process import run
from shared.settings import from_env


def knows_nothing(account: AccountSid, sid: ProviderSid) -> str:
    return secrets.token_hex(16)


if __name__ == "__main__":
    services.ingress.intake.message_id = knows_nothing  # type: ignore[attr-defined]  # it is imported there
    loaded = from_env(IngressSettings, os.environ)
    run("ingress", loaded, lambda stopping: ingress.main(loaded, stopping))
