"""The images of this tree, or of another checkout of it, built without a registry and without a package index."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from deploy.image.contents import IMAGES
from dev.containers.engine import BUILD, DOCKER, Engine, seconds_since
from dev.embedded.ports import LOOPBACK
from dev.stack.home import REPOSITORY

_WHEELS = BUILD / "wheels"
_MEGABYTE = 1_000_000


def build_images(engine: Engine, tag: str, tree: Path = REPOSITORY) -> float:
    """Build every image of a tree by its `make images`; return the seconds. Raises CalledProcessError."""
    began = time.monotonic()
    for image in IMAGES.values():
        _fetch_wheels(tree / image.lock)
    with _wheels_served() as address, tempfile.NamedTemporaryFile("w", suffix=".conf") as settings:
        settings.write(f"[global]\nno-index = true\nfind-links = {address}\n")
        settings.flush()
        arguments = f"--quiet --network host --secret id=pip,src={settings.name}"
        words = (f"DOCKER={DOCKER}", f"TAG={tag}", f"ARGS={arguments}")
        engine.run("make", "images", *words, folder=tree, DOCKER_BUILDKIT="1")  # also for trees whose target forgets it
    return seconds_since(began)


def megabytes(engine: Engine, tag: str) -> dict[str, int]:
    """Return how large each image is, unpacked."""
    sizes = {it: engine.docker("inspect", "--format", "{{.Size}}", f"trunkline-{it}:{tag}") for it in IMAGES}
    return {image: round(int(size) / _MEGABYTE) for image, size in sizes.items()}


def _fetch_wheels(lock: Path) -> None:
    """Download what a lock names, once."""
    fetched = _WHEELS / f".{sha256(lock.read_bytes()).hexdigest()}"
    if fetched.exists():
        return
    words = ("download", "-qq", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--dest", str(_WHEELS))
    subprocess.run([sys.executable, "-m", "pip", *words, "--requirement", str(lock)], check=True)
    fetched.touch()


class _Shelf(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@contextmanager
def _wheels_served() -> Iterator[str]:
    """Serve the wheels on loopback, which a build with the machine's network reaches."""
    with ThreadingHTTPServer((LOOPBACK, 0), partial(_Shelf, directory=str(_WHEELS))) as server:
        serving = Thread(target=server.serve_forever, name="wheels")
        serving.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}/"
        finally:
            server.shutdown()
            serving.join()
