"""The simulator's variables."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from shared.addresses import PERSON, whatsapp

WEBHOOK_PATH = "/webhooks/twilio"
"""Where ingress really listens, below `ingress_url`."""

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}", re.ASCII)


@dataclass(frozen=True)
class SimulatorSettings:
    """The account that the simulator plays, and where the gateway is."""

    account_sid: str
    auth_token: str
    sender: str
    webhook_url: str
    ingress_url: str
    host: str = "127.0.0.1"
    port: int = 8082
    console_url: str | None = None
    model_url: str | None = None
    """The scripted model, which can be told to be slow; None where there is none."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "SimulatorSettings":
        """Read the settings, or name every fault and exit with status 2."""
        faults = [f"{name}: required" for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN") if not environ.get(name)]
        sender = whatsapp(environ.get("TWILIO_DEFAULT_FROM") or "+14155238886")
        port = environ.get("TRUNKLINE_SIM__PORT") or "8082"
        if environ.get("TWILIO_ACCOUNT_SID") and not _ACCOUNT.fullmatch(environ["TWILIO_ACCOUNT_SID"]):
            faults.append("TWILIO_ACCOUNT_SID: AC and 32 hexadecimal digits are needed")
        if not PERSON.fullmatch(sender):
            faults.append("TWILIO_DEFAULT_FROM: a number such as +14155238886 is needed")
        if not port.isdecimal():
            faults.append("TRUNKLINE_SIM__PORT: a number is needed")
        if faults:
            print("\n".join(faults), file=sys.stderr)  # noqa: T201 - for the person who started it
            raise SystemExit(2)
        ingress_url = environ.get("TRUNKLINE_SIM__INGRESS_URL") or "http://127.0.0.1:8080"
        return cls(
            account_sid=environ["TWILIO_ACCOUNT_SID"],
            auth_token=environ["TWILIO_AUTH_TOKEN"],
            sender=sender,
            webhook_url=environ.get("TWILIO_WEBHOOK_URL") or ingress_url + WEBHOOK_PATH,
            ingress_url=ingress_url.rstrip("/"),
            host=environ.get("TRUNKLINE_SIM__HOST") or "127.0.0.1",
            port=int(port),
            console_url=environ.get("TRUNKLINE_CONSOLE_URL"),
            model_url=environ.get("TRUNKLINE_SIM__MODEL_URL"),
        )
