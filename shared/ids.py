"""Names for every id, so that the type checker sees when two are swapped."""

from typing import NewType

import uuid_utils

TenantId = NewType("TenantId", str)
AccountId = NewType("AccountId", str)
LineId = NewType("LineId", str)
AgentId = NewType("AgentId", str)
UserId = NewType("UserId", str)
ContactId = NewType("ContactId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
TurnId = NewType("TurnId", str)
AttemptId = NewType("AttemptId", str)

ThreadKey = NewType("ThreadKey", str)
"""A contact's mailbox on one line: 26 base32 characters, safe in subjects, logs and metrics."""

AddressKey = NewType("AddressKey", str)
"""Keyed hash of an address. What tables index and telemetry may show in place of the address."""

Address = NewType("Address", str)
"""A channel address with its scheme, `whatsapp:+14155238886` or `whatsapp:US.1349…`. Personal data: never logged."""

AccountSid = NewType("AccountSid", str)
ProviderSid = NewType("ProviderSid", str)
ReplyId = NewType("ReplyId", int)
"""Ascends within a thread: replies are sent in this order."""

PartId = NewType("PartId", int)
Sequence = NewType("Sequence", int)
"""Position of a message in the INBOUND stream; 0 is before the first."""


def new_id(prefix: str) -> str:
    """Return a fresh, roughly time-ordered id such as `tn_0192f3…`."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"
