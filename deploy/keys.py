"""
Makes the secrets of a deployment: `python -m deploy.keys FOLDER`.

FOLDER holds a folder for each container, which is all that it is given of them; what is there already stays. The Twilio token
and the model's key are the caller's (TWILIO_AUTH_TOKEN, OPENAI_API_KEY); without an account of one's own a token is made that
only the simulator knows. DATABASE is where Postgres is, as the end of its address; by default Compose's.
"""

import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from shared.bus.nkey import Nkey, new_seed

_COMPOSE_DATABASE = "postgres:5432/trunkline"
OWNER = "owner"
WITH_LOGIN = ("router", "agent", "egress", "console")
ON_THE_BUS = ("ingress", *WITH_LOGIN, "topology")
SIMULATED_ACCOUNT = "AC" + "0" * 32
_FOR_CONTAINERS = 0o444  # each sees its own folder alone, as a user that this one does not know
_SCRIPTED_KEY = "scripted"


class Chest:
    """The stack's secrets, each made once and kept in `master`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def kept(self, name: str, make: Callable[[], str]) -> str:
        """Return a secret, which is made when it is first asked for."""
        file = self.folder / "master" / name
        if not file.exists():
            _write(file, make())
        return file.read_text(encoding="utf-8").strip()

    def key(self, name: str) -> str:
        """Return 32 bytes in hexadecimal."""
        return self.kept(name, lambda: secrets.token_hex(32))

    def nkey(self, user: str) -> Nkey:
        """Return a user's key for NATS."""
        return Nkey(self.kept(f"nkey-{user}", new_seed))

    def give(self, container: str, held: Mapping[str, str]) -> None:
        """Lay secrets out for a container, each in a file of its own."""
        for name, value in held.items():
            _write(self.folder / container / name, value)


def fill(chest: Chest, environ: Mapping[str, str]) -> None:
    """Give every container its secrets. Raises ValueError for half an account."""
    own = {name: chest.key(name) for name in ("vault", "pepper", "thread-pepper")}
    passwords = {name: chest.key(f"db-{name}") for name in (OWNER, *WITH_LOGIN)}
    token, place = _token(chest, environ), environ.get("DATABASE") or _COMPOSE_DATABASE
    special = {
        "agent": {"model-key": environ.get("OPENAI_API_KEY") or _SCRIPTED_KEY},
        "console": {"api-key": chest.key("console"), "twilio-token": token},
    }
    for user in ON_THE_BUS:
        seed = {"nkey": chest.kept(f"nkey-{user}", new_seed)}
        login = {"db-url": _url(user, passwords[user], place)} if user in WITH_LOGIN else {}
        chest.give(user, seed if user == "topology" else own | seed | login | special.get(user, {}))
    chest.give("migrations", {"db-url": _url(OWNER, passwords[OWNER], place)})
    chest.give("logins", {name: passwords[name] for name in WITH_LOGIN})
    chest.give("postgres", {"password": passwords[OWNER]})
    chest.give("simulator", {"twilio-token": token})
    chest.give("periodic", {"api-key": chest.key("console")})
    public = "".join(f"NATS_USER_{user.upper()}={chest.nkey(user).public}\n" for user in ON_THE_BUS)
    chest.give("nats", {"keys.conf": public})


def _token(chest: Chest, environ: Mapping[str, str]) -> str:
    account, token = environ.get("TWILIO_ACCOUNT_SID") or SIMULATED_ACCOUNT, environ.get("TWILIO_AUTH_TOKEN")
    if (account != SIMULATED_ACCOUNT) != bool(token):
        raise ValueError("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN: both of an account, or none of them")
    return token or chest.kept("twilio-token", lambda: secrets.token_hex(16))


def _url(login: str, password: str, place: str) -> str:
    return f"postgresql://{login}:{password}@{place}"


def _write(file: Path, value: str) -> None:
    """Write it in one step: a container that starts meanwhile reads the whole of it, or of the one before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}")
    fresh.unlink(missing_ok=True)
    fresh.write_text(value if value.endswith("\n") else value + "\n", encoding="utf-8")
    fresh.chmod(_FOR_CONTAINERS)
    fresh.replace(file)


if __name__ == "__main__":
    try:
        fill(Chest(Path(sys.argv[1])), os.environ)
    except ValueError as wrong:
        sys.exit(str(wrong))
