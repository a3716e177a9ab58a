"""The webhook: check → verify → parse → store → 200."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from opentelemetry.trace import Span, SpanKind

from services.ingress import outcomes
from services.ingress.directory import Directory
from services.ingress.http import Request, answer, check_head, read_body
from services.ingress.intake import Arrival, Intake
from services.ingress.outcomes import Outcome, Refused
from services.ingress.post import ANSWER_LIMIT
from shared.bus import BusUnavailable
from shared.channels.ports import Inbound, InvalidForm, Webhook
from shared.directory import AccountEntry, LineEntry
from shared.ids import LineId, new_id
from shared.metrics import DUPLICATES, HOP_ACCEPT, SIGNATURE_FAILURES, WEBHOOKS, observe
from shared.ops import Receive, Scope, Send
from shared.telemetry import WEBHOOK_ANSWERED, WEBHOOK_CRASHED, log, span

_PATH = re.compile(r"/webhooks/([a-z]{1,32})(/[A-Za-z0-9_-]{1,64})?", re.ASCII)
_STATUS = "/status"
_REPEATED = frozenset({outcomes.DUPLICATE, outcomes.REPORT_REPEATED})
_BAD_PROOF = frozenset({outcomes.UNKNOWN_ACCOUNT, outcomes.FORGED, outcomes.WRONG_LINE})

for _failed in (outcomes.UNAVAILABLE, outcomes.CRASHED):
    WEBHOOKS.labels(_failed.name)  # there from the start, so that the first one is seen as a rise


@dataclass(frozen=True)
class Route:
    """Which channel a path belongs to, and which line it insists on."""

    channel: Inbound
    suffix: str
    line: LineEntry | None = None


class WebhookApp:
    """The ASGI app. Whatever is sent to it gets an answer of the table in `outcomes`."""

    def __init__(self, channels: Mapping[str, Inbound], directory: Directory, intake: Intake) -> None:
        self._channels = channels
        self._directory = directory
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and log one line about it."""
        started = time.perf_counter()
        request = Request.of(scope, receive)
        with span(self._span_name(request), kind=SpanKind.SERVER) as opened:
            outcome = await self._outcome(request)
            elapsed = time.perf_counter() - started
            _measure(outcome, elapsed)
            _note(opened, request, outcome, elapsed)  # before the answer: whoever has that finds the line
            await answer(request, send, outcome)

    async def _outcome(self, request: Request) -> Outcome:
        try:
            return await self._take(request)
        except Refused as refusal:
            return refusal.outcome
        except InvalidForm:
            return outcomes.MUTATED
        except BusUnavailable as missing:
            request.facts["reason"] = str(missing)
            return outcomes.UNAVAILABLE
        except Exception as error:  # noqa: BLE001 - the last resort: 503 asks Twilio to come again
            request.facts["error_id"] = new_id("err")
            log.error(WEBHOOK_CRASHED, error_id=request.facts["error_id"], exc_info=error)
            return outcomes.CRASHED

    async def _take(self, request: Request) -> Outcome:
        route = self._route(request)
        check_head(request)
        came_at = datetime.now(UTC)
        webhook = Webhook(route.suffix, request.query, await read_body(request), request.headers)
        arrival = Arrival(came_at, asyncio.get_running_loop().time() + ANSWER_LIMIT, request.facts)
        form = _decoded(route, webhook)
        account = await self._account(route, form)
        if not route.channel.genuine(webhook, form, account.accepted(came_at)):
            raise Refused(outcomes.FORGED)
        if route.suffix == _STATUS:
            return await self._intake.take_report(account, route.channel.report(webhook, form), arrival)
        if route.channel.is_report(form):
            return outcomes.MISPLACED_REPORT
        return await self._intake.take_message(account, route.channel.message(form), route.line, arrival)

    def _route(self, request: Request) -> Route:
        match = _PATH.fullmatch(request.path)
        channel = self._channels.get(match[1]) if match else None
        if match is None or channel is None:
            raise Refused(outcomes.UNKNOWN_PATH)
        suffix = match[2] or ""
        if suffix in {"", _STATUS}:
            return Route(channel, suffix)
        line = self._directory.named(LineId(suffix[1:]))
        if line is None:
            raise Refused(outcomes.UNKNOWN_PATH)
        return Route(channel, suffix, line)

    async def _account(self, route: Route, form: list[tuple[str, str]]) -> AccountEntry:
        """Return the account whose secrets decide. Its name is only claimed as yet."""
        sid = route.channel.account(form)
        account = await self._directory.account(sid) if sid else None
        if account is None:
            raise Refused(outcomes.UNKNOWN_ACCOUNT)
        if route.line and route.line.account_sid != account.account_sid:
            raise Refused(outcomes.WRONG_LINE)
        return account

    def _span_name(self, request: Request) -> str:
        match = _PATH.fullmatch(request.path)
        if match is None or match[1] not in self._channels or request.method != "POST":
            return "refuse request"
        varying = match[2] if match[2] in {None, _STATUS} else "/{line}"
        return f"POST /webhooks/{match[1]}{varying or ''}"


def _decoded(route: Route, webhook: Webhook) -> list[tuple[str, str]]:
    try:
        return list(route.channel.form(webhook.body))
    except InvalidForm:
        raise Refused(outcomes.UNREADABLE) from None


def _measure(outcome: Outcome, elapsed: float) -> None:
    WEBHOOKS.labels(outcome.name).inc()
    if outcome in _BAD_PROOF:
        SIGNATURE_FAILURES.inc()
    if outcome in _REPEATED:
        DUPLICATES.labels("ingress").inc()
    if outcome is outcomes.ACCEPTED:
        observe(HOP_ACCEPT, elapsed)


def _note(opened: Span, request: Request, outcome: Outcome, elapsed: float) -> None:
    """Write the wide line. A mutated form behind a good signature is somebody at work, hence a warning."""
    opened.set_attribute("http.response.status_code", outcome.status)
    if sid := request.facts.get("provider_sid"):
        opened.set_attribute("trunkline.message_sid", sid)
    write = log.warning if outcome is outcomes.MUTATED else log.info
    ms = round(elapsed * 1000, 1)
    write(WEBHOOK_ANSWERED, outcome=outcome.name, status=outcome.status, ms=ms, **request.facts)
