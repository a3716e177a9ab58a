"""Where people's files are kept, and somebody who hears voice messages: in memory."""

from dataclasses import dataclass, field

from services.agent.media.kinds import Format
from services.agent.media.transcription import TranscriptionUnavailable
from shared.channels.ports import Credentials, MediaUnfetched


@dataclass
class FakeMedia:
    """`files`: what is there, by the end of its address; a text is why it cannot be had. `asked`: for what, with what login."""

    files: dict[str, bytes | str] = field(default_factory=dict)
    asked: list[tuple[str, Credentials]] = field(default_factory=list)

    async def fetch(self, credentials: Credentials, url: str) -> bytes:
        self.asked.append((url, credentials))
        found = next((it for end, it in self.files.items() if url.endswith(end)), "gone")
        if isinstance(found, str):
            raise MediaUnfetched(found)
        return found


@dataclass
class FakeTranscriber:
    """Hears the same in everything; nothing at all where `spoken` is None."""

    spoken: str | None = "What time is breakfast?"
    heard_forms: list[Format] = field(default_factory=list)

    async def heard(self, recording: bytes, form: Format) -> str:
        assert recording
        self.heard_forms.append(form)
        if self.spoken is None:
            raise TranscriptionUnavailable
        return self.spoken
