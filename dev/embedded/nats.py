"""NATS with JetStream, embedded."""

import http.client
import os
import signal
import sys
from pathlib import Path

from dev.embedded.ports import LOOPBACK, free_port
from dev.embedded.process import Command, Process, StartFailed, await_ready
from dev.embedded.server import EmbeddedServer

_CONFIG = """\
server_name: "trunkline-local"
listen: "{host}:{port}"
http: "{host}:{monitor_port}"
jetstream {{
  store_dir: {store}
  sync_interval: always
}}
"""
_OK = 200


class NatsServer(EmbeddedServer):
    """
    A NATS server with JetStream on loopback, which fsyncs every stored message.

    Everything is kept below `directory`; a restart keeps the ports and the data.
    """

    name = "nats"
    ends_in_order_on = signal.SIGTERM
    grace = 10.0

    def __init__(
        self, directory: Path, *, port: int | None = None, monitor_port: int | None = None, log: Path | None = None
    ) -> None:
        super().__init__(directory, port, log)
        self.monitor_port = monitor_port or free_port()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def monitor_url(self) -> str:
        """Where /healthz and /varz are."""
        return f"http://{LOOPBACK}:{self.monitor_port}"

    def start(self, seconds: float = 10.0) -> None:
        """
        Start and wait until JetStream answers.

        Raises:
            StartFailed: it ended, or was not ready in time.
        """
        self._process = process = Process(self._command())
        if not await_ready(process, self.is_ready, seconds):
            process.kill()
            raise StartFailed(self.name, self.log)

    def is_ready(self) -> bool:
        """Tell whether the server and its streams are in service."""
        connection = http.client.HTTPConnection(LOOPBACK, self.monitor_port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _command(self) -> Command:
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "nats.conf"
        store = '"' + str(self.directory / "jetstream").replace("\\", "\\\\").replace('"', '\\"') + '"'
        config.write_text(
            _CONFIG.format(host=LOOPBACK, port=self.port, monitor_port=self.monitor_port, store=store), encoding="utf-8"
        )
        argv = [str(Path(sys.executable).with_name("nats-server")), "--config", str(config)]
        return Command(argv, env=os.environ, cwd=self.directory, log=self.log)


def nats_server(directory: Path) -> NatsServer:
    """Return a server for `with` or `async with`, which starts and stops it."""
    return NatsServer(directory)
