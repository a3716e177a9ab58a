"""Alerts of Monitor v1, the newest first."""

from starlette.responses import Response

from dev.simulator.alerts import Alert
from dev.simulator.answers import Call, Operation, page_with_meta
from dev.simulator.services import iso


class Alerts:
    """The resource."""

    def operations(self) -> list[Operation]:
        """Return what can be called."""
        return [Operation("GET", "/v1/Alerts", "alert.list", "alerts", self._list)]

    async def _list(self, call: Call) -> Response:
        """List by level and time."""
        level = call.query.get("LogLevel", "error")
        first, last = call.query.get("StartDate", ""), call.query.get("EndDate", "9999")
        found = [one for one in reversed(call.account.alerts) if level == "error" and _within(iso(one.at), first, last)]
        return page_with_meta(
            call, "https://monitor.twilio.com", "alerts", found, lambda one: Alert.record(one, call.account.sid)
        )


def _within(at: str, first: str, last: str) -> bool:
    """Tell whether a time is between two, which may be days."""
    return first <= at and at[: len(last)] <= last
