"""What the bus says when NATS does not answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors
import nats.js.errors


class BusUnavailable(Exception):
    """JetStream did not confirm in time. What was published may or may not be stored."""


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Let whatever keeps the server from answering be BusUnavailable. That something is not there is an answer."""
    try:
        yield
    except nats.js.errors.NotFoundError:
        raise
    except (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError) as error:
        raise BusUnavailable(type(error).__name__) from error
