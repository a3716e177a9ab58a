"""What is asked of a phone to write, and the text that it is."""

import base64
import time
from typing import Annotated

from pydantic import BaseModel, Field

from dev.simulator.asking import BadRequest, Order
from dev.simulator.kinds import Kind, kind_named
from dev.simulator.phones import address_of
from dev.simulator.world import PICTURE, Text, World
from shared.addresses import PERSON

_Scalar = str | int | float | bool


class Media(BaseModel):
    """A picture, or whatever else."""

    content_type: str = "image/png"
    data: Annotated[str, Field(max_length=24 * 1024 * 1024)] | None = None
    """In base64; a dot where it is left out."""


class Writing(Order):
    """
    What is asked of `/sim/messages`.

    `kind` is one of `kinds.KINDS`, and fills in what is left out; `reply_to` is the id of the message that is quoted. `sid`
    delivers a known message again; `times` delivers that often at once; `ago` makes it so many seconds old.
    """

    sender: Annotated[str, Field(alias="from")] = ""
    body: str = ""
    kind: str | None = None
    reply_to: str | None = None
    to: str | None = None
    sid: Annotated[str, Field(min_length=1)] | None = None
    profile_name: str | None = None
    media: Media | None = None
    location: dict[str, _Scalar] | None = None
    path: Annotated[str, Field(pattern=r"^[!-~]*$", max_length=2000)] = ""
    fields: dict[str, _Scalar] | None = None
    times: Annotated[int, Field(ge=1, le=100)] = 1
    ago: Annotated[float, Field(ge=0, le=400 * 86_400)] = 0
    wait: bool = True


def taken(world: World, asked: Writing) -> Text:
    """Return the text, by the name of whose phone it is; the transcript has it from now on. Raises as text_of."""
    text = text_of(asked, world.people.names.get(address_of(asked.sender)))
    world.transcript.append((time.time(), asked.model_dump(by_alias=True, exclude_defaults=True)))
    return text


def text_of(asked: Writing, name: str | None = None) -> Text:
    """Return the text. `name`: the person's, where the writing names none. Raises BadRequest, UnknownKind."""
    sender = address_of(asked.sender)
    if not PERSON.fullmatch(sender):
        raise BadRequest("from: a number such as +15550001 or a user id such as US.1234 is needed")
    kind = kind_named(asked.kind) if asked.kind else Kind("")
    body = asked.body or kind.body
    fields = {name: str(value) for name, value in (asked.fields or {}).items()}
    return Text(
        sender=sender,
        body=body,
        to=address_of(asked.to) if asked.to else None,
        sid=asked.sid,
        profile_name=asked.profile_name or name or Text.profile_name,
        media=asked.media.content_type if asked.media else kind.media,
        content=_content(asked.media),
        location=asked.location or kind.location,
        about=kind.about,
        reply_to=asked.reply_to,
        path=asked.path,
        ago=asked.ago,
        fields=dict(kind.fields(body)) | fields,
    )


def _content(media: Media | None) -> bytes:
    if media is None or media.data is None:
        return PICTURE
    try:
        return base64.b64decode(media.data, validate=True)
    except ValueError:
        raise BadRequest("media.data: base64 is needed") from None
