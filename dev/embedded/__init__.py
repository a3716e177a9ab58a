"""NATS and Postgres from their wheels, as children of this process: for the local stack and for tests."""

from dev.embedded.nats import NatsServer, nats_server
from dev.embedded.ports import free_port, is_free
from dev.embedded.postgres import PostgresServer, postgres_server
from dev.embedded.process import Process, StartFailed

__all__ = [
    "NatsServer",
    "PostgresServer",
    "Process",
    "StartFailed",
    "free_port",
    "is_free",
    "nats_server",
    "postgres_server",
]
