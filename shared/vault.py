"""
Sealing at rest: AES-256-GCM, bound to the place the ciphertext belongs to.

A sealed value opens only with the right key and under the context it was sealed for (`tenant/kind/row/version`), so a
ciphertext that is moved to another row or tenant fails closed.

Two formats, told apart by the first byte. 1: sealed by a key of the ring; id byte, 12-byte nonce, body. 2: sealed by a data
key of the context's tenant; number in two bytes, nonce, body. The ring seals what is read without a database, and the data
keys (ADR 11).
"""

import base64
import os
from collections.abc import Mapping
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.failures import SEALED_UNREADABLE, GatewayError
from shared.keyring import KeyRing

RING_FORMAT = 1
TENANT_FORMAT = 2
PLATFORM = "platform"
"""Stands for the tenant in the context of what belongs to none."""

_NONCE_BYTES = 12
_KEY_ID = slice(1, 2)
_NUMBER = slice(1, 3)


class Vault:
    """Seals with the newest key of a ring and opens with whichever key a ciphertext names."""

    def __init__(self, keys: KeyRing | Mapping[int, bytes]) -> None:
        ring = keys if isinstance(keys, KeyRing) else KeyRing(keys, max(keys, default=0))
        self._ciphers = {key_id: AESGCM(key) for key_id, key in ring.keys.items()}
        self.newest = ring.newest
        """The id of the key that seals."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key_ids={sorted(self._ciphers)})"

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt `plain` for `context` only."""
        return self._seal_by_ring(plain, context)

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt. Raises `GatewayError(SEALED_UNREADABLE)` for a wrong key, a wrong place or a changed byte."""
        if sealed[:1] != bytes((RING_FORMAT,)):
            raise GatewayError(SEALED_UNREADABLE)
        cipher = self._ciphers.get(int.from_bytes(sealed[_KEY_ID]))
        return _decrypt(cipher, sealed[_KEY_ID.stop :], context)

    def seal_text(self, plain: str, context: str) -> str:
        """Encrypt a text into base64, for JSON bodies: always by the ring, since they are read without a database."""
        return base64.b64encode(self._seal_by_ring(plain.encode(), context)).decode()

    def open_text(self, sealed: str, context: str) -> str:
        """Undo `seal_text`. Raises as `open` does."""
        try:
            raw = base64.b64decode(sealed, validate=True)
        except ValueError as error:  # binascii's own error is one, and what is no ASCII raises it bare
            raise GatewayError(SEALED_UNREADABLE) from error
        return self.open(raw, context).decode()

    def _seal_by_ring(self, plain: bytes, context: str) -> bytes:
        return bytes((RING_FORMAT, self.newest)) + _encrypt(self._ciphers[self.newest], plain, context)


class DataKeySource(Protocol):
    """Where a tenant's data keys are at hand: memory, filled before the work begins."""

    def newest(self, tenant: str) -> tuple[int, AESGCM]:
        """Return the data key that seals, with its number. Raises `Later` where it is not at hand."""
        ...

    def find(self, tenant: str, number: int) -> AESGCM | None:
        """Return a data key by its number. Raises `Later` where none of the tenant's is at hand."""
        ...


class TenantVault(Vault):
    """Seals rows with the newest data key of the tenant that the context begins with, and everything else by the ring."""

    def __init__(self, keys: KeyRing | Mapping[int, bytes], data_keys: DataKeySource) -> None:
        super().__init__(keys)
        self._data_keys = data_keys

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt `plain` for `context` only. Raises `Later` where the tenant's data key has to be fetched first."""
        if (tenant := owner(context)) == PLATFORM:
            return super().seal(plain, context)
        number, cipher = self._data_keys.newest(tenant)
        return bytes((TENANT_FORMAT,)) + number.to_bytes(2) + _encrypt(cipher, plain, context)

    def open(self, sealed: bytes, context: str) -> bytes:
        """
        Decrypt either format. Raises `GatewayError(SEALED_UNREADABLE)`, also for a data key that does not exist.

        Raises `Later` where the tenant's data keys have to be fetched first.
        """
        if sealed[:1] != bytes((TENANT_FORMAT,)):
            return super().open(sealed, context)
        cipher = self._data_keys.find(owner(context), int.from_bytes(sealed[_NUMBER]))
        return _decrypt(cipher, sealed[_NUMBER.stop :], context)


def place(tenant: str, kind: str, row: object) -> str:
    """Return the context of a sealed column: whose it is, what it is, and the row it sits in."""
    return f"{tenant}/{kind}/{row}/1"


def owner(context: str) -> str:
    """Return the tenant of a context."""
    return context.partition("/")[0]


def ring_key(sealed: bytes) -> int | None:
    """Return the id of the ring's key that sealed a value; None where a data key did."""
    return sealed[1] if sealed[:1] == bytes((RING_FORMAT,)) and len(sealed) > 1 else None


def _encrypt(cipher: AESGCM, plain: bytes, context: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, context.encode())


def _decrypt(cipher: AESGCM | None, sealed: bytes, context: str) -> bytes:
    if cipher is None:
        raise GatewayError(SEALED_UNREADABLE)
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise GatewayError(SEALED_UNREADABLE) from error
