"""
Sealing at rest: AES-256-GCM, bound to the place the ciphertext belongs to.

A sealed value opens only with the right key and under the context it was sealed for (`tenant/kind/row/version`), so a
ciphertext that is moved to another row or tenant fails closed. Layout: format byte, key id byte, 12-byte nonce, body.
"""

import base64
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.failures import SEALED_UNREADABLE, GatewayError

_FORMAT = 1
_NONCE_BYTES = 12
_KEY_BYTES = 32


class Vault:
    """Seals with the newest key of a ring and opens with whichever key a ciphertext names."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys or any(len(key) != _KEY_BYTES for key in keys.values()):
            msg = "a vault needs keys of 32 bytes"
            raise ValueError(msg)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._newest = max(keys)

    def __repr__(self) -> str:
        return f"Vault(key_ids={sorted(self._ciphers)})"

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt `plain` for `context` only."""
        nonce = os.urandom(_NONCE_BYTES)
        body = self._ciphers[self._newest].encrypt(nonce, plain, context.encode())
        return bytes((_FORMAT, self._newest)) + nonce + body

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt. Raises `GatewayError(SEALED_UNREADABLE)` for a wrong key, a wrong place or a changed byte."""
        try:
            if sealed[0] != _FORMAT:
                raise GatewayError(SEALED_UNREADABLE)
            cipher = self._ciphers[sealed[1]]
            return cipher.decrypt(sealed[2 : 2 + _NONCE_BYTES], sealed[2 + _NONCE_BYTES :], context.encode())
        except (IndexError, KeyError, InvalidTag, ValueError) as error:
            raise GatewayError(SEALED_UNREADABLE) from error

    def seal_text(self, plain: str, context: str) -> str:
        """Encrypt a text into base64, for JSON bodies."""
        return base64.b64encode(self.seal(plain.encode(), context)).decode()

    def open_text(self, sealed: str, context: str) -> str:
        """Undo `seal_text`. Raises as `open` does."""
        try:
            raw = base64.b64decode(sealed, validate=True)
        except ValueError as error:  # binascii's own error is one, and what is no ASCII raises it bare
            raise GatewayError(SEALED_UNREADABLE) from error
        return self.open(raw, context).decode()


def place(tenant: str, kind: str, row: object) -> str:
    """Return the context of a sealed column: whose it is, what it is, and the row it sits in."""
    return f"{tenant}/{kind}/{row}/1"
