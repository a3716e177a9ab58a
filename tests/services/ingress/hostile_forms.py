"""Requests whose proof or whose form is not what it should be."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

from tests.services.ingress.gateway import LINE, OTHER_LINE
from tests.services.ingress.hostile import KIBIBYTE, Hostile, raw, signed
from tests.services.ingress.wire import (
    ACCOUNT,
    OTHER_ACCOUNT,
    OTHER_TOKEN,
    PERSON,
    PUBLIC_URL,
    SENDER,
    encoded,
    message,
    post,
    report,
    sid,
    signature,
)


def proofs() -> Iterator[Hostile]:
    form = message()
    body, proof = encoded(form), signature(form)
    wrong = {
        "an empty signature": "",
        "a signature of one letter": "x",
        "a signature that is cut": proof[:-1],
        "a signature with a sign too many": proof + "=",
        "a signature in the other case": proof.swapcase(),
        "a signature of 4 KiB": "A" * 4 * KIBIBYTE,
        "a signature that is no ASCII": "\xff\xfe",
    }
    yield from (Hostile(name, post(body, one), 403, closes=False) for name, one in wrong.items())
    yield Hostile("no signature", post(body), 403, closes=False)
    yield Hostile(
        "two signatures, the first right", post(body, proof, add=[("X-Twilio-Signature", "x")]), 403, closes=False
    )
    yield Hostile(
        "the right signature twice", post(body, proof, add=[("x-twilio-signature", proof)]), 403, closes=False
    )
    yield Hostile("two signatures in a line", post(body, f"{proof}, {proof}"), 403, closes=False)
    yield Hostile(
        "the signature in the query",
        post(body, path=f"/webhooks/twilio?X-Twilio-Signature={quote_plus(proof)}"),
        403,
        closes=False,
    )
    yield Hostile("the signature of another message", post(body, signature(message(Body="other"))), 403, closes=False)
    yield Hostile(
        "a signature over the local address",
        post(body, signature(form, "http://127.0.0.1/webhooks/twilio")),
        403,
        closes=False,
    )
    host = signature(form, "https://evil.example.com/webhooks/twilio")
    yield Hostile(
        "a signature over the host that it names", post(body, host, Host="evil.example.com"), 403, closes=False
    )
    forwarded: dict[str, Any] = {
        "X_Forwarded_Host": "evil.example.com",
        "X_Forwarded_Proto": "https",
        "Forwarded": "host=evil.example.com",
    }
    yield Hostile("a signature over the host that it forwards", post(body, host, **forwarded), 403, closes=False)
    yield Hostile("an unsigned query", post(body, proof, path="/webhooks/twilio?a=b"), 403, closes=False)
    yield Hostile(
        "a line's request on the common path", post(body, signature(form, f"{PUBLIC_URL}/{LINE}")), 403, closes=False
    )
    yield Hostile(
        "a message's request on the callback's path",
        post(body, proof, path="/webhooks/twilio/status"),
        403,
        closes=False,
    )
    yield Hostile("a signature with nobody's key", signed(form, token="nobody's"), 403, closes=False)
    yield Hostile("a signature with an empty key", signed(form, token=""), 403, closes=False)
    key = ("X-Twilio-Webhooks-Signature-Settings", "key=any,algorithm=HMAC_SHA256")
    yield Hostile("a shared key that is not registered", post(body, proof, add=[key]), 403, closes=False)
    weak = ("X-Twilio-Webhooks-Signature-Settings", "key=any,algorithm=NONE")
    yield Hostile("an algorithm of the sender's choice", post(body, proof, add=[weak]), 403, closes=False)


def tenants() -> Iterator[Hostile]:
    unknown = "AC" + "9" * 32
    yield Hostile("an account that nobody has", signed(message(AccountSid=unknown)), 403, closes=False)
    yield Hostile("another account's token", signed(message(), token=OTHER_TOKEN), 403, closes=False)
    yield Hostile("another account's name on our token", signed(message(AccountSid=OTHER_ACCOUNT)), 403, closes=False)
    yield Hostile("our account on another's line", signed(message(), f"/{OTHER_LINE}"), 403, closes=False)
    stranger = message(AccountSid=OTHER_ACCOUNT)
    yield Hostile("another account on our line", signed(stranger, f"/{LINE}", token=OTHER_TOKEN), 403, closes=False)
    elsewhere = message(To="whatsapp:+14155238887")
    yield Hostile("a line's path for another line's number", signed(elsewhere, f"/{LINE}"), 403, closes=False)
    nowhere = message(To="whatsapp:+19998887777")
    yield Hostile("a line's path for nobody's number", signed(nowhere, f"/{LINE}"), 403, closes=False)
    for wrong in (
        "",
        "AC",
        "ac" + "a" * 32,
        "AC" + "a" * 31,
        "AC" + "a" * 33,
        "AC" + "g" * 32,
        f"{ACCOUNT}\n",
        f" {ACCOUNT}",
        "*",
        "AC" + "\uff41" * 32,
    ):
        yield Hostile(
            f"the account {wrong[:6]!r}…{wrong[-3:]!r} of {len(wrong)}",
            signed(message(AccountSid=wrong)),
            403,
            closes=False,
        )
    yield Hostile("no account", signed(message(AccountSid=None)), 403, closes=False)
    twice = [*message(), ("AccountSid", OTHER_ACCOUNT)]
    yield Hostile("two accounts", signed(twice), 403, closes=False)
    yield Hostile("the same account twice", signed([*message(), ("AccountSid", ACCOUNT)]), 403, closes=False)


def mutated_messages() -> Iterator[Hostile]:
    """Yield forms whose signature holds and that are no message of Twilio's: captures that were cut anew."""
    form = message(MessageType=None)
    number = dict(form)["MessageSid"]
    cut = [("MessageSid", f"{number}NumMedia0"), *[pair for pair in form if pair[0] not in {"MessageSid", "NumMedia"}]]
    yield Hostile("a capture with two fields run together", post(encoded(cut), signature(form)), 400, closes=False)
    for name, wrong in (
        ("MessageSid", ("", "SM", "sm" + "a" * 32, "SM" + "A" * 32, "SM" + "a" * 31, "SM" + "a" * 33, "XX" + "a" * 32, "SM" + "a" * 32 + "\n", "SM" + "\uff11" * 32)),
        ("From", ("", "whatsapp:", "+15550001", PERSON + " ", "whatsapp:15550001234", "sms:+15550001234", "whatsapp:+0555000123", "whatsapp:+1555", "whatsapp:US.", "whatsapp:USA.1", "whatsapp:US." + "1" * 129, PERSON + "\x00")),
        ("To", ("", "whatsapp:+14155238886>", "+14155238886", SENDER + "\n", "whatsapp:*")),
        ("NumMedia", ("", "-1", "11", "1e1", "00", "\u0663", "0x0", "1.0")),
        ("ApiVersion", ("x", "2010-04-01T", "../..")),
        ("ErrorCode", ("x", "1234567", "-1")),
    ):  # fmt: skip
        for value in wrong:
            yield Hostile(
                f"{name} {value[:16]!r}…{value[-2:]!r} of {len(value)}",
                signed(message(**{name: value})),
                400,
                closes=False,
            )
    for name in ("MessageSid", "From", "To", "NumMedia"):
        yield Hostile(f"no {name}", signed(message(**{name: None})), 400, closes=False)
        yield Hostile(f"{name} twice", signed([*message(), (name, dict(message())[name])]), 400, closes=False)
    yield Hostile("a SID under its old name only", signed(message(MessageSid=None, SmsSid=sid())), 400, closes=False)
    yield Hostile("Body twice", signed([*message(), ("Body", "other")]), 400, closes=False)
    yield Hostile("ProfileName twice", signed([*message(), ("ProfileName", "other")]), 400, closes=False)
    yield Hostile(
        "names in lower case",
        signed([(n if n == "AccountSid" else n.lower(), v) for n, v in message()]),
        400,
        closes=False,
    )


