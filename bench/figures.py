"""Holds every figure of the Monitoring page against the tables that messages, parts and failures are in."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx2
import orjson
import psycopg
from psycopg.rows import dict_row

from bench.pages import WHO
from services.console.monitoring import RANGES

_OFF = 0.125
"""How far a percentile may be off: it is the middle of a bucket that is a quarter wide."""
_SHORT = 0.1
"""How much of what one of the busiest wrote may be missing."""

_INBOUND = """
select extract(epoch from date_bin(%(step)s, received_at, 'epoch'))::bigint as at, count(*) as incoming,
       count(*) filter (where outcome in ('rate_limited', 'over_limit')) as limited
from message where tenant_id = %(tenant)s and received_at >= %(since)s and received_at < %(until)s and outcome <> 'erased' group by 1
"""
_OUTBOUND = """
select extract(epoch from date_bin(%(step)s, part.created_at, 'epoch'))::bigint as at, count(accepted_at) as outgoing,
       count(*) filter (where part.state in ('undelivered', 'failed') and accepted_at is not null) as undelivered,
       count(*) filter (where part.state = 'failed' and accepted_at is null) as failed
from part where tenant_id = %(tenant)s and created_at >= %(since)s and created_at < %(until)s group by 1
"""
_LATENCY = """
with waited as (
  select extract(epoch from date_bin(%(step)s, part.created_at, 'epoch'))::bigint as at,
         extract(epoch from accepted_at - reply.received_at)::float8 as took
  from part join reply on reply.id = reply_id
  where part.tenant_id = %(tenant)s and part.created_at >= %(since)s and part.created_at < %(until)s
    and ordinal = 1 and kind <> 'human' and accepted_at is not null
)
select at, percentile_disc(0.5) within group (order by took) as half, percentile_disc(0.95) within group (order by took) as most
from waited group by grouping sets ((at), ())
"""
_GIVEN_UP = """
select extract(epoch from date_bin(%(step)s, created_at, 'epoch'))::bigint as at, count(*) filter (where stage = 'agent') as agent,
       count(*) filter (where stage <> 'agent') as other
