"""My profile: pairing with a phone, the password, the second factor (product-ux.md, section 3)."""

from typing import Any
from urllib.parse import quote

import segno
from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from services.console.api.routes import may
from services.console.own_pairing import OwnPairing
from services.console.pages.language import clock
from services.console.pages.navigation import _
from services.console.pages.routes import Page, signed_in
from services.console.pages.sign_in import WAIT, address_of, door_of
from services.console.pages.view import Looking, View
from services.console.pairing import PairingCode, PairingCodes, TooManyCodes
from services.console.passwords import AT_LEAST, TooCommon, TooShort
from services.console.sessions import Session
from services.console.setup import Setup
from services.console.sign_in import Wait, WrongSignIn

_HALF = 4


def profile(own: OwnPairing, codes: PairingCodes) -> APIRouter:
    """Return the pages."""
    router = APIRouter(route_class=Page)

    @router.get("/profile", **signed_in())
    async def page(view: Looking) -> Response:
        """Show the pairing. `over`: that of the open page's code nobody made use."""
        return await _page(own, view, is_over="over" in view.request.query_params)

    @router.get("/profile/pairing", **signed_in())
    async def pairing(view: Looking) -> Response:
        """Answer once the pairing is another than the page shows; until then there is nothing new."""
        found = await own.paired(_session(view))
        if found is None or found.id == view.request.query_params.get("was"):
            return Response(status_code=204)
        return await _page(own, view)

    @router.post("/profile/codes", **may("pairing-codes:write"))
    async def generate(view: Looking) -> Response:
        session = _session(view)
        try:
            code = await codes.make(session.tenant, session.email)
        except TooManyCodes as full:
            at = clock(full.again_at.astimezone(view.zone))[:5]
            return await _page(own, view, 429, refused=view.text(_("Try again at %(time)s."), time=at))
        return await _page(own, view, code=code)

    @router.post("/profile/unpairings", **may("pairing-codes:write"))
    async def unpair(view: Looking) -> Response:
        await own.unpair(_session(view))
        return view.go("/profile", done="unpaired")

    return router


def password(own: OwnPairing, setup: Setup) -> APIRouter:
    """Return where the profile's form for another password goes."""
    router = APIRouter(route_class=Page)

    @router.post("/profile/password", **signed_in())
    async def change_password(view: Looking) -> Response:
        try:
            begun = await setup.change_password(
                _session(view), str(view.form.get("old", "")), str(view.form.get("password", "")), address_of(view)
            )
        except WrongSignIn:
            return await _page(own, view, 422, errors={"old": view.text(_("This is not your password."))})
        except Wait as wait:
            return await _page(own, view, 429, errors={"old": view.text(WAIT, seconds=wait.seconds)})
        except TooShort:
            short = view.text(_("At least %(n)d signs are needed."), n=AT_LEAST)
            return await _page(own, view, 422, errors={"password": short})
        except TooCommon:
            common = view.text(_("This is one of the passwords that are tried first."))
            return await _page(own, view, 422, errors={"password": common})
        return door_of(view).let_in(view.go("/profile", done="password"), begun.secret)

    return router


async def _page(own: OwnPairing, view: View, status: int = 200, **more: Any) -> Response:  # noqa: ANN401 - the template's
    code: PairingCode | None = more.pop("code", None)
    session = _session(view)
    number = await own.business_number(session)
    said = f"/pair {code.code}" if code else ""
    link = f"https://wa.me/{number.removeprefix('+')}" + (f"?text={quote(said)}" if said else "") if number else None
    context: dict[str, Any] = {"errors": {}, "refused": None, "is_over": False} | more
    return view.page(
        "profile.html",
        status,
        number=number,
        link=link,
        picture=_picture(link) if link else None,
        paired=await own.paired(session),
        code=f"{code.code[:_HALF]}-{code.code[_HALF:]}" if code else None,
        said=said,
        until=code.expires_at if code else None,
        at_least=AT_LEAST,
        **context,
    )


def _picture(link: str) -> Markup:
    """Draw a link for a phone's camera, as part of the page: the policy lets no picture come from elsewhere."""
    drawn = segno.make(link, micro=False).svg_inline(scale=4, border=2, dark="#000", light="#fff", omitsize=True)
    return Markup(drawn)  # noqa: S704 - drawn here


def _session(view: View) -> Session:
    assert view.session is not None, "the page asks for one"  # noqa: S101
    return view.session
