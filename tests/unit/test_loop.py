"""The loop between model and tools."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from services.agent.budget import Bill, Spend
from services.agent.llm_port import Candidate, Completion, Said, ToolRequest
from services.agent.loop import Loop
from services.agent.tools import TOOLS, Result, ToolContext
from shared.failures import MESSAGE_BUDGET_SPENT, MODEL_REFUSED, MODEL_UNAVAILABLE, Failure, GatewayError
from shared.ids import AgentId, ConversationId, TenantId, TurnId
from shared.knowledge import Found, Passage
from tests.fakes.model import FakeModel, Script, asks_for

FORM = ("contact_form", '{"name": "Ann", "message": "Call me"}')


class Notebook:
    """A ledger, a place for forms, and what can be looked up: in memory."""

    def __init__(self, *passages: Passage) -> None:
        self.results: dict[str, Result] = {}
        self.passages = passages
        self.forms: list[tuple[str, dict[str, str]]] = []

    async def recall(self, request: ToolRequest) -> Result | None:
        return self.results.get(request.name + request.arguments)

    async def remember(self, step: int, request: ToolRequest, result: Result) -> None:
        self.results.setdefault(request.name + request.arguments, result)

    async def search(
        self, tenant: TenantId, agent: AgentId, query: str, most: int, document: str | None = None
    ) -> Found:
        return Found(tuple(it for it in self.passages if query in it.text and document in {None, it.document}), ())

    async def submit(self, context: ToolContext, body: dict[str, str]) -> None:
        self.forms.append((context.call, body))


@asynccontextmanager
async def granted(_said: Sequence[Said], _tools: Sequence[Said]) -> AsyncIterator[Bill]:
    """Let everything pass."""
    yield Bill(0)


def a_loop(script: Script, notebook: Notebook, spend: Spend = granted) -> tuple[Loop, FakeModel]:
    model = FakeModel(script)
    loop = Loop(
        models=[Candidate(model, None)],
        tools=TOOLS,
        ledger=notebook,
        context=lambda call: ToolContext(
            TenantId("tn"), AgentId("ag"), ConversationId("cv"), TurnId("tu"), call, notebook, notebook
        ),
        most_steps=5,
        user="cv",
        spend=spend,
    )
    return loop, model


def tool_results(model: FakeModel) -> list[str]:
    return [message["content"] for message in model.told[-1] if message["role"] == "tool"]


async def test_a_tool_is_run_and_its_result_told_to_the_model() -> None:
    """
    The form is stored, the model hears so and answers.
    """
    answers = iter([asks_for(FORM), Completion("Done.")])
    notebook = Notebook()
    loop, model = a_loop(lambda *_: next(answers), notebook)
    answer = await loop.run([{"role": "user", "content": "call me"}])
    assert (answer.text, answer.steps) == ("Done.", 1)
    assert [body for _, body in notebook.forms] == [{"name": "Ann", "message": "Call me", "email": ""}]
    assert tool_results(model) == ["The message was passed on. Somebody will get in touch."]


async def test_five_steps_are_run_and_the_sixth_is_refused() -> None:
    """
    A model that asks for six tools at once gets five; then it must answer without any.
    """
    requests = [("contact_form", f'{{"name": "Ann", "message": "{number}"}}') for number in range(6)]
    answers = iter([asks_for(*requests), Completion("Enough.")])
    notebook = Notebook()
    loop, model = a_loop(lambda *_: next(answers), notebook)
    assert (await loop.run([])).steps == 5
    assert len(notebook.forms) == 5
    assert tool_results(model)[5].startswith("Not run")


async def test_a_model_that_never_stops_is_stopped() -> None:
    """
    Asking for one tool after another ends after five steps: then no tool is offered any more.
    """
    offered: list[int] = []

    def greedy(messages: list[Said], tools: list[Said]) -> Completion:
        offered.append(len(tools))
        return asks_for(("contact_form", f'{{"name": "Ann", "message": "{len(messages)}"}}'))

    loop, _ = a_loop(greedy, Notebook())
    with pytest.raises(GatewayError, match="model_empty"):
        await loop.run([])
    assert offered == [len(TOOLS)] * 5 + [0]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (("contact_form", "{nonsense"), "The arguments are not valid JSON."),
        (("contact_form", '{"name":' * 1010 + "1" + "}" * 1010), "The arguments are not valid JSON."),
        (
            ("contact_form", "[" * 300 + "]" * 300),
            "The arguments do not fit: : Input should be a valid dictionary or instance of ContactForm",
        ),
        (("contact_form", '{"name": "Ann"}'), "The arguments do not fit: message: Field required"),
        (
            ("contact_form", '{"name": "Ann", "message": "x", "tenant": "other"}'),
            "The arguments do not fit: tenant: Extra inputs are not permitted",
        ),
        (("rm_rf", "{}"), "There is no tool of that name."),
    ],
)
async def test_a_wrong_call_counts_as_a_step_and_is_explained(request_: tuple[str, str], told: str) -> None:
    """
    What the model got wrong it is told, so that it may put it right.
    """
    answers = iter([asks_for(request_), Completion("Sorry.")])
    loop, model = a_loop(lambda *_: next(answers), Notebook())
    assert (await loop.run([])).steps == 1
    assert tool_results(model) == [told]


async def test_an_equal_call_is_answered_from_the_ledger() -> None:
    """
    A restarted turn that asks for the same again does not run the tool again.
    """
    notebook = Notebook()
    for _ in range(2):
        answers = iter([asks_for(FORM), Completion("Done.")])
        loop, _ = a_loop(lambda *_, it=answers: next(it), notebook)
        await loop.run([])
    assert len(notebook.forms) == 1


@pytest.mark.parametrize("nothing", ["", "   \n", "\x00\U000e0041"])
async def test_an_empty_answer_is_a_failure(nothing: str) -> None:
    """
    A model that says nothing, or nothing that can be seen, has failed.
    """
    loop, _ = a_loop(lambda *_: Completion(nothing), Notebook())
    with pytest.raises(GatewayError, match="model_empty"):
        await loop.run([])


async def test_hidden_signs_are_taken_out_of_what_the_model_hears_and_says() -> None:
    """
    Out of messages, of arguments and of what tools answer.
    """
    hidden = "\u200b\U000e0041"
    answers = iter(
        [asks_for(("contact_form", f'{{"name": "A{hidden}nn", "message": "Hi\\u200b"}}')), Completion("Done.")]
    )
    notebook = Notebook()
    loop, model = a_loop(lambda *_: next(answers), notebook)
    await loop.run([{"role": "user", "content": f"call{hidden} me"}])
    assert [body["name"] + body["message"] for _, body in notebook.forms] == ["AnnHi"]
    assert model.told[-1][0]["content"] == "call me"


async def test_hidden_signs_are_taken_out_of_answers() -> None:
    """
    Controls and tag characters do not reach the person.
    """
    loop, _ = a_loop(lambda *_: Completion("Hel\x07lo\U000e0041 there\nfriend"), Notebook())
    assert (await loop.run([])).text == "Hello there\nfriend"


def test_an_equal_call_is_known_however_its_arguments_are_laid_out() -> None:
    """
    Order and spaces of the JSON make no difference, another value or tool does; what is no JSON is taken as it is.
    """
    one = ToolRequest("call_1", "contact_form", '{"name": "Ann", "message": "Hi"}')
    assert ToolRequest("call_2", "contact_form", '{"message":"Hi","name":"Ann"}').key == one.key
    others = [
        ToolRequest("call_1", "contact_form", '{"name": "Bob", "message": "Hi"}'),
        ToolRequest("call_1", "order_status", one.arguments),
        ToolRequest("call_1", "contact_form", "{nonsense"),
    ]
    assert len({one.key, *(other.key for other in others)}) == 4


async def test_the_budget_is_asked_before_each_call_and_may_refuse_it() -> None:
    """
    It is told what the model would be; refused, the model is not asked again and the turn fails by the budget's reason.
    """
    seen: list[tuple[int, int]] = []

    @asynccontextmanager
    async def once(said: Sequence[Said], tools: Sequence[Said]) -> AsyncIterator[Bill]:
        seen.append((len(said), len(tools)))
        if len(seen) > 1:
            raise GatewayError(MESSAGE_BUDGET_SPENT)
        yield Bill(0)

    loop, model = a_loop(lambda *_: asks_for(FORM), Notebook(), once)
    with pytest.raises(GatewayError, match="message_budget_spent"):
        await loop.run([{"role": "user", "content": "call me"}])
    assert seen == [(1, len(TOOLS)), (3, len(TOOLS))]
    assert len(model.told) == 1


@pytest.mark.parametrize(
    "trouble", [MODEL_UNAVAILABLE, MODEL_REFUSED, Completion("")], ids=["away", "refused", "empty"]
)
async def test_where_a_model_fails_the_next_one_is_asked_for_the_rest_of_the_run(trouble: Failure | Completion) -> None:
    """
    The one that failed is not tried again at the next step.
    """
    loop, broken = a_loop(lambda *_: trouble, Notebook())
    answers = iter([asks_for(FORM), Completion("Done.")])
    other = FakeModel(lambda *_: next(answers))
    loop.models = [*loop.models, Candidate(other, "other")]
    assert (await loop.run([{"role": "user", "content": "call me"}])).text == "Done."
    assert (len(broken.told), len(other.told)) == (1, 2)


async def test_a_spent_budget_is_no_reason_to_ask_another_model() -> None:
    """
    It would spend the same budget.
    """

    @asynccontextmanager
    async def spent(_said: Sequence[Said], _tools: Sequence[Said]) -> AsyncIterator[Bill]:
        raise GatewayError(MESSAGE_BUDGET_SPENT)
        yield Bill(0)

    loop, model = a_loop(lambda *_: Completion("Hi."), Notebook(), spent)
    other = FakeModel()
    loop.models = [*loop.models, Candidate(other, None)]
    with pytest.raises(GatewayError, match="message_budget_spent"):
        await loop.run([])
    assert model.told == other.told == []
