"""The viewer's own account: the second factor."""

import segno
from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from services.console import second_factor
from services.console.pages.navigation import _
from services.console.pages.routes import Door, Page, signed_in
from services.console.pages.view import Looking, View
from services.console.setup import Setup, WrongCode


def account(setup: Setup) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/account/second-factor", **signed_in("enrol", "whole"))
    async def second_factor_page(view: Looking) -> Response:
        return await _page(view)

    @router.post("/account/second-factor", **signed_in("enrol", "whole"))
    async def second_factor_form(view: Looking) -> Response:
        assert view.session is not None, "the page asks for one"  # noqa: S101
        try:
            codes, begun = await setup.confirm_second_factor(view.session, str(view.form.get("code", "")))
        except WrongCode:
            return await _page(view, 422, view.text(_("Your authenticator shows another code now.")))
        door: Door = view.request.app.state.door
        return door.let_in(view.page("recovery_codes.html", codes=codes), begun.secret)

    async def _page(view: View, status: int = 200, error: str | None = None) -> Response:
        assert view.session is not None, "the page asks for one"  # noqa: S101
        if view.session.has_second_factor:
            return view.page("second_factor.html", status, picture=None, spelt=None, error=None)
        secret = await setup.offer_second_factor(view.session)
        picture = segno.make(second_factor.address(secret, view.session.email), micro=False)
        return view.page(
            "second_factor.html",
            status,
            picture=Markup(picture.svg_inline(scale=4, border=2, dark="#000", light="#fff", omitsize=True)),  # noqa: S704 - drawn here
            spelt=second_factor.spelt(secret),
            error=error,
        )

    return router
