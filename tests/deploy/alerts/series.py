"""Series as our services' scrapes make them, a value each 15 s: a healthy time, and what a fault changes of it."""

import json
from collections.abc import Callable, Mapping

STEP = 15
"""Seconds between two scrapes."""

_MINUTE = 60 // STEP
_POD = 'namespace="trunkline",instance="{}:9090",job="trunkline"'
_PROCESSES = ("ingress", "router", "agent", "egress", "console")

Course = Callable[[float], float]
"""What a series says at a minute, of which the fault begins at 0."""


def at(process: str, **labels: str) -> str:
    """Return the labels of one process's series."""
    more = "".join(f",{name}={json.dumps(value)}" for name, value in labels.items())
    return "{" + _POD.format(process) + more + "}"


def steady(value: float) -> Course:
    return lambda _minute: value


def counting(per_minute: float) -> Course:
    """Count up evenly, from long before."""
    return lambda minute: 1_000_000 + per_minute * minute


def rising(before: float, after: float) -> Course:
    """Count up by so many a minute before the fault, and by so many since."""
    return lambda minute: 1_000_000 + (after if minute > 0 else before) * minute


def jump(before: float, after: float) -> Course:
    """Say one thing before the fault, another since."""
    return lambda minute: after if minute >= 0 else before


HEALTHY: Mapping[str, Course] = {
    **{f"up{at(process)}": steady(1) for process in _PROCESSES},
    **{f"trunkline_check_up{at(process, check='nats')}": steady(1) for process in _PROCESSES},
    **{f"trunkline_check_up{at(process, check='postgres')}": steady(1) for process in _PROCESSES[1:]},
    **{f"trunkline_check_seconds{at(process, check='postgres')}": steady(0.002) for process in _PROCESSES[1:]},
    **{f"trunkline_db_requests_waiting{at(process)}": steady(0) for process in _PROCESSES[1:]},
    **{f"trunkline_clock_skew_seconds{at(process)}": steady(-0.004) for process in _PROCESSES[1:]},
    **{
        f"trunkline_oldest_waiting_seconds{at(process, stage=stage)}": steady(0.4)
        for process, stage in (("router", "router"), ("agent", "agent"), ("egress", "egress"), ("egress", "status"))
    },
    **{
        f"trunkline_events_pending{at(process, durable=durable)}": steady(12)
        for process, durable in (("router", "router"), ("agent", "agent"), ("egress", "egress"), ("egress", "status"))
    },
    **{f"trunkline_expired_lease_seconds{at(stage, stage=stage)}": steady(0) for stage in ("agent", "egress")},
    **{
        f"trunkline_dead_letters_waiting{at('console', stage=stage)}": steady(0)
        for stage in ("router", "agent", "egress", "status")
    },
    f"trunkline_webhooks_total{at('ingress', outcome='accepted')}": counting(600),
    f"trunkline_webhooks_total{at('ingress', outcome='reported')}": counting(1800),
    f"trunkline_webhooks_total{at('ingress', outcome='unavailable')}": counting(0),
    f"trunkline_webhooks_total{at('ingress', outcome='crashed')}": counting(0),
    f"trunkline_signature_failures_total{at('ingress')}": counting(0.5),
    f"trunkline_hop_seconds_bucket{at('egress', hop='answer', le='30.0')}": counting(600),
    f"trunkline_hop_seconds_count{at('egress', hop='answer')}": counting(600),
    f"trunkline_send_failures_total{at('egress', failure='bad_credentials')}": counting(0),
    f"trunkline_send_failures_total{at('egress', failure='recipient_opted_out')}": counting(1),
    f"trunkline_ambiguous_sends_total{at('egress', resolution='resent')}": counting(0),
    f"trunkline_ambiguous_sends_total{at('egress', resolution='given_up')}": counting(0),
    f"trunkline_credential_age_seconds{at('console')}": steady(90 * 86400),
    f"trunkline_certificate_expiry_timestamp_seconds{at('ingress', certificate='nats')}": steady(80 * 86400),
    f"trunkline_nats_sync_always{at('ingress')}": steady(1),
    f"trunkline_nats_sync_always{at('router')}": steady(float("nan")),
    f"trunkline_nats_store_bytes{at('ingress')}": steady(20e9),
    f"trunkline_nats_store_limit_bytes{at('ingress')}": steady(100e9),
    f"trunkline_nats_stream_bytes{at('ingress', stream='INBOUND')}": steady(1e9),
    f"trunkline_nats_stream_limit_bytes{at('ingress', stream='INBOUND')}": steady(4e9),
    f"trunkline_nats_stream_bytes{at('ingress', stream='TURN')}": steady(9e8),
    f"trunkline_nats_stream_limit_bytes{at('ingress', stream='TURN')}": steady(1e9),
    f"gen_ai_client_operation_duration_seconds_count{at('agent', error_type='')}": counting(700),
    f"gen_ai_client_operation_duration_seconds_count{at('agent', error_type='model_unavailable')}": counting(2),
    f"gen_ai_client_operation_duration_seconds_count{at('agent', error_type='CancelledError')}": counting(300),
}


def written(courses: Mapping[str, Course], before: int, after: int) -> list[dict[str, str]]:
    """Return series in promtool's form, from so many minutes before the fault until so many after it."""
    minutes = [step / _MINUTE for step in range(-before * _MINUTE, after * _MINUTE + 1)]
    return [
        {"series": name, "values": " ".join(f"{course(minute):.10g}" for minute in minutes)}
        for name, course in courses.items()
    ]
