"""What becomes of one message: the rules, in the order in which they apply."""

from dataclasses import dataclass
from datetime import timedelta

from services.router import commands
from services.router.commands import STOP, Command
from services.router.mailbox import ASKED, HANDED_OFF, Mailbox
from services.router.notices import NO_AGENT, NOT_RECOGNIZED, OVER_QUOTA, TEXT_ONLY, TOO_LONG, Notice, too_many
from services.router.quota import within_quota
from services.router.ratelimit import RateLimit
from services.router.threads import Message

_LONGEST_TEXT = 4096

DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Intake:
    """The rules of a line's door."""

    limit: RateLimit
    burst: timedelta
    """How long after its first message a burst is still one turn."""

    async def take_in(self, mailbox: Mailbox, message: Message) -> str:
        """Log a message, act on it, and return what became of it."""
        mailbox.read(message.seq)
        if message.provider_sid in mailbox.logged:
            return await self._again(mailbox, message)
        mailbox.thread.last_inbound_at = max(message.at, mailbox.thread.last_inbound_at or message.at)
        mailbox.thread.last_provider_sid = message.provider_sid
        outcome = await self._decide(mailbox, message)
        await mailbox.record(message, outcome)
        return outcome

    async def _again(self, mailbox: Mailbox, message: Message) -> str:
        """Ask the agent once more what it failed to answer, where an admin wants it; nothing else is repeated."""
        if not message.replayed or not await mailbox.asked_before(message):
            return DUPLICATE
        outcome = await self._talk(mailbox, message)
        if outcome == ASKED:
            await mailbox.move(message)
        return outcome

    async def _decide(self, mailbox: Mailbox, message: Message) -> str:
        if not mailbox.line.enabled:
            return "disabled"
        text = message.content.text
        if mailbox.thread.opted_out_at is not None and mailbox.line.is_open:
            return await self._while_stopped(mailbox, message)
        found = commands.find(text) if message.num_media == 0 else None
        if not (found and found[0] is STOP) and not self._within_limit(mailbox, message):
            return await self._notify(mailbox, message, too_many(self.limit.window), "rate_limited")
        if mailbox.line.is_open and not mailbox.line.is_test:
            await mailbox.note_lead(message.content.referral)
        if found:
            return await self._command(mailbox, message, *found)
        return await self._talk(mailbox, message)

    async def _talk(self, mailbox: Mailbox, message: Message) -> str:
        if not mailbox.line.is_open and mailbox.binding is None:
            return await self._notify(mailbox, message, NOT_RECOGNIZED, "not_recognized")
        if mailbox.is_handed_off:
            return HANDED_OFF
        if not _is_taken(mailbox, message):
            return await self._notify(mailbox, message, TEXT_ONLY, "text_only")
        if len(message.content.text) > _LONGEST_TEXT:
            return await self._notify(mailbox, message, TOO_LONG, "too_long")
        if mailbox.agent is None:
            return await self._notify(mailbox, message, NO_AGENT, "no_agent")
        if mailbox.daily_messages is not None and not await within_quota(mailbox, mailbox.daily_messages):
            return await self._notify(mailbox, message, OVER_QUOTA, "over_quota")
        await mailbox.ask_agent(message, self.burst)
        return ASKED

    async def _while_stopped(self, mailbox: Mailbox, message: Message) -> str:
        if not commands.is_start(message.content.text):
            return "opted_out"
        return await self._command(mailbox, message, commands.START, "")

    async def _command(self, mailbox: Mailbox, message: Message, command: Command, argument: str) -> str:
        answer = await command.run(mailbox, message, argument)
        if answer is not None:
            await mailbox.say(message, answer, "command")
        return f"command{command.word}"

    def _within_limit(self, mailbox: Mailbox, message: Message) -> bool:
        admitted, mailbox.thread.hits = self.limit.admit(mailbox.thread.hits, message.at)
        return admitted

    async def _notify(self, mailbox: Mailbox, message: Message, notice: Notice, outcome: str) -> str:
        if notice.due(mailbox.thread.noticed, message.at):
            mailbox.thread.noticed = {**mailbox.thread.noticed, notice.name: message.at.isoformat()}
            await mailbox.say(message, notice.text, "notice")
        return outcome


def _is_taken(mailbox: Mailbox, message: Message) -> bool:
    """Tell whether a message is of a kind that the line takes. What came without an address cannot be looked at."""
    if message.num_media:
        return mailbox.line.takes_media and bool(message.content.media)
    return bool(message.content.text.strip())
