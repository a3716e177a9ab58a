"""The settings bucket: sealed values by key, and a call for each change."""

import asyncio
from collections.abc import Awaitable, Callable

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from shared.topology import CONFIG_BUCKET, CONFIG_REPUBLISH

_REPUBLISHED = CONFIG_REPUBLISH[1].removesuffix(">")
_STORED = f"$KV.{CONFIG_BUCKET}."

_PASS_LIMIT = 30.0
"""Seconds that reading everything may take."""

OnChange = Callable[[str, bytes], Awaitable[None]]


class ConfigBucket:
    """The bucket CONFIG. Values are opaque here: writers seal, readers open."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get(self, key: str) -> bytes | None:
        """Return a value, None where there is none."""
        try:
            entry = await (await self._bucket()).get(key)
        except KeyNotFoundError:
            return None
        return entry.value or None

    async def all(self) -> dict[str, bytes]:
        """Return every value by key, in one pass. Raises TimeoutError when that takes too long."""
        watcher = await (await self._bucket()).watchall(ignore_deletes=True)
        found: dict[str, bytes] = {}
        try:
            async with asyncio.timeout(_PASS_LIMIT):
                async for entry in watcher:
                    if entry is None:  # the end of what there is by now
                        break
                    found[entry.key] = entry.value or b""
        finally:
            await watcher.stop()  # type: ignore[no-untyped-call]
        return {key: value for key, value in found.items() if value}

    async def put(self, key: str, value: bytes) -> bool:
        """Write a value unless somebody wrote between; False asks the caller to look again."""
        bucket = await self._bucket()
        try:
            await _write(bucket, key, value)
        except KeyWrongLastSequenceError:
            return False
        return True

    async def remove(self, key: str) -> None:
        """Delete a value; readers are told with an empty one."""
        await (await self._bucket()).delete(key)

    async def watch(self, on_change: OnChange) -> None:
        """Call `on_change(key, value)` for each write from now on; an empty value is a deletion."""

        async def changed(message: Msg) -> None:
            key = message.subject.removeprefix(_REPUBLISHED).removeprefix(_STORED)
            await on_change(key, message.data)

        await self._client.subscribe(CONFIG_REPUBLISH[1], cb=changed)

    async def _bucket(self) -> KeyValue:
        return await self._client.jetstream().key_value(CONFIG_BUCKET)


async def _write(bucket: KeyValue, key: str, value: bytes) -> None:
    """Write after what is stored now. A deleted key has a last revision too, which only `create` looks for."""
    try:
        last = (await bucket.get(key)).revision
    except KeyNotFoundError:
        await bucket.create(key, value)
    else:
        await bucket.update(key, value, last)
