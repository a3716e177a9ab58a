"""The second factor: codes of an authenticator (TOTP, RFC 6238), and recovery codes for when it is lost."""

import base64
import hashlib
import secrets
import time
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

_SECRET_BYTES = 20
_DIGITS = 6
_PERIOD = 30
_LEEWAY = 1
"""Steps that a phone's clock may be off."""

_RECOVERY_CODES = 10
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_RECOVERY_LENGTH = 12
"""Twelve of 31 signs are 59 bits: too many to try, so a plain digest keeps them."""


def new_secret() -> bytes:
    """Return a fresh secret for an authenticator."""
    return secrets.token_bytes(_SECRET_BYTES)


def address(secret: bytes, account: str) -> str:
    """Return the `otpauth` address that an authenticator takes from a picture."""
    return f"otpauth://totp/{quote(f'Trunkline:{account}')}?secret={spelt(secret)}&issuer=Trunkline"


def spelt(secret: bytes) -> str:
    """Return a secret as it is typed into an authenticator: base32."""
    return base64.b32encode(secret).decode().rstrip("=")


def step_of(secret: bytes, code: str, after: int, now: float | None = None) -> int | None:
    """Return the step that a code belongs to; None for one that is wrong, or not behind the step that was used last."""
    present = int(time.time() if now is None else now) // _PERIOD
    typed = "".join(code.split())
    for step in range(present - _LEEWAY, present + _LEEWAY + 1):
        if step > after and secrets.compare_digest(code_at(secret, step).encode(), typed.encode()):
            return step
    return None


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a step of 30 seconds."""
    return HOTP(secret, _DIGITS, SHA1()).generate(step).decode()  # noqa: S303 - what authenticators speak


def new_recovery_codes() -> list[str]:
    """Return fresh recovery codes, as they are shown once."""
    return ["".join(secrets.choice(_SIGNS) for _ in range(_RECOVERY_LENGTH)) for _ in range(_RECOVERY_CODES)]


def recovery_digest(code: str) -> str:
    """Return what is kept of a recovery code; blanks and dashes do not matter."""
    return hashlib.sha256("".join(sign for sign in code.lower() if sign.isalnum()).encode()).hexdigest()
