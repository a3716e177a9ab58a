"""Monitoring: how much was written and answered, how fast, and what went wrong; the home of admins."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import orjson
import psycopg
from babel.dates import format_timedelta
from babel.numbers import format_decimal, format_percent
from fastapi import APIRouter
from fastapi.responses import Response
from psycopg.rows import DictRow
from psycopg_pool import PoolTimeout

from services.console.api import contacts
from services.console.api.contacts import Contact
from services.console.api.routes import may
from services.console.monitoring import ERRORS, RANGES, Monitoring, Traffic, error_rate, errors, quantile
from services.console.pages.choices import companies
from services.console.pages.navigation import _
from services.console.pages.routes import Page
from services.console.pages.templates import duration
from services.console.pages.view import Looking, View
from services.console.scan import existing
from shared.store.session import Connection, Store
from shared.telemetry import PAGE_REGION_FAILED, log
from shared.vault import Vault

T = TypeVar("T")

_DEFAULT = "24h"
_MS = 1000
_PEOPLE = (
    f"select {contacts.SHOWN} from contact join tenant on tenant.id = contact.tenant_id where contact.id = any(%s)"  # noqa: S608 - constants
)
_ERRORS = {
    "undelivered": _("Undelivered"),
    "failed": _("Refused by Twilio"),
    "given_up/agent": _("Agent gave up"),
    "given_up/other": _("Other work given up"),
}


@dataclass(frozen=True)
class Chart:
    """A chart, and its numbers for who cannot see it. `unit`: count or time (seconds). `series`: label to values."""

    name: str
    title: str
    summary: str
    kind: str
    unit: str
    points: Sequence[datetime]
    series: Mapping[str, Sequence[float | None]]

    @property
    def data(self) -> str:
        """Return it as the script draws it: of the points the first and their distance are enough."""
        first, second, *_more = (int(it.timestamp()) for it in self.points)
        told = {
            "kind": self.kind,
            "unit": self.unit,
            "from": first,
            "step": second - first,
            "labels": list(self.series),
            "series": list(self.series.values()),
        }
        return orjson.dumps(told).decode()


def monitoring(store: Store, vault: Vault) -> APIRouter:
    """Return the page."""
    router = APIRouter(route_class=Page)

    @router.get("/monitoring", **may("messages:read"))
    async def page(view: Looking) -> Response:
        asked = view.request.query_params
        tenant = await existing(store, view.who, view.company(asked.get("tenant")))
        over = RANGES.get(asked.get("range", ""), RANGES[_DEFAULT])
        async with store.connection(tenant) as connection:
            found = Monitoring(connection, tenant)
            now, setup = await found.state()
            traffic = await _or_none(found.traffic(over, now))
            present = await _or_none(found.at_present(now))
            people = await _or_none(_people(connection, vault, found.busiest(over, now)))
        oldest = present.oldest if present else None
        return view.page(
            "monitoring.html",
            tenant=tenant,
            companies=await companies(store, view, "/monitoring", tenant),
            ranges=RANGES,
            over=over,
            present=present,
            waiting=oldest and format_timedelta(now - oldest, format="short", locale=view.language),
            numbers=_numbers(view, traffic.total) if traffic else None,
            charts=[draw(view, traffic) for draw in (_volume, _latency, _errors)] if traffic else None,
            table=asked.get("table"),
            people=people,
            setup=setup,
        )

    return router


def _numbers(view: View, total: Mapping[str, int]) -> dict[str, Any]:
    """Return the tiles' numbers as they are written."""
    rate = error_rate(total)
    return {
        "messages": _number(view, total.get("in", 0) + total.get("out", 0)),
        "in": _number(view, total.get("in", 0)),
        "out": _number(view, total.get("out", 0)),
        "limited": _number(view, total.get("limited", 0)),
        "p50": duration(quantile(total, 0.5), view.language),
        "p95": duration(quantile(total, 0.95), view.language),
        "rate": "–" if rate is None else format_percent(rate, "0.##%", locale=view.language),
        "errors": _number(view, errors(total)),
        "failed": errors(total),
    }


def _volume(view: View, traffic: Traffic) -> Chart:
    incoming, outgoing = traffic.series("in"), traffic.series("out")
    summary = view.text(
        _("%(incoming)s messages came in and %(outgoing)s went out; the busiest moment had %(most)s of both."),
        incoming=_number(view, sum(incoming)),
        outgoing=_number(view, sum(outgoing)),
        most=_number(view, max(a + b for a, b in zip(incoming, outgoing, strict=True))),
    )
    series = {view.text(_("Inbound")): incoming, view.text(_("Outbound")): outgoing}
    return Chart("volume", view.text(_("Messages")), summary, "bars", "count", traffic.points, series)


def _latency(view: View, traffic: Traffic) -> Chart:
    middle, most = traffic.quantiles(0.5), traffic.quantiles(0.95)
    total = traffic.total
    known = quantile(total, 0.5) is not None
    summary = view.text(
        _("Half of the replies were with Twilio within %(half)s, 95 of 100 within %(most)s."),
        half=duration(quantile(total, 0.5), view.language),
        most=duration(quantile(total, 0.95), view.language),
    )
    series = {"p50": _in_seconds(middle), "p95": _in_seconds(most)}
    return Chart(
        "latency",
        view.text(_("Reply time")),
        summary if known else view.text(_("There was no reply.")),
        "lines",
        "time",
        traffic.points,
        series,
    )


def _errors(view: View, traffic: Traffic) -> Chart:
    total = traffic.total
    counted = [f"{view.text(_ERRORS[kind])}: {_number(view, total[kind])}" for kind in ERRORS if total.get(kind)]
    summary = "; ".join(counted) + "." if counted else view.text(_("Nothing went wrong."))
    series = {view.text(_ERRORS[kind]): traffic.series(kind) for kind in ERRORS}
    return Chart("errors", view.text(_("Errors")), summary, "bars", "count", traffic.points, series)


async def _or_none(read: Awaitable[T]) -> T | None:
    """Return what a card shows; None where it cannot be read just now, so that the others stay."""
    try:
        return await read
    except (psycopg.Error, PoolTimeout) as error:
        log.warning(PAGE_REGION_FAILED, exc_info=error)
        return None


async def _people(
    connection: Connection, vault: Vault, reading: Awaitable[Sequence[DictRow]]
) -> list[tuple[Contact, int]]:
    """Return who wrote most, as they may be shown."""
    busiest = await reading
    cursor = await connection.execute(_PEOPLE, ([row["contact_id"] for row in busiest],))
    known: dict[str, Any] = {row["contact"]: contacts.contact(vault, row) for row in await cursor.fetchall()}
    return [(known[row["contact_id"]], row["messages"]) for row in busiest if row["contact_id"] in known]


def _number(view: View, value: float) -> str:
    return str(format_decimal(value, locale=view.language))


def _in_seconds(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else round(value / _MS, 3) for value in values]
