"""The four dashboards. `python -m deploy.grafana` writes them as JSON to deploy/grafana/dashboards."""

from deploy.grafana.panels import Dashboard, Panel, Query, Row

HOPS = {
    "accept": "Twilio's POST until it is answered",
    "route": "arrival until it is taken in",
    "turn": "the agent's turn",
    "model": "one call of the model",
    "send": "one send to Twilio",
    "answer": "the whole way",
}


def _rate(metric: str, by: str, **labels: str) -> str:
    chosen = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"sum by ({by}) (rate({metric}{{{chosen}}}[$__rate_interval]))"


def _quantile(of: float, hop: str) -> str:
    return (
        f'histogram_quantile({of}, sum by (le) (rate(trunkline_hop_seconds_bucket{{hop="{hop}"}}[$__rate_interval])))'
    )


def _latency(hop: str, meaning: str) -> Panel:
    queries = tuple(Query(_quantile(of, hop), f"p{of * 100:g}") for of in (0.5, 0.95, 0.99))
    return Panel(hop, queries, "s", hint=meaning.capitalize() + ".")


OVERVIEW = Dashboard(
    "trunkline-overview",
    "Trunkline: overview",
    (
        Row(
            "Is it well?",
            (
                Panel("Alerts", (Query('count by (alertname, severity) (ALERTS{alertstate="firing"})'),), kind="table"),
                Panel(
                    "Accepted",
                    (Query("1 - trunkline:accept_errors:ratio_rate1h"),),
                    "percentunit",
                    "stat",
                    "Of the last hour's webhooks; the objective is 99.9 %.",
                ),
                Panel(
                    "Answered within 30 s",
                    (Query("1 - trunkline:late_replies:ratio_rate1h"),),
                    "percentunit",
                    "stat",
                    "Of the last hour's answers; the objective is 99 %.",
                ),
                Panel(
                    "Dead letters",
                    (Query("sum(max by (stage) (trunkline_dead_letters_waiting))"),),
                    kind="stat",
                    warn=1,
                ),
            ),
        ),
        Row(
            "Messages",
            (
                Panel(
                    "In",
                    (Query(_rate("trunkline_channel_messages_total", "status", direction="inbound"), "{{status}}"),),
                    "cps",
                ),
                Panel(
                    "Out",
                    (Query(_rate("trunkline_channel_messages_total", "status", direction="outbound"), "{{status}}"),),
                    "cps",
                ),
                Panel(
                    "Webhooks by answer", (Query(_rate("trunkline_webhooks_total", "outcome"), "{{outcome}}"),), "cps"
                ),
            ),
        ),
        Row(
            "Canaries",
            (
                Panel(
                    "Last answered",
                    (Query("max(trunkline_canary_success_age_seconds)"),),
                    "s",
                    "stat",
                    "How long ago, of the line where that is longest ago.",
                    warn=900,
                ),
                Panel("Answered within", (Query("max(trunkline_canary_answer_seconds)"),), "s"),
                Panel(
                    "By how it ended",
                    (Query("sum by (outcome) (increase(trunkline_canary_runs_total[15m]))", "{{outcome}}"),),
                    hint="In 15 minutes: answered, or the stage at which it got stuck.",
                ),
            ),
        ),
        Row(
            "What waits",
            (
                Panel(
                    "Oldest, by stage",
                    (Query("max by (stage) (trunkline_oldest_waiting_seconds)", "{{stage}}"),),
                    "s",
                    warn=30,
                ),
                Panel("Events, by durable", (Query("max by (durable) (trunkline_events_pending)", "{{durable}}"),)),
                Panel(
                    "Leases",
                    (
                        Query("max by (stage) (trunkline_expired_lease_seconds)", "{{stage}}: over for"),
                        Query(
                            "sum by (stage) (increase(trunkline_lease_takeovers_total[$__rate_interval]))",
                            "{{stage}}: taken over",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "What it needs",
            (
                Panel(
                    "Checks that fail",
                    (Query("sum by (instance, check) (1 - trunkline_check_up)", "{{instance}} {{check}}"),),
                    warn=1,
                ),
                Panel(
                    "Postgres answers in",
                    (Query('max by (instance) (trunkline_check_seconds{check="postgres"})', "{{instance}}"),),
                    "s",
                ),
                Panel(
                    "Connections",
                    (
                        Query("sum by (instance, state) (trunkline_db_connections)", "{{instance}} {{state}}"),
                        Query("sum by (instance) (trunkline_db_connections_limit)", "{{instance}} at most"),
                        Query("sum by (instance) (trunkline_db_requests_waiting)", "{{instance}} waiting"),
                    ),
                ),
                Panel(
                    "JetStream",
                    (
                        Query("max(trunkline_nats_store_bytes / trunkline_nats_store_limit_bytes)", "store"),
                        Query(
                            "max by (stream) (trunkline_nats_stream_bytes / trunkline_nats_stream_limit_bytes)",
                            "{{stream}}",
                        ),
                    ),
                    "percentunit",
                    warn=0.7,
                ),
            ),
        ),
    ),
)

JOURNEY = Dashboard(
    "trunkline-journey",
    "Trunkline: a message's journey",
    (
        Row(
            "The whole way",
            (
                _latency("answer", HOPS["answer"]),
                Panel(
                    "Answers by how long they took",
                    (
                        Query(
                            'sum by (le) (increase(trunkline_hop_seconds_bucket{hop="answer"}[$__rate_interval]))',
                            "{{le}}",
                        ),
                    ),
                    kind="heatmap",
                ),
            ),
        ),
        Row("Hop by hop", tuple(_latency(hop, HOPS[hop]) for hop in ("accept", "route", "turn"))),
        Row("Outside", tuple(_latency(hop, HOPS[hop]) for hop in ("model", "send"))),
        Row(
            "Trouble on the way",
            (
                Panel("Came before", (Query(_rate("trunkline_duplicates_total", "stage"), "{{stage}}"),), "cps"),
                Panel(
                    "Tried again",
                    (
                        Query(
                            'sum by (durable, verdict) (rate(trunkline_deliveries_total{verdict!="done"}[$__rate_interval]))',
                            "{{durable}} {{verdict}}",
                        ),
                    ),
                    "cps",
                ),
                Panel(
                    "Sends refused", (Query(_rate("trunkline_send_failures_total", "failure"), "{{failure}}"),), "cps"
                ),
                Panel(
                    "Sends in doubt",
                    (Query(_rate("trunkline_ambiguous_sends_total", "resolution"), "{{resolution}}"),),
                    "cps",
                ),
            ),
        ),
        Row(
            "The edge",
            (
                Panel(
                    "Bad signatures", (Query("sum(rate(trunkline_signature_failures_total[$__rate_interval]))"),), "cps"
                ),
                Panel(
                    "Calls to tenants' addresses",
                    (Query(_rate("trunkline_outbound_calls_total", "outcome"), "{{outcome}}"),),
                    "cps",
                ),
            ),
        ),
    ),
)

AGENT = Dashboard(
    "trunkline-agent",
    "Trunkline: agent and cost",
    (
        Row(
            "Turns",
            (
                Panel("Running", (Query("sum by (instance) (trunkline_turns_running)", "{{instance}}"),)),
                _latency("turn", HOPS["turn"]),
                Panel(
                    "Ended by a limit", (Query(_rate("trunkline_turns_refused_total", "reason"), "{{reason}}"),), "cps"
                ),
            ),
        ),
        Row(
            "Models",
            (
                Panel(
                    "Calls",
                    (
                        Query(
                            _rate("gen_ai_client_operation_duration_seconds_count", "gen_ai_request_model, error_type"),
                            "{{gen_ai_request_model}} {{error_type}}",
                        ),
                    ),
                    "cps",
                ),
                Panel(
                    "p95 of a call",
                    (
                        Query(
                            "histogram_quantile(0.95, sum by (le, gen_ai_request_model) (rate(gen_ai_client_operation_duration_seconds_bucket[$__rate_interval])))",
                            "{{gen_ai_request_model}}",
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "Tokens of a call, p95",
                    (
                        Query(
                            "histogram_quantile(0.95, sum by (le, gen_ai_token_type) (rate(gen_ai_client_token_usage_bucket[$__rate_interval])))",
                            "{{gen_ai_token_type}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Cost",
            (
                Panel(
                    "Tokens",
                    (Query(_rate("trunkline_model_tokens_total", "model, direction"), "{{model}} {{direction}}"),),
                    "cps",
                ),
                Panel(
                    "Spent in 24 h",
                    (Query("sum by (model) (increase(trunkline_model_cost_total[24h]))", "{{model}}"),),
                    hint="In the currency of the prices that are set.",
                ),
                Panel(
                    "For an answer",
                    (
                        Query(
                            'sum(increase(trunkline_model_cost_total[24h])) / sum(increase(trunkline_hop_seconds_count{hop="answer"}[24h]))'
                        ),
                    ),
                    kind="stat",
                ),
            ),
        ),
    ),
)

TENANTS = Dashboard(
    "trunkline-tenants",
    "Trunkline: tenants",
    (
        Row(
            "Tokens and cost by tenant (only with TRUNKLINE_AGENT__TENANT_LABEL)",
            (
                Panel(
                    "Tokens",
                    (
                        Query(
                            'topk(20, sum by (tenant) (rate(trunkline_model_tokens_total{tenant=~"$tenant"}[$__rate_interval])))',
                            "{{tenant}}",
                        ),
                    ),
                    "cps",
                ),
                Panel(
                    "Spent in 24 h",
                    (
                        Query(
                            'topk(20, sum by (tenant) (increase(trunkline_model_cost_total{tenant=~"$tenant"}[24h])))',
                            "{{tenant}}",
                        ),
                    ),
                    kind="table",
                ),
            ),
        ),
        Row(
            "Limits that tenants reach",
            (
                Panel("Turns refused", (Query(_rate("trunkline_turns_refused_total", "reason"), "{{reason}}"),), "cps"),
                Panel(
                    "Messages over the rate limit",
                    (
                        Query(
                            _rate("trunkline_channel_messages_total", "channel", status="rate_limited"), "{{channel}}"
                        ),
                    ),
                    "cps",
                ),
            ),
        ),
    ),
    {"tenant": "label_values(trunkline_model_tokens_total, tenant)"},
)

DASHBOARDS = {"overview": OVERVIEW, "journey": JOURNEY, "agent": AGENT, "tenants": TENANTS}
