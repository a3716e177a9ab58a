"""Egress's side of the web chat: a part is delivered once it is on record."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.channels.ports import Accepted, Credentials, Listed, Outcome
from shared.failures import SendFailure
from shared.ids import Address, AttemptId, ProviderSid

_UNKNOWN_CODE = SendFailure("web_failed")


class WebChat:
    """The adapter."""

    @property
    def window(self) -> timedelta | None:
        """A chat may be answered for ever."""
        return None

    def render(self, markdown: str, sources: Sequence[str], *, limit: int, truncated: bool) -> list[str]:  # noqa: ARG002 - a page has room
        """Return the reply as it is, Markdown, with its sources as a list below."""
        listed = "\n".join(f"{number}. {source}" for number, source in enumerate(sources, start=1))
        return [f"{markdown}\n\n**Sources:**\n{listed}" if sources else markdown]

    async def send(
        self, credentials: Credentials, *, sender: Address, to: Address, body: str, attempt: AttemptId
    ) -> Outcome:
        """Do nothing: the part is read where it is stored. Repeated, it is the same message."""
        del credentials, sender, to, body
        return Accepted(ProviderSid(f"web_{attempt}"), 200, status="delivered")

    async def find_sent(
        self, credentials: Credentials, *, sender: Address, to: Address, since: datetime
    ) -> list[Listed] | None:
        """Return nothing: a send that was broken off never left this place, and can be made again."""
        del credentials, sender, to, since
        return []

    async def typing(self, credentials: Credentials, *, provider_sid: ProviderSid) -> bool:
        """Show nothing: whoever reads a chat is told that its agent is at work."""
        del credentials, provider_sid
        return True

    def failure(self, code: int) -> SendFailure:
        """Return a failure that never comes."""
        del code
        return _UNKNOWN_CODE
