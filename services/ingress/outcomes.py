"""Every way in which a webhook request ends: one table, which also names the metric label and the log field."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How a request is answered. `closes`: the connection ends with it, for whoever sent that is not Twilio."""

    name: str
    status: int
    closes: bool = False


ACCEPTED = Outcome("accepted", 200)
DUPLICATE = Outcome("duplicate", 200)
UNKNOWN_TO = Outcome("unknown_to", 200)
DISABLED = Outcome("disabled", 200)
OWN_NUMBER = Outcome("own_number", 200)
MISPLACED_REPORT = Outcome("misplaced_report", 200)
REPORTED = Outcome("reported", 204)
REPORT_REPEATED = Outcome("report_repeated", 204)
REPORT_UNKNOWN = Outcome("report_unknown", 204)

UNKNOWN_PATH = Outcome("unknown_path", 404, closes=True)
WRONG_METHOD = Outcome("wrong_method", 405, closes=True)
BAD_FRAMING = Outcome("bad_framing", 400, closes=True)
WRONG_TYPE = Outcome("wrong_type", 415, closes=True)
TOO_LARGE = Outcome("too_large", 413, closes=True)
HEADERS_TOO_LARGE = Outcome("headers_too_large", 431, closes=True)
TOO_SLOW = Outcome("too_slow", 400, closes=True)
CUT_SHORT = Outcome("cut_short", 400, closes=True)
UNREADABLE = Outcome("unreadable", 400, closes=True)

UNKNOWN_ACCOUNT = Outcome("unknown_account", 403)
FORGED = Outcome("forged", 403)
WRONG_LINE = Outcome("wrong_line", 403)
MUTATED = Outcome("mutated", 400)
"""The signature holds and the form does not: a captured request, cut into other fields."""

UNAVAILABLE = Outcome("unavailable", 503)
CRASHED = Outcome("crashed", 503)


class Refused(Exception):
    """The request ends here."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.name)
        self.outcome = outcome
