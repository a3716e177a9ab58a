"""Who is to be forgotten: a contact of one tenant, and the threads by which they write."""

from collections.abc import Sequence as Many
from dataclasses import dataclass

from shared.ids import ContactId, Sequence, TenantId, ThreadKey


@dataclass(frozen=True)
class Thread:
    """
    A person's thread. `tenant`: the line's. `upto`: the newest of the stream's messages that go.

    `only`: on a thread that is others' too, the ones that are this tenant's.
    """

    tenant: TenantId
    key: ThreadKey
    upto: Sequence
    only: tuple[Sequence, ...] | None


@dataclass(frozen=True)
class Found:
    """A person's thread as it is in the table. `theirs`: the stream's messages on it that are the tenant's."""

    tenant: TenantId
    key: ThreadKey
    last_seq: Sequence
    is_others_too: bool
    theirs: tuple[Sequence, ...]

    def upto(self, seq: Sequence) -> Thread:
        """Return what is to be emptied of its messages: up to this one, or as far as they were read."""
        only = self.theirs if self.is_others_too else None
        return Thread(self.tenant, self.key, max(seq, self.last_seq), only)


@dataclass(frozen=True)
class Person:
    """A contact of a tenant, found and locked."""

    tenant: TenantId
    contact: ContactId
    found: Many[Found]

    @property
    def keys(self) -> list[ThreadKey]:
        """Return the keys of their threads."""
        return [thread.key for thread in self.found]

    def threads(self, upto: Sequence) -> list[Thread]:
        """Return where they are to be looked for in the streams."""
        return [thread.upto(upto) for thread in self.found]
