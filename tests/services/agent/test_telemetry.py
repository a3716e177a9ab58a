"""What a model's call and a tool's tell of themselves: OpenTelemetry's GenAI conventions, and nothing that was said."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from prometheus_client import REGISTRY

from services.agent.llm_port import Candidate, Completion
from services.agent.meter import Meter
from services.agent.prices import Price
from shared.failures import GatewayError
from shared.ids import TenantId
from tests.fakes.web import reply
from tests.services.agent.test_foreign_servers import CALL, said, served
from tests.unit.test_loop import Notebook, a_loop

CANARY = "the canary sings at midnight"


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_calls_and_tools_are_told_by_the_conventions_and_nothing_of_what_was_said(
    spans: InMemorySpanExporter,
) -> None:
    """
    Names, kinds and attributes; neither message, argument nor result.
    """
    call = {"id": "c1", "function": {**CALL, "arguments": orjson.dumps({"name": "Ann", "message": CANARY}).decode()}}
    usage = {"prompt_tokens": 12, "completion_tokens": 5}
    answers = [
        said({"content": None, "tool_calls": [call]}),
        said({"content": CANARY}, usage=usage, model="their-model-2", id="chatcmpl-7"),
    ]
    async with served(lambda _asked: answers.pop(0)) as (model, web):
        loop, _ = a_loop(lambda *_: Completion(""), Notebook())
        loop.models = [Candidate(model, None)]
        await loop.run([{"role": "user", "content": CANARY}])
    first, tool, second = spans.get_finished_spans()
    assert [(it.name, it.kind) for it in (first, tool, second)] == [
        ("chat their-model", SpanKind.CLIENT),
        ("execute_tool contact_form", SpanKind.INTERNAL),
        ("chat their-model", SpanKind.CLIENT),
    ]
    told: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "their-model",
        "gen_ai.request.max_tokens": 200,
        "gen_ai.conversation.id": "cv",
        "server.address": "127.0.0.1",
        "server.port": web.port,
        "gen_ai.response.model": "their-model-2",
        "gen_ai.response.id": "chatcmpl-7",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 5,
    }
    assert dict(second.attributes or {}) == told
    assert dict(tool.attributes or {}) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "contact_form",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "c1",
    }
    assert CANARY not in "".join(it.to_json() for it in (first, tool, second))


async def test_a_call_that_fails_says_why(spans: InMemorySpanExporter) -> None:
    """
    By the code of the failure, in the span and in the metric of durations.
    """
    labels = {
        "gen_ai_operation_name": "chat",
        "gen_ai_provider_name": "openai",
        "gen_ai_request_model": "their-model",
        "error_type": "model_refused",
    }
    before = sample("gen_ai_client_operation_duration_seconds_count", **labels)
    async with served(lambda _asked: reply("{}", 401)) as (model, _web):
        with pytest.raises(GatewayError):
            await model.complete([], [], model=None, user="cv")
    [failed] = spans.get_finished_spans()
    assert (failed.attributes or {})["error.type"] == "model_refused"
    assert sample("gen_ai_client_operation_duration_seconds_count", **labels) == before + 1


@pytest.mark.parametrize(("names_tenants", "label"), [(False, ""), (True, "tn_1")])
def test_tokens_and_cost_name_the_tenant_only_where_that_is_wanted(*, names_tenants: bool, label: str) -> None:
    """
    The cost is that of the model's price for a million tokens.
    """
    before = sample("trunkline_model_cost_total", model="m", tenant=label)
    told = sample("trunkline_model_tokens_total", direction="input", model="m", tenant=label)
    meter = Meter({"m": Price(Decimal("0.25"), Decimal(2))}, names_tenants)
    meter.count(TenantId("tn_1"), "m", Completion("", input_tokens=4_000_000, output_tokens=1_000_000))
    assert sample("trunkline_model_cost_total", model="m", tenant=label) == before + 3.0
    assert sample("trunkline_model_tokens_total", direction="input", model="m", tenant=label) == told + 4_000_000
