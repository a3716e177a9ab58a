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
from collections.abc import Iterable
from typing import Self

from shared.ids import Address, AddressKey, TenantId, ThreadKey
from shared.keyring import KeyRing

WHATSAPP = "whatsapp"
_SCHEME = f"{WHATSAPP}:"
PERSON = re.compile(r"whatsapp:(?:\+[1-9][0-9]{6,14}|[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128})", re.ASCII)
"""A sender or recipient: a phone number, or a business-scoped user id for people who show no number."""

_THREAD_KEY_LENGTH = 26


_NATIONAL = (
    (re.compile(r"\+55([1-9]{2})9?([6-9][0-9]{7})", re.ASCII), ("+55{}9{}", "+55{}{}")),
    (re.compile(r"\+521?([2-9][0-9]{9})", re.ASCII), ("+52{}", "+521{}")),
    (re.compile(r"\+549?([1-3][0-9]{9})", re.ASCII), ("+549{}", "+54{}")),
)
"""
Numbers that networks write in two ways for one subscriber, and the ways, today's first.

Brazil put a 9 before the eight digits of mobile numbers, which WhatsApp leaves out for those who were there before (what begins
with 2 to 5 is a fixed line and has none). Mexico gave up the 1, and Argentina has the 9, between the country and the area, which
only callers from abroad dialled.
"""


def variants(address: str) -> tuple[Address, ...]:
    """Return every way in which networks write an address, today's first. No two people share one."""
    scheme, plus, digits = address.partition("+")
    for pattern, ways in _NATIONAL:
        if written := pattern.fullmatch(plus + digits):
            return tuple(Address(scheme + way.format(*written.groups())) for way in ways)
    return (Address(address),)


def whatsapp(raw: str) -> Address:
    """Return `raw` as a WhatsApp address; the scheme is added when left off, spaces are dropped."""
    compact = "".join(raw.split())
    return Address(compact if compact.startswith(_SCHEME) else _SCHEME + compact)


class Pepper:
    """
    Turns addresses into keys: the newest pepper of a ring writes, all of them look up. So it is with the ways to write a number.

    `version`, the newest's id, is stored beside each key that is written. Lists begin with the key that is written.
    """

    def __init__(self, secret: bytes, version: int = 1, others: Iterable[bytes] = ()) -> None:
        self._secrets = (secret, *others)
        self.version = version

    @classmethod
    def of(cls, ring: KeyRing) -> Self:
        """Return the pepper of a ring."""
        (version, secret), *others = ring.by_age
        return cls(secret, version, [older for _, older in others])

    @property
    def rotating(self) -> bool:
        """Whether there are keys of more than one pepper."""
        return len(self._secrets) > 1

    def __repr__(self) -> str:
        return f"Pepper(version={self.version})"

    def address_key(self, tenant: TenantId, channel: str, address: str) -> AddressKey:
        """Return the key under which a tenant's tables know this address."""
        return self.address_keys(tenant, channel, address)[0]

    def address_keys(self, tenant: TenantId, channel: str, address: str) -> list[AddressKey]:
        """Return every key under which a tenant's tables may know this address."""
        return self._keys(f"address|{tenant}|{channel}|", address)

    def global_key(self, channel: str, address: str) -> AddressKey:
        """Return the key that is the same for every tenant: an address is bound to one user on the whole platform."""
        return self.global_keys(channel, address)[0]

    def global_keys(self, channel: str, address: str) -> list[AddressKey]:
        """Return every key under which this address may be bound."""
        return self._keys(f"binding|{channel}|", address)

    def email_keys(self, tenant: TenantId, email: str) -> list[AddressKey]:
        """Return every key under which a tenant's orders may know an e-mail address; case does not count."""
        return [AddressKey(digest.hex()) for digest in self._digests(f"email|{tenant}|{email.strip().casefold()}")]

    def code_digest(self, code: str) -> str:
        """Return what is stored of a pairing code."""
        return self.code_digests(code)[0]

    def code_digests(self, code: str) -> list[str]:
        """Return everything that may be stored of a pairing code."""
        return [digest.hex() for digest in self._digests(f"pair-code|{code}")]

    def thread_key(self, channel: str, to: str, person: str) -> ThreadKey:
        """Return the key of `person`'s mailbox at the line `to`."""
        digest = self._digests(f"{channel}|{to}|{person}")[0]
        return ThreadKey(base64.b32encode(digest).decode().lower()[:_THREAD_KEY_LENGTH])

    def _keys(self, use: str, address: str) -> list[AddressKey]:
        by_variant = [self._digests(use + written) for written in variants(address)]
        return [AddressKey(digest.hex()) for of_a_pepper in zip(*by_variant, strict=True) for digest in of_a_pepper]

    def _digests(self, text: str) -> list[bytes]:
        return [hmac.digest(secret, text.encode(), hashlib.sha256) for secret in self._secrets]


PAIR_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 signs without the look-alikes I, O, 0 and 1."""

PAIR_CODE_LENGTH = 8


def new_pair_code() -> str:
    """Return a random pairing code: 40 bits, from the system's generator."""
    return "".join(secrets.choice(PAIR_ALPHABET) for _ in range(PAIR_CODE_LENGTH))