def unreadable() -> Iterator[Hostile]:
    form = message()
    body = encoded(form)
    yield Hostile("bytes that are no UTF-8", raw(body + b"&a=\xff\xfe", form), 400)
    yield Hostile("percent signs that decode to no UTF-8", raw(body + b"&a=%ff%fe", form), 400)
    yield Hostile("half a surrogate pair", raw(body + b"&a=%ed%a0%80", form), 400)
    yield Hostile("more fields than anybody sends", signed([*form, *((f"F{n}", "x") for n in range(300))]), 400)
    yield Hostile("thousands of separators", raw(body + b"&" * 5000, form), 400)
    yield Hostile("an empty body", post(b"", signature([])), 403, closes=False)
    yield Hostile(
        "an empty body without a length", post(b"", signature([]), drop=["Content-Length"]), 403, closes=False
    )
    yield Hostile("separators only", post(b"&&&===&", signature([])), 403, closes=False)
    yield Hostile("percent signs only", post(b"%%%=%zz&%", signature([])), 403, closes=False)
    yield Hostile("NULs only", post(b"\x00" * 100, signature([])), 403, closes=False)
    yield Hostile("semicolons for separators", post(body.replace(b"&", b";"), signature(form)), 403, closes=False)
    yield Hostile("XML", post(b"<Request><AccountSid/></Request>", signature([])), 403, closes=False)


def reports() -> Iterator[Hostile]:
    for query in (
        "attempt=",
        "attempt=a&attempt=a",
        "attempt=a&attempt=b",
        "attempt=" + "a" * 65,
        "attempt=a.b",
        "attempt=a%20b",
        "attempt=%00",
        "attempt=a%0a",
        "attempt=*",
        "attempt=%3E",
        "attempt=%ff",
        "attempt=%c3%a9",
    ):
        yield Hostile(f"a callback with {query[:20]}", signed(report(), f"/status?{query}"), 400, closes=False)
    for name, value in (
        ("MessageSid", "x"),
        ("From", "x"),
        ("MessageStatus", "DELIVERED"),
        ("MessageStatus", ""),
        ("MessageStatus", "a" * 33),
        ("ErrorCode", "x"),
    ):
        yield Hostile(
            f"a callback with {name} {value[:9]!r}",
            signed(report(**{name: value}), "/status?attempt=a"),
            400,
            closes=False,
        )
    yield Hostile("a message on the callback's path", signed(message(), "/status?attempt=a"), 400, closes=False)
    yield Hostile(
        "two statuses", signed([*report(), ("MessageStatus", "read")], "/status?attempt=a"), 400, closes=False
    )
    form = report()
    other = post(
        encoded(form), signature(form, PUBLIC_URL + "/status?attempt=a"), path="/webhooks/twilio/status?attempt=b"
    )
    yield Hostile("another attempt than was signed", other, 403, closes=False)
    dropped = post(encoded(form), signature(form, PUBLIC_URL + "/status?attempt=a"), path="/webhooks/twilio/status")
    yield Hostile("an attempt that was signed and is gone", dropped, 403, closes=False)
    yield Hostile(
        "a callback with another account's token",
        signed(form, "/status?attempt=a", token=OTHER_TOKEN),
        403,
        closes=False,
    )
