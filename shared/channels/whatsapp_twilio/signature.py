"""
Twilio's request signature, verified strictly.

Twilio signs the address it called and, for form posts, every distinct name and value in code-point order, joined without
delimiters: HMAC-SHA1 under the account's auth token, or HMAC-SHA256 under a shared key that a header names. For other
bodies it signs the address alone, which then carries the body's SHA-256. Source: Twilio's security documentation.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from shared.directory import SigningSecret

SIGNATURE_HEADER = "x-twilio-signature"
SETTINGS_HEADER = "x-twilio-webhooks-signature-settings"
_SHARED_KEY = re.compile(r"key=([A-Za-z0-9_-]{1,128}), ?algorithm=HMAC_SHA256", re.ASCII)
_PORT = re.compile(r":[0-9]+\Z", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Claim:
    """What a request brings as proof. `key_id` names a shared key; empty stands for the auth token."""

    signature: bytes
    key_id: str = ""


def claimed(headers: Mapping[str, Sequence[str]]) -> Claim | None:
    """Return the one signature that a request carries; None where there is none, more than one, or an odd kind."""
    signatures, settings = headers.get(SIGNATURE_HEADER, ()), headers.get(SETTINGS_HEADER, ())
    if len(signatures) != 1 or len(settings) > 1:
        return None
    signature = signatures[0].encode("latin-1", "replace")
    if not settings:
        return Claim(signature)
    named = _SHARED_KEY.fullmatch(settings[0])
    return Claim(signature, named[1]) if named else None


def addresses(webhook_url: str) -> tuple[str, ...]:
    """Return the public address as Twilio may have signed it: as given, without a port, with the scheme's own port."""
    plain = webhook_url.partition("#")[0]
    parts = urlsplit(plain)
    bare = _PORT.sub("", parts.netloc)
    ported = parts.netloc if bare != parts.netloc else f"{bare}:{_DEFAULT_PORTS[parts.scheme]}"
    return tuple(dict.fromkeys(parts._replace(netloc=host).geturl() for host in (parts.netloc, bare, ported)))


def form_text(form: Iterable[tuple[str, str]]) -> str:
    """Return what a form adds to the signed text."""
    return "".join(name + value for name, value in sorted(set(form)))


def signed(texts: Iterable[str], claim: Claim, secrets: Iterable[SigningSecret]) -> bool:
    """Tell whether an accepted secret of the claimed kind signed one of `texts`. A shared key never stands in for a token."""
    kind, algorithm = ("shared_key", hashlib.sha256) if claim.key_id else ("auth_token", hashlib.sha1)
    keys = [one.secret.encode() for one in secrets if one.kind == kind and one.key_id == claim.key_id and one.secret]
    expected = [
        base64.b64encode(hmac.digest(key, text.encode("utf-8", "replace"), algorithm)) for text in texts for key in keys
    ]
    return any([hmac.compare_digest(claim.signature, one) for one in expected])  # noqa: C419 - each is compared, always


def body_matches(query: str, body: bytes) -> bool:
    """Tell whether the signed query carries the SHA-256 of a body that is not a form."""
    named = parse_qs(query).get("bodySHA256", [])
    return len(named) == 1 and hmac.compare_digest(named[0].encode(), hashlib.sha256(body).hexdigest().encode())
