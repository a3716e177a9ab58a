"""How a process proves to NATS who it is, and how it knows that NATS is NATS."""

import ssl
from typing import Any

from faststream.nats import NatsBroker
from nats.aio.client import Client

from shared.bus.nkey import Nkey
from shared.settings import Nats


class LoginClient(Client):
    """Signs by `cryptography`, which is there as a wheel, and leaves no connection open behind it."""

    def hang_up(self) -> None:
        """Close the connection, if it is not closed; its end is waited for by nobody."""
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]

    async def _connect_to_server(self, server: Any) -> None:  # noqa: ANN401 - nats-py's own
        self.hang_up()  # after a handshake that failed, nats-py would drop the connection as it is
        await super()._connect_to_server(server)

    def _setup_nkeys_seed_connect(self) -> None:
        key = Nkey(str(self._nkeys_seed_str))
        self._public_nkey = key.public
        self._signature_cb = key.sign


async def connect(options: dict[str, Any]) -> LoginClient:
    """Open a connection with nats-py's options."""
    client = LoginClient()
    try:
        await client.connect(**options)
    except BaseException:
        client.hang_up()
        raise
    return client


class LoginBroker(NatsBroker):
    """A broker that logs in with an nkey, where the settings name one."""

    def __init__(self, server: str | Nats, name: str, **options: Any) -> None:  # noqa: ANN401 - the broker's own
        self._login = login(server, name)
        self.inbox = f"{self._login['inbox_prefix']}.".encode()
        super().__init__(self._login.pop("servers"), name=f"trunkline-{name}", **options)

    async def _connect(self) -> LoginClient:
        connection = await connect({**self._connection_kwargs, **self._login})
        self.config.connect(connection)
        return connection


def login(server: str | Nats, name: str) -> dict[str, Any]:
    """
    Return nats-py's options for an address, with the nkey and the authority that the settings name.

    Answers come below a subject of the service's own, so that no other needs to be let in there.
    """
    nats = Nats(url=server) if isinstance(server, str) else server
    options: dict[str, Any] = {"servers": nats.url, "inbox_prefix": f"_INBOX.{name}"}
    if nats.nkey is not None:
        options["nkeys_seed_str"] = nats.nkey.get_secret_value()
    if nats.ca is not None:
        options["tls"] = ssl.create_default_context(cafile=nats.ca)
    return options
