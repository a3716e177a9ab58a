"""One request of a page: who looks, in which language, theme and zone; and how it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from services.console.access import Principal
from services.console.pages import navigation
from services.console.pages.language import catalogue, chosen, zone
from services.console.pages.templates import environment
from services.console.records import Span, Unknown
from services.console.sessions import Session
from shared.ids import TenantId

THEMES = ("system", "light", "dark")
_YEAR = 365 * 24 * 3600
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class View:
    """
    What a page's function is given: `async def page(view: Looking) -> Response`.

    `session`: None before sign-in. `form`: what was posted, its token and origin checked already.
    """

    request: Request
    session: Session | None
    is_https: bool
    form: FormData = field(default_factory=FormData)

    @property
    def who(self) -> Principal:
        """Who looks, as the domain's functions want it."""
        if self.session is None:
            raise Unknown
        return self.session.principal

    @property
    def nonce(self) -> str:
        """The nonce of this answer's policy."""
        nonce: str = self.request.scope["state"]["nonce"]
        return nonce

    @property
    def language(self) -> str:
        """The viewer's language."""
        return chosen(self.request.cookies.get("language"), self.request.headers.get("accept-language", ""))

    @property
    def theme(self) -> str:
        """`system`, `light` or `dark`."""
        kept = self.request.cookies.get("theme", "")
        return kept if kept in THEMES else THEMES[0]

    @property
    def zone(self) -> tzinfo:
        """The viewer's time zone, as the browser told it; UTC until then."""
        return zone(self.request.cookies.get("zone", "").replace("%2F", "/"))

    @property
    def simulator(self) -> str | None:
        """Where messages can be written without a phone; None where there is no simulator."""
        found: str | None = self.request.app.state.simulator
        return found

    @property
    def is_fragment(self) -> bool:
        """Tell whether htmx asks, which puts the answer into the page that is open."""
        return "hx-request" in self.request.headers

    @property
    def sections(self) -> list[tuple[str, list[navigation.Item]]]:
        """Return what the sidebar shows."""
        return list(navigation.for_viewer(self.who)) if self.session else []

    def is_here(self, path: str) -> bool:
        """Tell whether this page belongs to a way of the sidebar."""
        here = self.request.url.path
        return here == path or (path != "/" and here.startswith(f"{path}/"))

    def text(self, message: str, **values: Any) -> str:  # noqa: ANN401 - whatever a text names
        """Return a text in the viewer's language."""
        return str(catalogue(self.language).gettext(message)) % values

    def here(self, **changed: str | None) -> str:
        """Return this page's address with a changed query; None drops a parameter."""
        query = {**dict(self.request.query_params), **changed}
        kept = {name: value for name, value in query.items() if value and name != "done"}
        return self.request.url.path + (f"?{urlencode(kept)}" if kept else "")

    def company(self, named: str | None) -> TenantId:
        """Return whose things are shown: the company that the platform's admin names, else the viewer's own."""
        if self.session is None or (not self.who.is_platform and named not in {None, "", self.session.tenant}):
            raise Unknown
        return TenantId(named) if named else self.session.tenant

    def days(self, since: str | None, until: str | None) -> Span:
        """Return the span between two days of the viewer's calendar, both within it; what is no day is no bound."""
        first, last = _day(since), _day(until)
        return Span(self._midnight(first), self._midnight(last + _DAY if last and last < date.max else None))

    def page(self, template: str, status: int = 200, **context: Any) -> HTMLResponse:  # noqa: ANN401 - a template's own
        """Answer with a template."""
        html = environment(self.language).get_template(template).render(view=self, **context)
        return HTMLResponse(html, status)

    def go(self, path: str, **query: str) -> Response:
        """Lead to another page. `done`: names the notice that is shown there (`notices.py`)."""
        address = path + (f"?{urlencode(query)}" if query else "")
        if self.is_fragment:
            return Response(status_code=204, headers={"HX-Redirect": address})
        return RedirectResponse(address, 303)

    def keep(self, answer: Response, name: str, value: str, seconds: int = _YEAR) -> Response:
        """Set a cookie that console.js may read: a preference, never a secret."""
        answer.set_cookie(name, value, max_age=seconds, samesite="lax", secure=self.is_https)
        return answer

    def _midnight(self, on: date | None) -> datetime | None:
        return datetime.combine(on, time(), self.zone) if on else None


def _view(request: Request) -> View:
    view: View = request.state.view
    return view


Looking = Annotated[View, Depends(_view)]
"""Who looks, and how they are answered: for the pages' own functions."""

Errors = Mapping[str, str]
"""What is wrong with a form, by field; shown beside it."""


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
