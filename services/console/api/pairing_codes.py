"""`POST /v1/pairing-codes`."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.console.api.fields import Body
from services.console.api.problems import Faults, Problem
from services.console.api.routes import Asking, Route, may
from services.console.pairing import PairingCodes, TooManyCodes, UserUnknown
from services.console.seed import USER_EMAIL

FAULTS: Faults = {UserUnknown: (404, "user_unknown", "There is no such user.")}


class PairingCodeRequest(Body):
    """Whose code; the first user's where a platform key names nobody."""

    user: Annotated[str | None, Field(max_length=320, pattern=r"^[^\x00]*$")] = Field(
        None, description="The user's e-mail address."
    )


class PairingCodeMade(BaseModel):
    """A fresh code. It is shown this once."""

    code: str
    expires_at: datetime
    user: str


def pairing_codes(codes: PairingCodes) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/v1", tags=["pairing-codes"], route_class=Route)

    @router.post("/pairing-codes", status_code=201, **may("pairing-codes:write"))
    async def create_pairing_code(who: Asking, wanted: PairingCodeRequest) -> PairingCodeMade:
        try:
            made = await codes.make(who.sees, wanted.user or USER_EMAIL)
        except TooManyCodes as full:
            again = f"{full.again_at:%H:%M} UTC"
            raise Problem(429, "too_many_codes", f"Too many codes in the last hour. Try again at {again}.") from None
        return PairingCodeMade(code=made.code, expires_at=made.expires_at, user=made.user)

    return router
