"""The first run, and every later one: a setup token lets somebody choose a password."""

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.pages.navigation import _
from services.console.pages.routes import Page, anyone
from services.console.pages.sign_in import NEXT_STEP, door_of, typed
from services.console.pages.view import Looking, View
from services.console.passwords import AT_LEAST, TooCommon, TooShort
from services.console.setup import EmailTaken, Setup, TokenUnknown


def first_run(setup: Setup) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/first-run", **anyone())
    async def first_run_page(view: Looking) -> Response:
        return view.page("first_run.html", errors={}, at_least=AT_LEAST)

    @router.post("/first-run", **anyone())
    async def first_run_form(view: Looking) -> Response:
        email = typed(view, "email")
        if "@" not in email.strip("@"):
            return _again(view, email=view.text(_("This is no e-mail address.")))
        try:
            begun = await setup.take(
                typed(view, "setup_token"), email, typed(view, "name"), str(view.form.get("password", ""))
            )
        except TooShort:
            return _again(view, password=view.text(_("At least %(n)d signs are needed."), n=AT_LEAST))
        except TooCommon:
            return _again(view, password=view.text(_("This is one of the passwords that are tried first.")))
        except TokenUnknown:
            return _again(
                view, setup_token=view.text(_("This token is wrong, too old, used already, or for another address."))
            )
        except EmailTaken:
            return _again(view, email=view.text(_("Somebody else has this address.")))
        return door_of(view).let_in(view.go(NEXT_STEP[begun.stage]), begun.secret)

    return router


def _again(view: View, **errors: str) -> Response:
    return view.page("first_run.html", 422, errors=errors, at_least=AT_LEAST)
