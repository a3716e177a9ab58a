"""Users: the members of a company; they are added, shut out, and given a way in."""

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import ValidationError

from services.console.api.problems import Problem
from services.console.api.routes import may
from services.console.api.users import USERS, Id, NewUser, User, check_role, unpaired, written
from services.console.pages.choices import companies
from services.console.pages.navigation import _
from services.console.pages.paging import ROWS, paged, place
from services.console.pages.routes import Page
from services.console.pages.view import Errors, Looking, View
from services.console.records import Records, Taken
from services.console.scan import existing
from services.console.setup import Setup, UserUnknown
from shared.ids import TenantId
from shared.store.session import Store

_FILTERS = ("role", "state")
ROLES = {"USER": _("User"), "COMPANY_ADMIN": _("Company admin"), "SYSTEM_ADMIN": _("System admin")}
_WRONG = {
    "email": _("This is no e-mail address."),
    "name": _("A name has 1 to 200 characters."),
    "role": _("Choose a role."),
}


def users(store: Store, setup: Setup) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)
    records = Records(store, USERS)

    @router.get("/users", **may("users:read"))
    async def user_list(view: Looking) -> Response:
        asked = view.request.query_params
        tenant = view.company(asked.get("tenant"))
        wanted = {
            "tenant": tenant,
            "role": asked.get("role") if asked.get("role") in ROLES else None,
            "disabled": {"enabled": False, "disabled": True}.get(asked.get("state", "")),
        }
        rows = await records.list(view.who, place(view), ROWS + 1, **wanted)
        return view.page(
            "users.html",
            list=paged(
                view,
                [(User(**row), row["version"]) for row in rows[:ROWS]],
                rows[ROWS - 1]["id"] if len(rows) > ROWS else None,
            ),
            tenant=tenant,
            companies=await companies(store, view, "/users", tenant),
            roles=_roles(view),
            asked=asked,
            is_filtered=any(asked.get(name) for name in _FILTERS),
        )

    @router.get("/users/new", **may("users:write"))
    async def new_page(view: Looking) -> Response:
        return view.page(
            "user_new.html", tenant=view.company(view.request.query_params.get("tenant")), roles=_roles(view), errors={}
        )

    @router.post("/users", **may("users:write"))
    async def create(view: Looking) -> Response:
        tenant = await existing(store, view.who, view.company(str(view.form.get("tenant", "")) or None))
        return await _create(view, records, setup, tenant)

    @router.post("/users/{user}/token", **may("users:write"))
    async def token(view: Looking, user: Id) -> Response:
        """Give somebody of the viewer's own a new way in; whatever they had before stays until it is used."""
        found = await records.get(view.who, user)
        check_role(view.who, found["role"])
        return await _token(view, setup, found["email"], found["tenant"])

    @router.post("/users/{user}/state", **may("users:write"))
    async def change_state(view: Looking, user: Id) -> Response:
        return await _change_state(view, records, user)

    return router


async def _create(view: View, records: Records, setup: Setup, tenant: TenantId) -> Response:
    """Add a user and show their token; what is wrong with the form is said beside its fields."""

    def again(status: int, errors: Errors) -> Response:
        return view.page("user_new.html", status, tenant=tenant, roles=_roles(view), errors=errors)

    try:
        wanted = NewUser.model_validate({name: str(view.form.get(name, "")) for name in ("email", "name", "role")})
    except ValidationError as error:
        return again(422, {str(it["loc"][0]): view.text(_WRONG[str(it["loc"][0])]) for it in error.errors()})
    check_role(view.who, wanted.role)
    try:
        made = await records.make(view.who, tenant, wanted.model_dump(exclude={"tenant"}))
    except Taken:
        return again(409, {"email": view.text(_("Somebody has this address already."))})
    return await _token(view, setup, made["email"], tenant)


async def _change_state(view: View, records: Records, user: str) -> Response:
    """Shut somebody out, which ends their sessions and pairings, or let them in again."""
    found = await records.get(view.who, user)
    check_role(view.who, found["role"])
    shut_out = view.form.get("state") == "disabled"
    if shut_out and view.who.id == f"user/{user}":
        raise Problem(409, "own_account", view.text(_("Nobody can shut themselves out.")))
    version = str(view.form.get("version", ""))
    await records.change(
        view.who,
        user,
        int(version) if version.isdecimal() else -1,
        written({"disabled": shut_out}),
        unpaired(view.who) if shut_out else None,
    )
    return view.go("/users", tenant=found["tenant"], done="user-changed")


async def _token(view: View, setup: Setup, email: str, tenant: str) -> Response:
    """Show a token, this once."""
    try:
        made = await setup.token(view.who, email)
    except UserUnknown:
        return view.go("/users", tenant=tenant)
    answer = view.page("user_token.html", made=made, tenant=tenant, address=f"/first-run#{made.token}")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _roles(view: View) -> dict[str, str]:
    """Return the roles that the viewer may give."""
    return {role: view.text(label) for role, label in ROLES.items() if view.who.is_platform or role != "SYSTEM_ADMIN"}
