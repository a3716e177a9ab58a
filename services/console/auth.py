"""Who may use the API: for now, whoever holds the local console key."""

import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Header

from services.console.api.problems import Problem


def key_holder(key: str) -> Callable[[str], None]:
    """Return the dependency that lets only holders of the key pass."""

    def authorised(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {key}".encode()):
            raise Problem(401, "unauthorized", "This route needs the console's key as bearer token.")

    return authorised
