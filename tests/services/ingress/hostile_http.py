"""Requests that are no HTTP, or none that Twilio would send."""

from collections.abc import Iterator

from tests.services.ingress.hostile import KIBIBYTE, Hostile, chunked, genuine, signed
from tests.services.ingress.wire import (
    FORM_TYPE,
    encoded,
    message,
    post,
    signature,
)


def not_http() -> Iterator[Hostile]:
    yield Hostile("a greeting in another protocol", b"EHLO gateway.example.org\r\n\r\n", 400)
    yield Hostile("the beginning of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64, 400)
    yield Hostile("a request line of NULs", b"\x00" * 64 + b"\r\n\r\n", 400)
    yield Hostile("a request line of one word", b"POST\r\n\r\n", 400)
    yield Hostile("a request line without a version", b"POST /webhooks/twilio\r\nHost: a\r\n\r\n", 400)
    yield Hostile("a version that nobody speaks", genuine().replace(b"HTTP/1.1", b"HTTP/9.9", 1), 400)
    yield Hostile("a method with a bracket in it", genuine().replace(b"POST", b"PO[T", 1), 400)
    yield Hostile("a blank in the path", genuine().replace(b"/twilio HTTP", b"/twi lio HTTP", 1), 400)
    yield Hostile("a NUL in the path", genuine().replace(b"/twilio HTTP", b"/twi\x00lio HTTP", 1), 400)
    yield Hostile("a bare line feed inside a header", genuine(X_Odd="a\nContent-Length: 0"), 400)
    yield Hostile("a NUL in a header's value", genuine(X_Odd="a\x00b"), 400)
    yield Hostile("a blank in a header's name", genuine().replace(b"Host:", b"Ho st:", 1), 400)
    yield Hostile("a blank before a header's colon", genuine().replace(b"Host:", b"Host :", 1), 400)
    yield Hostile("a folded header", genuine(X_Odd="a\r\n b"), 400)
    yield Hostile("a header without a colon", genuine().replace(b"Host:", b"Host", 1), 400)
    yield Hostile("an empty header name", genuine().replace(b"Host:", b":", 1), 400)


def framing() -> Iterator[Hostile]:
    form = message()
    body = encoded(form)
    yield Hostile("chunks and a length", post(body, signature(form), add=[("Transfer-Encoding", "chunked")]), 400)
    yield Hostile("two different lengths", post(body, signature(form), add=[("Content-Length", "3")]), 400)
    yield Hostile("a list of lengths", genuine(Content_Length=f"{len(body)}, {len(body)}"), 400)
    yield Hostile("a negative length", genuine(Content_Length="-1"), 400)
    yield Hostile("a length with a plus", genuine(Content_Length="+10"), 400)
    yield Hostile("a length in hexadecimal", genuine(Content_Length="0x10"), 400)
    yield Hostile("a length beyond every number", genuine(Content_Length="9" * 40), 400)
    yield Hostile("an empty length", genuine(Content_Length=""), 400)
    yield Hostile("a length in other digits", genuine(Content_Length="\u00b2"), 400)
    yield Hostile("an unknown transfer encoding", genuine(Transfer_Encoding="xchunked"), 400)
    yield Hostile("chunks that are compressed", genuine(Transfer_Encoding="gzip, chunked"), 400)
    yield Hostile("chunks that are not last", genuine(Transfer_Encoding="chunked, identity"), 400)
    yield Hostile("a transfer encoding twice", chunked(b"0\r\n\r\n", Transfer_Encoding="chunked"), 400)
    yield Hostile("a chunk without a size", chunked(b"zz\r\nabc\r\n0\r\n\r\n"), 400)
    yield Hostile("a chunk of negative size", chunked(b"-5\r\nabc\r\n0\r\n\r\n"), 400)
    yield Hostile("a chunk longer than it says", chunked(b"2\r\nabcdef\r\n0\r\n\r\n"), 400)
    yield Hostile("a chunk of a size beyond every number", chunked(b"f" * 40 + b"\r\nabc\r\n0\r\n\r\n"), 400)
    yield Hostile("no host", post(body, signature(form), drop=["Host"]), 400)
    yield Hostile("two hosts", post(body, signature(form), add=[("Host", "evil.example.com")]), 400)


def paths_and_methods() -> Iterator[Hostile]:
    form = message()
    body = encoded(form)
    for path in (
        "/",
        "/webhooks",
        "/webhooks/",
        "/webhooks/twilio/",
        "/webhooks/twilio/status/",
        "/webhooks/twilio/ln_test/more",
        "/webhooks/TWILIO",
        "/webhooks/telegram",
        "/webhooks/twilio/../twilio",
        "//webhooks/twilio",
        "/webhooks//twilio",
        "/webhooks/%74wilio",
        "/webhooks/twilio%00",
        "/webhooks/twilio%0d%0aX-Odd:%201",
        "/webhooks/twilio/%2e%2e",
        "/webhooks/twilio;a=b",
        "/healthz",
        "/metrics",
        "/.env",
        "/webhooks/twilio/ln_unknown",
        "/webhooks/twilio/" + "a" * 65,
        "/webhooks/twilio/ln_t%65st",
    ):
        yield Hostile(f"the path {path[:30]}", post(body, signature(form), path=path), 404)
    yield Hostile("an asterisk for a path", post(b"", method="OPTIONS", path="*"), 404)
    yield Hostile("a path of 100 KB", post(body, signature(form), path="/" + "a" * 100 * KIBIBYTE), 414)
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "post"):
        yield Hostile(f"the method {method}", post(body, signature(form), method=method), 405)
    yield Hostile("a message in a query", post(b"", method="GET", path=f"/webhooks/twilio?{body.decode()}"), 405)


def types_and_sizes() -> Iterator[Hostile]:
    form = message()
    body = encoded(form)
    for kind in (
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "application/x-www-form-urlencoded, application/json",
        "application/x-www-form-urlencodedx",
        "",
    ):
        yield Hostile(f"the type {kind or 'of no name'}", post(body, signature(form), Content_Type=kind), 415)
    yield Hostile("no type", post(body, signature(form), drop=["Content-Type"]), 415)
    yield Hostile("two types", post(body, signature(form), add=[("Content-Type", FORM_TYPE)]), 415)
    yield Hostile("a compressed body", post(body, signature(form), Content_Encoding="gzip"), 415)
    yield Hostile("JSON as a form", post(b'{"AccountSid":"AC"}', signature([])), 403, closes=False)
    long = message(Body="a" * 65 * KIBIBYTE)
    yield Hostile("a body over 64 KiB", signed(long), 413)
    yield Hostile("the promise of a body over 64 KiB", genuine(Content_Length=str(64 * KIBIBYTE + 1)), 413)
    yield Hostile(
        "the promise of a gigabyte, if it is welcome", genuine(Content_Length=str(2**30), Expect="100-continue"), 413
    )
    yield Hostile("chunks of more than 64 KiB", chunked(b"4000\r\n" + (b"a" * 16384 + b"\r\n4000\r\n") * 5), 413)
    yield Hostile("a header of 17 KiB", genuine(X_Odd="a" * 17 * KIBIBYTE), 431)
    yield Hostile("a header of 200 KiB", genuine(X_Odd="a" * 200 * KIBIBYTE), 431)
    yield Hostile(
        "a query of 17 KiB", post(body, signature(form), path="/webhooks/twilio?a=" + "b" * 17 * KIBIBYTE), 431
    )
    yield Hostile(
        "a hundred headers and more", post(body, signature(form), add=[(f"X-{n}", "a") for n in range(120)]), 431
    )
