"""
Twilio's sandbox: who has not joined gets nothing, and what they write goes no further.

Membership ends three days after joining. `join …` itself is Twilio's, and so is the answer to it.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_JOIN = re.compile(r"\s*join [a-z]+-[a-z]+\s*", re.IGNORECASE)
_MEMBERSHIP = timedelta(days=3)
_WELCOME = "You are all set! The sandbox can now send and receive messages from this number."
_STRANGER = "Your number is not connected to a sandbox. Send join and its code first, such as: join quick-fox"


@dataclass
class Sandbox:
    """Whether lines are the sandbox's, and until when each person is a member."""

    is_on: bool = False
    members: dict[str, datetime] = field(default_factory=dict)

    def answer(self, person: str, body: str, now: datetime) -> str | None:
        """Return what Twilio answers a person itself; None where the message is the line's."""
        if not self.is_on:
            return None
        if _JOIN.fullmatch(body):
            self.members[person] = now + _MEMBERSHIP
            return _WELCOME
        return None if self.admits(person, now) else _STRANGER

    def admits(self, person: str, now: datetime) -> bool:
        """Tell whether a person may be written to."""
        return not self.is_on or now < self.members.get(person, now)
