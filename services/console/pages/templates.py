"""The templates, what they may call, and the names of the built assets."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from babel.dates import format_timedelta
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from opentelemetry import trace

from services.console.pages import findings, statuses
from services.console.pages.language import LANGUAGES, catalogue, clock, day
from services.console.pages.notices import NOTICES

if TYPE_CHECKING:
    from services.console.pages.view import View

_HERE = Path(__file__).parent
BUNDLE = _HERE / "bundle"
_SECOND = 1000


@cache
def manifest() -> Mapping[str, str]:
    """Return the built name of each asset, which holds its hash."""
    names: dict[str, str] = orjson.loads((BUNDLE / "manifest.json").read_bytes())
    return names


def asset(name: str) -> str:
    """Return the address of an asset."""
    return f"/assets/{manifest()[name]}"


@cache
def environment(language: str) -> Environment:
    """Return the templates in a language."""
    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    templates.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    templates.globals |= {
        "asset": asset,
        "token": token,
        "trace": trace_id,
        "notice": notice,
        "icon": icon,
        "hx": hx,
        "LANGUAGES": LANGUAGES,
        "status_of": statuses.of,
        "finding_of": findings.of,
    }
    templates.filters |= {"when": when, "moment": exact, "seconds": seconds, "ago": ago, "age": age, "decimal": decimal}
    return templates


def trace_id() -> str | None:
    """Return the trace of the request at hand, for who reports what failed; None where none is kept."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


@cache
def icon(name: str) -> Markup:
    """Draw an icon of the sprite, which says nothing to a screen reader."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
        asset("icons.svg"), name
    )


def token(view: "View") -> Markup:
    """Let a form prove that it is a page of ours."""
    if view.session is None:
        return Markup("")
    return Markup('<input type="hidden" name="token" value="{}">').format(view.session.form_token)


def notice(view: "View") -> Markup:
    """Show what the address says was done, as a toast."""
    said = NOTICES.get(view.request.query_params.get("done", ""))
    return Markup('<p class="toast">{}{}</p>').format(icon("circle-check"), view.text(said)) if said else Markup("")


@pass_context
def hx(context: Context) -> Markup:
    """Let an element have `hx-` attributes: without this page's nonce, hx-csp takes them away."""
    return Markup('hx-nonce="{}"').format(_view(context).nonce)


@pass_context
def when(context: Context, moment: datetime | None) -> Markup:
    """Show a moment in the viewer's zone: the time, and the day where it is not today. Hovering shows UTC."""
    if moment is None:
        return Markup("–")
    view = _view(context)
    there = moment.astimezone(view.zone)
    text = clock(there)
    if there.date() != datetime.now(view.zone).date():
        text = f"{day(there, view.language)}, {text[:5]}"
    return _time(moment, text)


@pass_context
def exact(context: Context, moment: datetime) -> Markup:
    """Show the time of a step, down to milliseconds."""
    view = _view(context)
    return _time(moment, clock(moment.astimezone(view.zone), exact=True))


@pass_context
def ago(context: Context, moment: datetime) -> str:
    """Tell how long ago something was: `2 minutes ago`."""
    return format_timedelta(moment - datetime.now(UTC), add_direction=True, locale=_view(context).language)


@pass_context
def age(context: Context, moment: datetime) -> Markup:
    """Show how old something is: `2 minutes`; hovering shows when it came to be."""
    return _time(moment, format_timedelta(datetime.now(UTC) - moment, locale=_view(context).language))


@pass_context
def seconds(context: Context, ms: float | None) -> str:
    """Show a duration, as `duration` writes it."""
    return duration(ms, _view(context).language)


@pass_context
def decimal(context: Context, value: float, places: int) -> str:
    """Show a number with so many digits behind the point, or the comma."""
    return _decimal(value, places, _view(context).language)


def duration(ms: float | None, language: str) -> str:
    """Write a duration: `12 ms`, `3.42 s`."""
    if ms is None:
        return "–"
    return f"{ms:.0f} ms" if ms < _SECOND else f"{_decimal(ms / _SECOND, 2, language)} s"


def _decimal(value: float, places: int, language: str) -> str:
    return str(format_decimal(value, f"#,##0.{'0' * places}", locale=language))


def _time(moment: datetime, text: str) -> Markup:
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        moment.isoformat(), f"{moment:%Y-%m-%d %H:%M:%S}", escape(text)
    )


def _view(context: Context) -> "View":
    view: Any = context["view"]
    found: View = view
    return found
