"""
NATS' own keys: an Ed25519 key written in base32, with a prefix that says whose it is and a checksum.

The library for them is published as source only, and images take nothing but wheels; the form is that of
https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth.
"""

import base64
import binascii
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SEED, _USER = 18 << 3, 20 << 3
_SEED_LENGTH = 32
_CHECKSUM_LENGTH = 2


class MalformedSeed(ValueError):
    """Not the seed of a user's nkey. Says nothing of what it is."""


class Nkey:
    """A user's key. Raises MalformedSeed for anything that is no seed such as `SUA…`."""

    def __init__(self, seed: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(_decoded(seed.strip()))

    @property
    def public(self) -> str:
        """What the server knows of it, such as `UA…`."""
        return _encoded(bytes([_USER]) + self._key.public_key().public_bytes_raw())

    def sign(self, nonce: str) -> bytes:
        """Return the proof that the server asks for with a nonce."""
        return base64.b64encode(self._key.sign(nonce.encode()))


def new_seed() -> str:
    """Return the seed of a new user's key."""
    return _encoded(bytes([_SEED | _USER >> 5, (_USER & 31) << 3]) + secrets.token_bytes(_SEED_LENGTH))


def _decoded(seed: str) -> bytes:
    try:
        whole = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except binascii.Error:
        raise MalformedSeed from None
    body, checksum = whole[:-_CHECKSUM_LENGTH], whole[-_CHECKSUM_LENGTH:]
    prefix, key = body[:2], body[2:]
    if (
        prefix != bytes([_SEED | _USER >> 5, (_USER & 31) << 3])
        or len(key) != _SEED_LENGTH
        or _checksum(body) != checksum
    ):
        raise MalformedSeed
    return key


def _encoded(body: bytes) -> str:
    return base64.b32encode(body + _checksum(body)).decode().rstrip("=")


def _checksum(body: bytes) -> bytes:
    return binascii.crc_hqx(body, 0).to_bytes(_CHECKSUM_LENGTH, "little")
