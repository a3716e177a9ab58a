"""Creates and updates the streams and the bucket of `shared.topology`. Idempotent; run before services and repeated."""

import asyncio

from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

from shared.bus.login import connect, login
from shared.settings import Nats
from shared.topology import CONFIG_BUCKET, CONFIG_HISTORY, CONFIG_REPUBLISH, INBOUND, STREAMS, Stream

_CONNECT_LIMIT = 10


def apply_topology(server: str | Nats, replicas: int = 1, first: int | None = None) -> None:
    """
    Bring the server's streams to the table's settings. Raises `OSError` or nats errors when it cannot.

    `first`: the sequence with which INBOUND begins where it has to be made. Threads remember up to where they were read,
    so after the loss of a stream the next one has to begin above the lost one's end.
    """
    asyncio.run(_apply(server, replicas, first))


async def _apply(server: str | Nats, replicas: int, first: int | None) -> None:
    options = login(server, "topology")
    connection = await connect({**options, "connect_timeout": _CONNECT_LIMIT, "allow_reconnect": False})
    try:
        js = connection.jetstream()
        for stream in STREAMS:
            await _apply_stream(js, stream_config(stream, replicas), first if stream is INBOUND else None)
        await _apply_bucket(js, replicas)
    finally:
        await connection.close()


def stream_config(stream: Stream, replicas: int) -> api.StreamConfig:
    """Return the server's settings for a row of the topology table."""
    return api.StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        retention=api.RetentionPolicy.WORK_QUEUE if stream.work_queue else api.RetentionPolicy.LIMITS,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.OLD if stream.hints else api.DiscardPolicy.NEW,
        max_age=stream.max_age,
        max_bytes=stream.max_bytes,
        max_msg_size=stream.max_msg_size,
        duplicate_window=stream.duplicate_window,
        num_replicas=replicas,
        allow_direct=True,
        allow_msg_ttl=stream.work_queue or None,
        allow_msg_schedules=stream.work_queue or None,
        persist_mode=api.PersistMode.ASYNC if stream.hints and replicas == 1 else None,
    )


async def _apply_stream(js: JetStreamContext, wanted: api.StreamConfig, first: int | None) -> None:
    try:
        await js.stream_info(str(wanted.name))
    except NotFoundError:
        await js.add_stream(wanted, first_seq=first)
    else:
        await js.update_stream(wanted)


async def _apply_bucket(js: JetStreamContext, replicas: int) -> None:
    source, destination = CONFIG_REPUBLISH
    try:
        await js.key_value(CONFIG_BUCKET)
    except NotFoundError:
        await js.create_key_value(
            api.KeyValueConfig(
                bucket=CONFIG_BUCKET,
                history=CONFIG_HISTORY,
                replicas=replicas,
                storage=api.StorageType.FILE,
                republish=api.RePublish(src=source, dest=destination),
            )
        )
