"""What requests are made of: texts, ids, whose something is, and the version that a change speaks of."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.console.access import Principal
from services.console.api.problems import Problem
from services.console.records import Span, Unknown
from shared.ids import TenantId

Shown = TypeVar("Shown", bound=BaseModel)

_ETAG = re.compile(r'"([0-9]{1,9})"', re.ASCII)
_NO_NUL = r"^[^\x00]*$"


class Body(BaseModel):
    """A request's body: nothing beyond what is asked for, and no echo of it in errors."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_NO_NUL)]
Text = Annotated[str, StringConstraints(max_length=20_000, pattern=_NO_NUL)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=_NO_NUL)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]


def omitted(**more: Any) -> Any:  # noqa: ANN401 - stands for any field's default
    """Declare a field of a change that may be left out; null is no value for it."""
    return Field(None, json_schema_extra=_without_default, **more)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def id_pattern(prefix: str) -> str:
    """Return the pattern of ids of a kind."""
    return rf"^{prefix}_[0-9a-z]{{1,40}}$"


def id_in_path(prefix: str) -> Any:  # noqa: ANN401 - what FastAPI takes for a parameter
    """Declare an id in the path."""
    return Path(pattern=id_pattern(prefix))


OneChannel = Annotated[str | None, Query(alias="channel", pattern=r"^[a-z]{1,20}$", description="Such as whatsapp.")]
OneTenant = Annotated[str | None, Query(alias="tenant", pattern=id_pattern("tn"), description="Only this tenant's.")]

TenantOfMade = Annotated[
    str | None,
    Field(pattern=id_pattern("tn"), description="Whose it shall be; a tenant's own key may leave it out."),
]


def whose(who: Principal, tenant: str | None) -> TenantId:
    """Return whose something is that is being made. Raises Unknown for another's, `Problem` 422 where nobody is named."""
    if who.tenant is None and tenant is None:
        raise Problem(422, "tenant_missing", "A platform key has to name the tenant.")
    if who.tenant is not None and tenant not in {None, who.tenant}:
        raise Unknown
    return TenantId(tenant) if who.tenant is None and tenant else TenantId(str(who.tenant))


def _since(
    since: Annotated[datetime | None, Query(alias="created_at[gte]", description="Made then or later.")] = None,
    until: Annotated[datetime | None, Query(alias="created_at[lt]", description="Made before then.")] = None,
) -> Span:
    return span(since, until)


def span(since: datetime | None, until: datetime | None) -> Span:
    """Return a range of times. Raises `Problem` 400 for one without a zone."""
    for moment in (since, until):
        if moment is not None and moment.tzinfo is None:
            raise Problem(400, "time_without_zone", "A time needs its zone, such as 2026-11-25T10:00:00Z.")
    return Span(since, until)


Created = Annotated[Span, Depends(_since)]


def _version(
    if_match: Annotated[str | None, Header(description="The ETag that the change is based on.")] = None,
) -> int:
    if if_match is None:
        raise Problem(428, "if_match_missing", "Send the ETag of what you read as If-Match.")
    match = _ETAG.fullmatch(if_match.strip())
    if match is None:
        raise Problem(412, "changed_meanwhile", "If-Match is not the ETag of the present version.")
    return int(match[1])


Version = Annotated[int, Depends(_version)]
"""The version that a PATCH or DELETE speaks of, from If-Match."""


def shown(response: Response, model: type[Shown], row: Mapping[str, Any]) -> Shown:
    """Return a row as the API shows it, with its version as ETag."""
    response.headers["ETag"] = f'"{row["version"]}"'
    return model(**row)
