"""NATS as the manifests configure it, on loopback: TLS, and a user for each service."""

import ipaddress
import os
import shutil
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.embedded import free_port
from dev.embedded.process import Command, Process, StartFailed, await_ready
from dev.stack.probe import answers
from shared.settings import Nats
from tests.deploy.rendering import KUBERNETES

_LOOPBACK = "127.0.0.1"
_CLUSTER = "cluster.conf"
_DATA = "store_dir: /data"


@dataclass
class GuardedNats:
    """One server with the configuration of the component `nats`, its cluster left out. `keys` is what deploy.keys made."""

    folder: Path
    keys: Path
    port: int = field(default_factory=free_port)
    monitor_port: int = field(default_factory=free_port)
    _process: Process | None = None

    @property
    def authority(self) -> Path:
        """The file with the certificate of who signed the server's."""
        return self.folder / "nats-tls/ca.crt"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "nats.log"

    def login(self, user: str) -> Nats:
        """Return how a user connects."""
        seed = (self.keys / user / "nkey").read_text().strip()
        return Nats.model_validate({"url": f"tls://{_LOOPBACK}:{self.port}", "nkey": seed, "ca": str(self.authority)})

    def refusals(self) -> list[str]:
        """Return what the server refused to its users."""
        return [line for line in self.log.read_text().splitlines() if "Violation" in line]

    def __enter__(self) -> Self:
        place = self.folder / "nats"
        shutil.copytree(KUBERNETES / "components/nats", place)
        (place / _CLUSTER).write_text("# alone\n")
        configured = (place / "nats.conf").read_text()
        assert configured.count(_DATA) == 1
        (place / "nats.conf").write_text(configured.replace(_DATA, f'store_dir: "{self.folder}/data"'))
        make_certificates(self.folder / "nats-tls")
        public = dict(line.split("=") for line in (self.keys / "nats/keys.conf").read_text().split())
        server = str(Path(sys.executable).with_name("nats-server"))
        argv = [server, "--config", "nats.conf", "--addr", _LOOPBACK, "--port", str(self.port)]
        argv += ["--http_port", str(self.monitor_port), "--pid", str(self.folder / "nats.pid")]
        self._process = process = Process(
            Command(argv, {**os.environ, **public, "POD_NAME": "nats-0"}, place, self.log)
        )
        if not await_ready(process, lambda: answers(f"http://{_LOOPBACK}:{self.monitor_port}/healthz"), 10):
            process.kill()
            raise StartFailed("nats", self.log)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process:
            self._process.kill()


def make_certificates(folder: Path) -> None:
    """Make an authority and a certificate for loopback, under the names that cert-manager gives them."""
    folder.mkdir(parents=True)
    authority, signed_by = ec.generate_private_key(ec.SECP256R1()), _named("authority")
    own = ec.generate_private_key(ec.SECP256R1())
    issued = _certificate(own.public_key(), _named("nats"), signed_by).sign(authority, hashes.SHA256())
    root = _certificate(authority.public_key(), signed_by, signed_by, authority=True).sign(authority, hashes.SHA256())
    (folder / "ca.crt").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.crt").write_bytes(issued.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.key").write_bytes(
        own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    key: ec.EllipticCurvePublicKey, subject: x509.Name, issuer: x509.Name, *, authority: bool = False
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(_LOOPBACK))])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(loopback, critical=False)
    )
