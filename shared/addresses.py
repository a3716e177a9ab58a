"""
Addresses as the system may hold them: keyed hashes, never the number.

The plain SHA-256 of a phone number is reversed in minutes by trying every number, so keys are HMACs whose pepper stays
outside the database. A thread's key has a pepper of its own, which never rotates: it is part of stream subjects.
"""

import base64
import hashlib
import hmac
import re
import secrets

from shared.ids import Address, AddressKey, TenantId, ThreadKey

WHATSAPP = "whatsapp"
_SCHEME = f"{WHATSAPP}:"
PERSON = re.compile(r"whatsapp:(?:\+[1-9][0-9]{6,14}|[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128})", re.ASCII)
"""A sender or recipient: a phone number, or a business-scoped user id for people who show no number."""

_THREAD_KEY_LENGTH = 26


def whatsapp(raw: str) -> Address:
    """Return `raw` as a WhatsApp address; the scheme is added when left off, spaces are dropped."""
    compact = "".join(raw.split())
    return Address(compact if compact.startswith(_SCHEME) else _SCHEME + compact)


class Pepper:
    """Turns addresses into keys. `version` is stored beside each key, so that the pepper can rotate."""

    def __init__(self, secret: bytes, version: int = 1) -> None:
        self._secret = secret
        self.version = version

    def __repr__(self) -> str:
        return f"Pepper(version={self.version})"

    def address_key(self, tenant: TenantId, channel: str, address: str) -> AddressKey:
        """Return the key under which a tenant's tables know this address."""
        return AddressKey(self._digest(f"address|{tenant}|{channel}|{address}").hex())

    def global_key(self, channel: str, address: str) -> AddressKey:
        """Return the key that is the same for every tenant: an address is bound to one user on the whole platform."""
        return AddressKey(self._digest(f"binding|{channel}|{address}").hex())

    def code_digest(self, code: str) -> str:
        """Return what is stored of a pairing code."""
        return self._digest(f"pair-code|{code}").hex()

    def thread_key(self, channel: str, to: str, person: str) -> ThreadKey:
        """Return the key of `person`'s mailbox at the line `to`."""
        encoded = base64.b32encode(self._digest(f"{channel}|{to}|{person}")).decode().lower()
        return ThreadKey(encoded[:_THREAD_KEY_LENGTH])

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._secret, text.encode(), hashlib.sha256)


PAIR_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 signs without the look-alikes I, O, 0 and 1."""

PAIR_CODE_LENGTH = 8


def new_pair_code() -> str:
    """Return a random pairing code: 40 bits, from the system's generator."""
    return "".join(secrets.choice(PAIR_ALPHABET) for _ in range(PAIR_CODE_LENGTH))
