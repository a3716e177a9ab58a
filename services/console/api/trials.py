"""`/v1/conversations/{conversation}/trials`: what a pipeline's document would do with a stored conversation."""

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.conversations import Id
from services.console.api.fields import Body
from services.console.api.pipelines import Document
from services.console.api.routes import Asking, Route, may
from services.console.trials import Trials
from shared.events import TrialResult


class NewTrial(Body):
    """A document to be tried out on the newest message of a conversation."""

    document: Document


class Trial(BaseModel):
    """
    What it came to. Nothing was sent, and nothing with a side effect was done: `told` in the result names such tools.

    `failure`: why there is no result: history_off, agent_unavailable, nothing_asked, or as of a turn.
    """

    result: TrialResult | None
    failure: str | None


def trials(found: Trials) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/conversations/{conversation}/trials", tags=["pipelines"], route_class=Route)

    @router.post("", **may("trials:write"))
    async def try_pipeline(who: Asking, conversation: Id, wanted: NewTrial) -> Trial:
        result, failure = await found.run(who, conversation, wanted.document)
        return Trial(result=result, failure=failure)

    return router