from dead_letter
where tenant_id = %(tenant)s and created_at >= %(since)s and created_at < %(until)s and stage <> 'egress' group by 1
"""
_BUSIEST = """
select contact_id, count(*) as messages from message join conversation on conversation.id = conversation_id
where message.tenant_id = %(tenant)s and received_at >= %(since)s and received_at < %(until)s group by 1 order by 2 desc, 1 limit 8
"""


@dataclass
class Checked:
    """
    A page that was held against the tables. `held`: how many figures; `wrong`: those that differ by more than they may.

    `off`: the percentiles' greatest error; `short`: by how much the number of one of the busiest is too low.
    """

    company: str
    range: str
    held: int = 0
    off: float = 0.0
    short: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def count(self, name: str, shown: object, real: object) -> None:
        """Hold a number that has to be exact."""
        self.held += 1
        if shown != real:
            self.wrong.append(f"{name}: {shown} shown, {real} in the tables")

    def person(self, name: str, shown: int, real: int) -> None:
        """Hold a place among the busiest: what they wrote in hours in which 50 others wrote as much is not in their number."""
        self.held += 1
        self.short = max(self.short, round(1 - shown / real, 4))
        if not (1 - _SHORT) * real <= shown <= real:
            self.wrong.append(f"{name}: {shown} shown, {real} in the tables")

    def time(self, name: str, shown: float | None, real: float | None) -> None:
        """Hold a percentile, which may be an eighth off."""
        self.held += 1
        if shown is None or real is None:
            if shown is not real:
                self.wrong.append(f"{name}: {shown} shown, {real} in the tables")
            return
        off = abs(shown - real) / real
        self.off = max(self.off, round(off, 4))
        if off > _OFF + 0.001 / real:  # times are written to the millisecond
            self.wrong.append(f"{name}: {shown} shown, {real} in the tables")


@dataclass(frozen=True)
class Page:
    """What a Monitoring page says."""

    html: str

    @property
    def charts(self) -> list[list[list[Any]]]:
        """The points and the series of each chart."""
        return [orjson.loads(unescape(it))["data"] for it in re.findall(r'data-chart="([^"]+)"', self.html)]

    @property
    def tiles(self) -> list[tuple[str, str]]:
        """The value of each tile, and what stands under it."""
        return re.findall(r'<p class="value[^"]*">([^<]*)</p><p class="muted small">([^<]*)</p>', self.html)

    @property
    def limited(self) -> str:
        """How many messages were rate limited."""
        (shown,) = re.findall(r">([\d,]+) rate limited<", self.html)
        return str(shown)

    @property
    def people(self) -> list[tuple[str, int]]:
        """The busiest, with their messages."""
        found = re.findall(r'contact=([^"&]+)">.*?<td class="end">(\d+)</td>', self.html)
        return [(contact, int(messages)) for contact, messages in found]


def checked(port: int, database: str, company: str, name: str) -> Checked:
    """Fetch the page of a company and a range, and hold all of it against the tables."""
    answer = httpx2.get(
        f"http://127.0.0.1:{port}/monitoring?range={name}&tenant={company}",
        cookies={"session": WHO["SYSTEM_ADMIN"]},
        timeout=60,
        trust_env=False,
    )
    page, found = Page(answer.raise_for_status().text), Checked(company, name)
    step = RANGES[name].step
    points = page.charts[0][0]
    asked = {
        "tenant": company,
        "step": step,
        "since": datetime.fromtimestamp(points[0], UTC),
        "until": datetime.fromtimestamp(points[-1], UTC) + step,
    }
    with psycopg.connect(database, row_factory=dict_row) as connection:
        rows = {
            query: {row["at"]: row for row in connection.execute(query, asked)}
            for query in (_INBOUND, _OUTBOUND, _LATENCY, _GIVEN_UP)
        }
        busiest = connection.execute(_BUSIEST, asked).fetchall()
    found.count("points", points, [points[0] + n * int(step / timedelta(seconds=1)) for n in range(len(points))])
    _charts(found, page, rows)
    _tiles(found, page, rows)
    for n, (real, (_, shown)) in enumerate(zip(busiest, page.people, strict=True), start=1):
        found.person(f"busiest person {n}", shown, real["messages"])
    return found


Rows = dict[str, dict[int | None, dict[str, Any]]]


def _charts(found: Checked, page: Page, rows: Rows) -> None:
    volume, latency, errors = page.charts
    counted = (
        ("in", volume[1], _INBOUND, "incoming"),
        ("out", volume[2], _OUTBOUND, "outgoing"),
        ("undelivered", errors[1], _OUTBOUND, "undelivered"),
        ("failed", errors[2], _OUTBOUND, "failed"),
        ("given up by the agent", errors[3], _GIVEN_UP, "agent"),
        ("given up by others", errors[4], _GIVEN_UP, "other"),
    )
    for n, at in enumerate(volume[0]):
        for name, series, query, column in counted:
            found.count(f"{name} at {at}", series[n], rows[query].get(at, {}).get(column, 0))
        for name, series, column in (("p50", latency[1], "half"), ("p95", latency[2], "most")):
            found.time(f"{name} at {at}", series[n], rows[_LATENCY].get(at, {}).get(column))


def _tiles(found: Checked, page: Page, rows: Rows) -> None:
    def total(query: str, *columns: str) -> int:
        return sum(row[column] for row in rows[query].values() for column in columns)

    incoming, outgoing = total(_INBOUND, "incoming"), total(_OUTBOUND, "outgoing")
    failed, given_up = total(_OUTBOUND, "failed"), total(_GIVEN_UP, "agent", "other")
    errors = total(_OUTBOUND, "undelivered") + failed + given_up
    (messages, of_them), (most, half), (rate, of_errors) = page.tiles[:3]
    found.count("messages", (messages, of_them), (f"{incoming + outgoing:,}", f"{incoming:,} in · {outgoing:,} out"))
    whole = rows[_LATENCY][None]
    found.time("reply time p95", _seconds(most), whole["most"])
    found.time("reply time p50", _seconds(half.removeprefix("half within ")), whole["half"])
    found.count(
        "error rate", round(float(rate.rstrip("%")), 2), round(100 * errors / (outgoing + failed + given_up), 2)
    )
    found.count("errors", of_errors, f"{errors:,} errors")
    found.count("rate limited", page.limited, f"{total(_INBOUND, 'limited'):,}")


def _seconds(shown: str) -> float:
    number, unit = shown.split()
    return float(number) / (1000 if unit == "ms" else 1)
