"""What is kept of the media of messages: sealed, as long as their texts."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from shared.channels.ports import MediaReference
from shared.media.contents import Content, dump, load
from shared.store.sealed import MESSAGE_CONTENTS, MESSAGE_MEDIA
from shared.vault import Vault


def kept(vault: Vault, tenant: str, row: Mapping[str, Any]) -> tuple[Content, ...]:
    """Return what was found in a message's media before. `place`: the message's id."""
    sealed = row["sealed_contents"]
    return load(vault.open(sealed, MESSAGE_CONTENTS.at(tenant, row["place"]))) if sealed else ()


def sealed_contents(vault: Vault, tenant: str, message: str, contents: Sequence[Content]) -> bytes:
    """Return what is kept of it."""
    return vault.seal(dump(contents), MESSAGE_CONTENTS.at(tenant, message))


def references(vault: Vault, tenant: str, row: Mapping[str, Any]) -> tuple[MediaReference, ...]:
    """Return where a message's media is."""
    sealed = row["sealed_media"]
    found = orjson.loads(vault.open(sealed, MESSAGE_MEDIA.at(tenant, row["place"]))) if sealed else ()
    return tuple(MediaReference(it["url"], it["media_type"]) for it in found)
