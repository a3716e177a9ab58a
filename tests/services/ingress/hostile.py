"""What a hostile request is."""

from dataclasses import dataclass
from typing import Any

from tests.services.ingress.wire import (
    PUBLIC_URL,
    TOKEN,
    Form,
    encoded,
    message,
    post,
    signature,
)

KIBIBYTE = 1024


@dataclass(frozen=True)
class Hostile:
    """A request, and how it is answered. `closes`: the server ends the connection behind its answer."""

    name: str
    request: bytes
    status: int
    closes: bool = True


def genuine(**changes: Any) -> bytes:
    """Return a genuine request whose head has been changed."""
    form = message()
    return post(encoded(form), signature(form), **changes)


def signed(form: Form, suffix: str = "", *, url: str = PUBLIC_URL, token: str = TOKEN) -> bytes:
    return post(encoded(form), signature(form, url + suffix, token), path="/webhooks/twilio" + suffix)


def raw(body: bytes, form: Form) -> bytes:
    """Return a request with a body of our own writing, signed over the form that it should decode to."""
    return post(body, signature(form))


def chunked(chunks: bytes, **changes: str) -> bytes:
    head = post(b"", signature(message()), drop=["Content-Length"], add=[("Transfer-Encoding", "chunked")], **changes)
    return head + chunks
