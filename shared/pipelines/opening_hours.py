"""When a business is open: hours of each day of the week, by the clock of its own place."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from shared.pipelines.part import Part

_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_known = cache(available_timezones)


def _time_zone(name: str) -> str:
    if name not in _known():
        raise PydanticCustomError("time_zone", "must be a time zone such as Europe/Rome")
    return name


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("day", "must be a day such as 2026-12-25") from None
    return text


Interval = Annotated[str, StringConstraints(pattern=rf"^{_CLOCK}-(?:{_CLOCK}|24:00)$")]
Intervals = Annotated[
    list[Interval],
    Field([], max_length=10, description="Such as 09:00-13:00. What ends before it begins lasts until the next day."),
]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_day)]


class OpeningHours(Part):
    """Hours by day; a day without any is closed."""

    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(description="Such as Europe/Rome.")
    monday: Intervals
    tuesday: Intervals
    wednesday: Intervals
    thursday: Intervals
    friday: Intervals
    saturday: Intervals
    sunday: Intervals
    closed_on: list[Day] = Field([], max_length=400, description="Days on which it is closed all the same.")

    def hold(self, now: datetime) -> bool:
        """Tell whether it is open at a moment. The change to summer time moves the clock, and so the hours with it."""
        here = now.astimezone(ZoneInfo(self.time_zone))
        at = here.hour * 60 + here.minute
        today, yesterday = here.date(), here.date() - timedelta(days=1)
        return any(begin <= at < (end if begin < end else 24 * 60) for begin, end in self._on(today)) or any(
            end <= begin and at < end for begin, end in self._on(yesterday)
        )

    def _on(self, day: date) -> Sequence[tuple[int, int]]:
        """Return the hours of a day, in minutes."""
        if day.isoformat() in self.closed_on:
            return ()
        intervals: list[str] = getattr(self, _DAYS[day.weekday()])
        return [(_minutes(interval[:5]), _minutes(interval[6:])) for interval in intervals]


def _minutes(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)
