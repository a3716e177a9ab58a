"""Each alert: a fault that fires it, and what is nearly one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.deploy.alerts.series import Course, at, jump, rising, steady

Change = Mapping[str, Course]


@dataclass(frozen=True)
class Case:
    """`within`: minutes after which the fault has fired the alert. `also`: alerts that the same fault fires by then."""

    fault: Change
    near: Change
    within: int = 1
    also: frozenset[str] = field(default_factory=frozenset)


def _all(metric: str, course: Course, **labels: str) -> Change:
    return {f"{metric}{at(process, **labels)}": course for process in ("router", "agent", "egress", "console")}


def _webhooks(failed: Course, accepted: Course) -> Change:
    return {
        f"trunkline_webhooks_total{at('ingress', outcome='unavailable')}": failed,
        f"trunkline_webhooks_total{at('ingress', outcome='accepted')}": accepted,
    }


def _answers(in_time: Course) -> Change:
    return {f"trunkline_hop_seconds_bucket{at('egress', hop='answer', le='30.0')}": in_time}


def _one(metric: str, process: str, fault: Course, near: Course, **labels: str) -> Case:
    series = f"{metric}{at(process, **labels)}"
    return Case({series: fault}, {series: near})


CASES: Mapping[str, Case] = {
    "AcceptFails": Case(
        _webhooks(rising(0, 2400), rising(600, 0)),
        _webhooks(rising(0, 2), rising(600, 598)),
        within=2,
        also=frozenset({"AcceptFailsSlowly"}),
    ),
    "AcceptFailsSlowly": Case(
        _webhooks(rising(0, 20), rising(600, 580)), _webhooks(rising(0, 2), rising(600, 598)), within=300
    ),
    "RepliesLate": Case(
        _answers(rising(600, 0)), _answers(rising(600, 560)), within=10, also=frozenset({"RepliesLateSlowly"})
    ),
    "RepliesLateSlowly": Case(_answers(rising(600, 540)), _answers(rising(600, 590)), within=300),
    "WorkWaits": _one(
        "trunkline_oldest_waiting_seconds", "agent", lambda m: max(0.0, 40 + 60 * m), jump(0, 25), stage="agent"
    ),
    "Backlog": _one("trunkline_events_pending", "router", jump(12, 9000), jump(12, 4000), durable="router"),
    "LeaseStuck": _one(
        "trunkline_expired_lease_seconds", "agent", lambda m: max(0.0, 30 + 60 * m), jump(0, 10), stage="agent"
    ),
    "DeadLetters": _one("trunkline_dead_letters_waiting", "console", jump(0, 1), steady(0), stage="egress"),
    "CanarySilent": _one("trunkline_canary_success_age_seconds", "console", jump(0, 901), jump(0, 899)),
    "ProcessDown": _one("up", "egress", jump(1, 0), lambda m: 0 if m == 0 else 1),
    "SignatureFailures": _one("trunkline_signature_failures_total", "ingress", rising(0.5, 60), rising(0.5, 4)),
    "ProviderRefusesCredentials": Case(
        {f"trunkline_send_failures_total{at('egress', failure='bad_credentials')}": rising(0, 4)},
        {f"trunkline_send_failures_total{at('egress', failure='recipient_opted_out')}": rising(1, 60)},
    ),
    "SendsInDoubt": _one(
        "trunkline_ambiguous_sends_total", "egress", rising(0, 20), rising(0, 0.2), resolution="resent"
    ),
    "TokenOld": _one("trunkline_credential_age_seconds", "console", jump(0, 181 * 86400), jump(0, 179 * 86400)),
    "CertificateEnds": _one(
        "trunkline_certificate_expiry_timestamp_seconds",
        "ingress",
        jump(80 * 86400, 13 * 86400),
        jump(80 * 86400, 16 * 86400),
        certificate="nats",
    ),
    "NatsDown": Case(
        {
            f"trunkline_check_up{at(it, check='nats')}": jump(1, 0)
            for it in ("ingress", "router", "agent", "egress", "console")
        },
        {f"trunkline_check_up{at('agent', check='nats')}": jump(1, 0)},
    ),
    "NatsDiskFills": _one("trunkline_nats_store_bytes", "ingress", jump(20e9, 70e9), jump(20e9, 69e9)),
    "StreamFills": _one("trunkline_nats_stream_bytes", "ingress", jump(1e9, 2.9e9), jump(1e9, 2.7e9), stream="INBOUND"),
    "NatsDoesNotSync": _one("trunkline_nats_sync_always", "ingress", jump(1, 0), steady(1)),
    "PostgresDown": Case(
        _all("trunkline_check_up", jump(1, 0), check="postgres"),
        {f"trunkline_check_up{at('agent', check='postgres')}": jump(1, 0)},
    ),
    "PostgresSlow": Case(
        _all("trunkline_check_seconds", jump(0.002, 1.2), check="postgres"),
        _all("trunkline_check_seconds", jump(0.002, 0.3), check="postgres"),
    ),
    "PoolExhausted": _one("trunkline_db_requests_waiting", "router", jump(0, 3), lambda m: 3 if m == 0 else 0),
    "ModelFails": Case(
        {
            f"gen_ai_client_operation_duration_seconds_count{at('agent', error_type='')}": rising(700, 0),
            f"gen_ai_client_operation_duration_seconds_count{at('agent', error_type='model_unavailable')}": rising(
                2, 700
            ),
        },
        {
            f"gen_ai_client_operation_duration_seconds_count{at('agent', error_type='CancelledError')}": rising(
                300, 3000
            )
        },
    ),
    "ClockOff": _one("trunkline_clock_skew_seconds", "router", jump(0, -3), jump(0, -1.5)),
}

PLANTED: Mapping[str, str] = {
    "NATS down": "NatsDown",
    "disk filling": "NatsDiskFills",
    "Postgres slow": "PostgresSlow",
    "model failing": "ModelFails",
    "Twilio 401": "ProviderRefusesCredentials",
    "signature failures": "SignatureFailures",
    "stuck lease": "LeaseStuck",
    "dead letters": "DeadLetters",
    "backlog": "Backlog",
    "clock": "ClockOff",
}
"""The faults that have to be told of within a minute."""
