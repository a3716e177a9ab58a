"""
Every metric, with what it means: docs/metrics.md is made from here.

No label holds a number, a person's or a message's id. A tenant is named by `trunkline_model_tokens_total` and
`trunkline_model_cost_total` alone, and there only where that was opted in to.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # when a series began, Prometheus knows by itself


def _measured(name: str, meaning: str) -> Gauge:
    """Return a gauge that is no number in a process that does not measure it: a zero would be told of what is not known."""
    gauge = Gauge(name, meaning)
    gauge.set(math.nan)
    return gauge


# Messages on their way
MESSAGES: Final = Counter(
    "trunkline_channel_messages",
    "Messages by what became of them.",
    ("provider", "channel", "direction", "status"),
)
HOPS: Final = Histogram(
    "trunkline_hop_seconds",
    "Seconds that one hop of a message took; `answer` is the whole way, from its arrival until its answer left.",
    ("hop",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
OLDEST_WAITING: Final = Gauge(
    "trunkline_oldest_waiting_seconds", "How long the oldest work of a stage has waited that nobody is at.", ("stage",)
)
EVENTS_PENDING: Final = Gauge(
    "trunkline_events_pending", "Events that a durable has not settled: what KEDA calls its lag.", ("durable",)
)
EXPIRED_LEASE: Final = Gauge(
    "trunkline_expired_lease_seconds",
    "How long ago the lease ran out of work that still has an owner: nobody took it over.",
    ("stage",),
)
TAKEOVERS: Final = Counter(
    "trunkline_lease_takeovers", "Threads taken over from a process that died or was paused.", ("stage",)
)
DUPLICATES: Final = Counter("trunkline_duplicates", "Messages and reports that had come before.", ("stage",))
DELIVERIES: Final = Counter("trunkline_deliveries", "Events handled, by durable and verdict.", ("durable", "verdict"))
DEAD_LETTERS: Final = Gauge("trunkline_dead_letters_waiting", "Dead letters that wait for somebody.", ("stage",))

# The edge
WEBHOOKS: Final = Counter("trunkline_webhooks", "Webhook requests by answer.", ("outcome",))
SIGNATURE_FAILURES: Final = Counter("trunkline_signature_failures", "Webhooks refused for their signature.")
AMBIGUOUS_SENDS: Final = Counter(
    "trunkline_ambiguous_sends", "Sends whose outcome had to be found out.", ("resolution",)
)
SEND_FAILURES: Final = Counter(
    "trunkline_send_failures", "Sends that the provider refused, by the failure's code.", ("failure",)
)
OUTBOUND_CALLS: Final = Counter(
    "trunkline_outbound_calls", "Calls to addresses that tenants named, by outcome.", ("outcome",)
)
TOKEN_AGE: Final = _measured(
    "trunkline_credential_age_seconds", "Age of the oldest token of a provider's account that is in use."
)
CERTIFICATE_EXPIRY: Final = Gauge(
    "trunkline_certificate_expiry_timestamp_seconds", "When a certificate ends, in Unix time.", ("certificate",)
)

# The canary
CANARY_AGE: Final = _measured(
    "trunkline_canary_success_age_seconds",
    "How long ago the canary of a line was answered, of the line where that is longest ago; no number without canaries.",
)
CANARY_ANSWER: Final = _measured(
    "trunkline_canary_answer_seconds",
    "Seconds from a canary's message to the report on its answer, of the line where that last took longest.",
)
CANARY_RUNS: Final = Counter(
    "trunkline_canary_runs", "Conversations of canaries: answered, or the stage at which they got stuck.", ("outcome",)
)

# The agent
TURNS_RUNNING: Final = Gauge("trunkline_turns_running", "Agent turns that run in this process.")
TURNS_REFUSED: Final = Counter("trunkline_turns_refused", "Turns that a limit ended, by which.", ("reason",))
MODEL_TOKENS: Final = Counter(
    "trunkline_model_tokens", "Tokens that models were paid for.", ("direction", "model", "tenant")
)
MODEL_COST: Final = Counter(
    "trunkline_model_cost", "What models cost, in the currency of the prices that are set.", ("model", "tenant")
)
TOKEN_USAGE: Final = Histogram(
    "gen_ai_client_token_usage",
    "Tokens of one call of a model.",
    ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type"),
    buckets=tuple(4**power for power in range(14)),
)
CALL_SECONDS: Final = Histogram(
    "gen_ai_client_operation_duration_seconds",
    "Seconds that one call of a model took, by how it failed.",
    ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type"),
    buckets=(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
"""Both as OpenTelemetry's GenAI conventions have them, in Prometheus' spelling."""

# What a process needs
CHECK_UP: Final = Gauge("trunkline_check_up", "1 where a readiness check of this process holds, else 0.", ("check",))
CHECK_SECONDS: Final = Gauge("trunkline_check_seconds", "Seconds that a readiness check took.", ("check",))
POOL: Final = Gauge("trunkline_db_connections", "Connections of this process's pool to Postgres.", ("state",))
POOL_LIMIT: Final = _measured("trunkline_db_connections_limit", "The most connections that the pool may hold.")
POOL_WAITING: Final = _measured("trunkline_db_requests_waiting", "Work that waits for a connection of the pool.")
CLOCK_SKEW: Final = _measured(
    "trunkline_clock_skew_seconds", "How far this process's clock is ahead of Postgres' (behind: negative)."
)
NATS_SYNC: Final = _measured("trunkline_nats_sync_always", "1 where NATS writes to disk before it confirms, else 0.")
NATS_STORE: Final = _measured("trunkline_nats_store_bytes", "What JetStream keeps on disk.")
NATS_STORE_LIMIT: Final = _measured("trunkline_nats_store_limit_bytes", "What JetStream may keep on disk.")
NATS_STREAM: Final = Gauge("trunkline_nats_stream_bytes", "What a stream keeps.", ("stream",))
NATS_STREAM_LIMIT: Final = Gauge("trunkline_nats_stream_limit_bytes", "What a stream may keep.", ("stream",))

HOP_ACCEPT: Final = "accept"
HOP_ROUTE: Final = "route"
HOP_TURN: Final = "turn"
HOP_MODEL: Final = "model"
HOP_SEND: Final = "send"
HOP_ANSWER: Final = "answer"


def observe(hop: str, seconds: float) -> None:
    """Count a hop; the trace that runs now is its exemplar."""
    context = trace.get_current_span().get_span_context()
    sampled = context.is_valid and context.trace_flags.sampled
    HOPS.labels(hop).observe(seconds, {"trace_id": trace.format_trace_id(context.trace_id)} if sampled else None)


@contextmanager
def timed(hop: str) -> Iterator[None]:
    """Count how long the block takes, also where it fails."""
    began = time.perf_counter()
    try:
        yield
    finally:
        observe(hop, time.perf_counter() - began)
