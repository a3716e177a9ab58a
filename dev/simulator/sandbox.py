"""
Twilio's sandbox: who has not joined gets nothing, and what they write goes no further; it sends one message in three seconds.

Membership ends three days after joining. `join …` itself is Twilio's, and so is the answer to it.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_JOIN = re.compile(r"\s*join [a-z]+-[a-z]+\s*", re.IGNORECASE)
_MEMBERSHIP = timedelta(days=3)
_PAUSE = timedelta(seconds=3)
NOT_JOINED, TOO_FAST = 63015, 63018
_WELCOME = "You are all set! The sandbox can now send and receive messages from this number."
_STRANGER = "Your number is not connected to a sandbox. Send join and its code first, such as: join quick-fox"


@dataclass
class Sandbox:
    """Whether lines are the sandbox's, until when each person is a member, and when each line sent last."""

    is_on: bool = False
    members: dict[str, datetime] = field(default_factory=dict)
    sent: dict[str, datetime] = field(default_factory=dict)

    def answer(self, person: str, body: str, now: datetime) -> str | None:
        """Return what Twilio answers a person itself; None where the message is the line's."""
        if not self.is_on:
            return None
        if _JOIN.fullmatch(body):
            self.members[person] = now + _MEMBERSHIP
            return _WELCOME
        return None if self._has(person, now) else _STRANGER

    def refuses(self, line: str, person: str, now: datetime) -> int | None:
        """Return Twilio's code for why a line cannot send to a person now; None where it can, and does."""
        if not self.is_on:
            return None
        if not self._has(person, now):
            return NOT_JOINED
        if line in self.sent and now - self.sent[line] < _PAUSE:
            return TOO_FAST
        self.sent[line] = now
        return None

    def _has(self, person: str, now: datetime) -> bool:
        return now < self.members.get(person, now)
