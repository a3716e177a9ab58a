"""Every way in which work can fail, as values: the code is the log field, the metric label and the console's text key."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """
    A named way to fail.

    `retry`: the same work may succeed later, untouched. `page`: a person has to act before it can. What is neither is a limit
    that was meant: nothing is left to be done.
    """

    code: str
    retry: bool = False
    page: bool = False

    @property
    def is_meant(self) -> bool:
        """Tell whether this is how it shall end, rather than work for somebody."""
        return not (self.retry or self.page)


MALFORMED_EVENT = Failure("malformed_event", page=True)
SEALED_UNREADABLE = Failure("sealed_unreadable", page=True)
MESSAGE_FAILED = Failure("message_failed", retry=True)
UNKNOWN_LINE = Failure("unknown_line", page=True)
MODEL_UNAVAILABLE = Failure("model_unavailable", retry=True)
MODEL_EMPTY = Failure("model_empty", retry=True)
MODEL_REFUSED = Failure("model_refused", page=True)
MESSAGE_BUDGET_SPENT = Failure("message_budget_spent")
CONVERSATION_BUDGET_SPENT = Failure("conversation_budget_spent")
DAY_BUDGET_SPENT = Failure("day_budget_spent")
MEDIA_UNREADABLE = Failure("media_unreadable")
MEDIA_UNHEARD = Failure("media_unheard")
MEDIA_UNSEEN = Failure("media_unseen")
MEDIA_UNAVAILABLE = Failure("media_unavailable", retry=True)
LOOP_NOTICED = Failure("loop_noticed")
SILENCED = Failure("silenced")
TURN_TIMED_OUT = Failure("turn_timed_out", retry=True)
TURN_CRASHED = Failure("turn_crashed", page=True)
TEXTS_GONE = Failure("texts_gone")
NOTHING_ASKED = Failure("nothing_asked", page=True)
PIPELINE_UNFIT = Failure("pipeline_unfit", page=True)
OUTCOME_UNKNOWN = Failure("outcome_unknown", page=True)
CHANNEL_UNKNOWN = Failure("channel_unknown", page=True)


@dataclass(frozen=True)
class SendFailure(Failure):
    """
    A way in which a send fails.

    `after`: seconds before a retry makes sense. `most`: tries in all, where a retry is worth it. `stops`: the person
    does not want more, so what else is queued for them is dropped. `advice`: what the admin should do.
    """

    after: float = 1.0
    most: int = 8
    stops: bool = False
    advice: str = ""


class GatewayError(Exception):
    """Work ended for a named reason. Carries no message text, no address and no secret."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


class Later(Exception):
    """Somebody else is at it, or it is not due: deliver again after `delay` seconds. Never counts as a failed try."""

    def __init__(self, delay: float) -> None:
        super().__init__(f"again in {delay:g} s")
        self.delay = delay
