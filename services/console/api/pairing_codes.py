"""`POST /v1/pairing-codes`."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.console.api.problems import Problem
from services.console.pairing import PairingCodes, TooManyCodes, UserUnknown
from services.console.seed import USER_EMAIL


class PairingCodeRequest(BaseModel):
    """Whose code; the first user's where nobody is named."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    user: str | None = Field(None, max_length=320, description="The user's e-mail address.")


class PairingCodeMade(BaseModel):
    """A fresh code. It is shown this once."""

    code: str
    expires_at: datetime
    user: str


def pairing_codes(codes: PairingCodes) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/v1")

    @router.post("/pairing-codes", status_code=201)
    async def make(wanted: PairingCodeRequest) -> PairingCodeMade:
        try:
            made = await codes.make(wanted.user or USER_EMAIL)
        except UserUnknown:
            raise Problem(404, "user_unknown", "There is no such user.") from None
        except TooManyCodes as full:
            again = f"{full.again_at:%H:%M} UTC"
            raise Problem(429, "too_many_codes", f"Too many codes in the last hour. Try again at {again}.") from None
        return PairingCodeMade(code=made.code, expires_at=made.expires_at, user=made.user)

    return router
