"""`POST /v1/setup-tokens`: a way into the console for somebody who has none yet, or lost it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from services.console.api.fields import Body
from services.console.api.problems import Faults
from services.console.api.routes import Asking, Route, may
from services.console.setup import AlreadySetUp, Setup, UserUnknown

FAULTS: Faults = {
    UserUnknown: (404, "user_unknown", "There is no such user."),
    AlreadySetUp: (409, "already_set_up", "An admin of the platform can sign in already."),
}


class SetupTokenRequest(Body):
    """Whose token; the first admin's where nobody is named. `first_run`: only while no admin can sign in."""

    user: Annotated[str | None, Field(max_length=320, pattern=r"^[^\x00]*$")] = Field(
        None, description="The user's e-mail address."
    )
    first_run: bool = False


class SetupTokenMade(BaseModel):
    """A fresh token, with which the user chooses a password, once. It is shown this once; earlier ones end."""

    token: str
    user: str
    expires_at: datetime


def setup_tokens(setup: Setup) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/v1", tags=["users"], route_class=Route)

    @router.post("/setup-tokens", status_code=201, **may("users:write", platform=True))
    async def create_setup_token(who: Asking, wanted: SetupTokenRequest, response: Response) -> SetupTokenMade:
        made = await setup.token(who, wanted.user, first_run=wanted.first_run)
        response.headers["Cache-Control"] = "no-store"
        return SetupTokenMade(token=made.token, user=made.user, expires_at=made.expires_at)

    return router
