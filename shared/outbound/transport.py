"""An HTTP transport that calls only what may be called, and whose answers are bounded."""

import ssl
import zlib
from collections.abc import AsyncIterable, AsyncIterator
from functools import cache

import httpcore2
import httpx2

from shared.outbound.dialing import CheckedDialer, Resolver, SystemResolver
from shared.outbound.failures import (
    BROKE_OFF,
    CERTIFICATE,
    HEADER_REFUSED,
    NOT_TEXT,
    TIMED_OUT,
    TOO_LARGE,
    UNREACHABLE,
    OutboundFailure,
    Refused,
)
from shared.outbound.targets import Allowed, check

MOST_BYTES = 256 * 1024
_MOST_HEADERS = 16 * 1024
_EITHER_FORMAT = zlib.MAX_WBITS | 32
_PLAIN = frozenset({"", "identity"})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_TOLD_OF_THE_WIRE = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class GuardedTransport(httpx2.AsyncBaseTransport):
    """
    For any httpx2 client; all that goes wrong raises `Refused`.

    Answers come unpacked, `most` bytes long at most, both on the wire and unpacked. No connection is used twice: the other
    side may just be closing it, and then nobody knew whether a request was taken. The client has to be made with
    `trust_env=False, follow_redirects=False`.
    """

    def __init__(
        self,
        allowed: Allowed,
        *,
        resolver: Resolver | None = None,
        dialer: httpcore2.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
        most: int = MOST_BYTES,
    ) -> None:
        self._allowed = allowed
        self._most = most
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls or _public(),
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=CheckedDialer(allowed, resolver or SystemResolver(), dialer or httpcore2.AnyIOBackend()),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and return the answer's head; its body is read as the caller goes on."""
        check(request.url, self._allowed)
        try:
            answer = await self._pool.handle_async_request(_to_core(request))
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise Refused(_failure(error)) from None
        assert isinstance(answer.stream, AsyncIterable)  # noqa: S101 - an asynchronous pool's is one
        body = _Body(answer.stream, self._most)
        failure = body.expect(answer.headers)
        if failure is not None:
            await body.aclose()
            raise Refused(failure)
        kept = [(name, value) for name, value in answer.headers if name.lower() not in _TOLD_OF_THE_WIRE]
        return httpx2.Response(answer.status, headers=kept, stream=body)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    """The body of an answer, unpacked as it is read, up to a size."""

    def __init__(self, stream: AsyncIterable[bytes], most: int) -> None:
        self._stream = stream
        self._most = most
        self._unpacker: zlib._Decompress | None = None

    def expect(self, headers: list[tuple[bytes, bytes]]) -> OutboundFailure | None:
        """Take note of how the body is packed. Returns why it cannot be read."""
        if sum(len(name) + len(value) for name, value in headers) > _MOST_HEADERS:
            return TOO_LARGE
        found = {name.lower(): value.decode("latin-1").strip().lower() for name, value in headers}
        packing = found.get(b"content-encoding", "")
        if packing in _PACKED:
            self._unpacker = zlib.decompressobj(_EITHER_FORMAT)
        elif packing not in _PLAIN:
            return NOT_TEXT
        length = found.get(b"content-length", "0")
        return TOO_LARGE if length.isdecimal() and int(length[:20]) > self._most else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        raw = unpacked = 0
        try:
            async for piece in self._stream:
                raw += len(piece)
                plain = self._unpack(piece, self._most - unpacked + 1)
                unpacked += len(plain)
                if max(raw, unpacked) > self._most:
                    raise Refused(TOO_LARGE)
                yield plain
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, zlib.error) as error:
            raise Refused(_failure(error)) from None
        if self._unpacker is not None and raw and not self._unpacker.eof:
            raise Refused(BROKE_OFF)

    def _unpack(self, piece: bytes, most: int) -> bytes:
        return piece if self._unpacker is None else self._unpacker.decompress(piece, most)

    async def aclose(self) -> None:
        if hasattr(self._stream, "aclose"):
            await self._stream.aclose()


@cache
def _public() -> ssl.SSLContext:
    """Trust whom the public trusts. Read once: it takes longer than everything else that a guard is made of."""
    return httpx2.create_ssl_context()


def _to_core(request: httpx2.Request) -> httpcore2.Request:
    assert isinstance(request.stream, httpx2.AsyncByteStream)  # noqa: S101 - an asynchronous client's is one
    url = request.url
    return httpcore2.Request(
        method=request.method,
        url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions={"timeout": request.extensions.get("timeout", {})},
    )


def _failure(error: Exception) -> OutboundFailure:
    if isinstance(error, (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout)):
        return CERTIFICATE if isinstance(error.__cause__ or error.__context__, ssl.SSLError) else UNREACHABLE
    if isinstance(error, httpcore2.LocalProtocolError):
        return HEADER_REFUSED
    return TIMED_OUT if isinstance(error, httpcore2.TimeoutException) else BROKE_OFF
