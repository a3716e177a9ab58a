"""Looks at what came with the messages of a turn: fetches it, reads or hears it, and keeps what was found, no file."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.agent.cleaning import clean
from services.agent.media import kinds
from services.agent.media.seen import Seen
from services.agent.media.transcription import Transcriber, TranscriptionUnavailable
from services.agent.store import Turns, Work
from shared.channels.ports import Credentials, Media, MediaReference, MediaUnfetched
from shared.failures import MEDIA_UNAVAILABLE, MEDIA_UNHEARD, MEDIA_UNREADABLE, Failure, GatewayError
from shared.media.contents import Content, Kind, Unread, unread, with_contents
from shared.reading.sandbox import ReadingFailed, read
from shared.telemetry import MEDIA_READ, log

_MOST = 10
"""Things of one turn that are looked at."""

_MOST_PICTURE = 5 * 1024 * 1024
"""Bytes of a picture."""

_MOST_SHOWN = 11 * 1024 * 1024
"""Characters of all the pictures of a turn, as a model is shown them: some 8 MB."""

_MOST_TEXT = 24_000
"""Characters of a file, or of what was spoken, that a model is told."""

_CUT = "\n(The rest is left out.)"
_READING_LIMIT = 30.0
_AT_ONCE = 3
"""Turns of this process that look at media at a time: files are held in memory, and read by processes."""

_FAILURES = {Unread.UNAVAILABLE: MEDIA_UNAVAILABLE, Unread.UNHEARD: MEDIA_UNHEARD}


@dataclass(frozen=True)
class Attachments:
    """Who looks. `sources`: by `provider/channel`. `transcriber`: None where nobody hears voice messages."""

    turns: Turns
    sources: Mapping[str, Media]
    transcriber: Transcriber | None = None
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def look(self, work: Work) -> Seen:
        """Return the messages as they are now. Raises GatewayError where nothing is there to answer."""
        async with self._room:
            found = await self._found(work)
        asked = list(work.asked)
        for it, contents in zip(work.attached, found, strict=True):
            await self.turns.keep_contents(work, it.message, contents)
            asked[it.place] = {"role": "user", "content": with_contents(it.text, contents)}
        contents = [one for them in found for one in them]
        words = bool(_written(work)) or any(it.kind in {Kind.SPOKEN, Kind.FILE} for it in contents)
        if not words and not any(it.is_read for it in contents):
            raise GatewayError(_failure(contents))
        spoken = [it.text for it in contents if it.kind is Kind.SPOKEN]
        wrote = "\n".join(filter(None, [*_written(work), *spoken]))
        return Seen(tuple(asked), wrote, tuple(it.picture for it in contents if it.picture), words)

    async def _found(self, work: Work) -> list[list[Content]]:
        """Look at one after the other, as much as one turn may bring."""
        login = await self.turns.media_login(work)
        found: list[list[Content]] = []
        looked = shown = 0
        for it in work.attached:
            contents = []
            for place, reference in enumerate(it.media):
                looked += 1
                content = await self._content(work, login, reference, it.known(place)) if looked <= _MOST else _TOO_MANY
                shown += len(content.picture)
                contents.append(content if shown <= _MOST_SHOWN else _TOO_MANY)
            found.append(contents)
        return found

    async def _content(
        self, work: Work, login: Credentials | None, reference: MediaReference, known: Content | None
    ) -> Content:
        """Look at one thing, unless what was read in it before is known. It tells its kind and nothing else to the log."""
        if known is not None and known.kind in {Kind.SPOKEN, Kind.FILE}:
            return known
        source = self.sources.get(f"{work.provider}/{work.channel}")
        if source is None or login is None:
            content, size = unread(Unread.GONE), 0
        else:
            content, size = await self._fetched(source, login, reference)
        why = content.text if content.kind is Kind.UNREAD else None
        log.info(MEDIA_READ, turn=work.turn, kind=content.kind.value, bytes=size, reason=why)
        return content

    async def _fetched(self, source: Media, login: Credentials, reference: MediaReference) -> tuple[Content, int]:
        try:
            content = await source.fetch(login, reference.url)
        except MediaUnfetched as failed:
            return unread(Unread(failed.reason)), 0
        return await self._read(content, reference.media_type), len(content)

    async def _read(self, content: bytes, said_to_be: str) -> Content:
        """Return what something holds, by what it is found to be."""
        if (form := kinds.picture(content)) is not None:
            return _picture(content, form)
        if (form := kinds.sound(content, said_to_be)) is not None:
            return await self._heard(content, form)
        return unread(Unread.UNKNOWN) if kinds.is_film(content) else await _file(content)

    async def _heard(self, content: bytes, form: kinds.Format) -> Content:
        if self.transcriber is None:
            return unread(Unread.UNHEARD)
        try:
            spoken = clean(await self.transcriber.heard(content, form)).strip()
        except TranscriptionUnavailable:
            return unread(Unread.UNAVAILABLE)
        return Content(Kind.SPOKEN, _cut(spoken)) if spoken else unread(Unread.SILENT)


_TOO_MANY = unread(Unread.TOO_MANY)


def _picture(content: bytes, form: kinds.Format) -> Content:
    if len(content) > _MOST_PICTURE:
        return unread(Unread.TOO_LARGE)
    return Content(Kind.PICTURE, picture=f"data:{form.media_type};base64,{b64encode(content).decode()}")


async def _file(content: bytes) -> Content:
    """Read a file in a process apart, as knowledge is read."""
    try:
        reading = await read(content, "file", _READING_LIMIT)
    except ReadingFailed:
        return unread(Unread.UNAVAILABLE)
    if reading.failure is not None:
        return unread(Unread.UNKNOWN if reading.failure == "kind_unknown" else Unread.UNREADABLE)
    passages = ("\n".join(filter(None, (it.heading, it.text))) for it in reading.passages)
    return Content(Kind.FILE, _cut(clean("\n\n".join(passages))))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + _CUT


def _written(work: Work) -> list[str]:
    """Return what the person wrote, message by message."""
    texts = {it.place: it.text for it in work.attached}
    written = (texts.get(place, str(said["content"])) for place, said in enumerate(work.asked))
    return [text for text in written if text.strip()]


def _failure(contents: Sequence[Content]) -> Failure:
    reasons = [Unread(it.text) for it in contents]
    return next((_FAILURES[it] for it in reasons if it in _FAILURES), MEDIA_UNREADABLE)
