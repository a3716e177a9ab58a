"""Webhooks as Twilio sends them: signed, with its time-outs, retries, redirects and fallback, and with faults on order."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx2

from dev.simulator.accounts import Account, Accounts
from dev.simulator.alerts import Alert
from dev.simulator.faults import INBOUND, SIGNATURE, WEBHOOK, Fault, Faults
from dev.simulator.lines import Target
from dev.simulator.settings import WEBHOOK_PATH, SimulatorSettings
from dev.simulator.signer import sign
from dev.simulator.twiml import READABLE, BadTwiml, Said, said
from dev.simulator.wire import Wire

_OK = range(200, 300)
_NO_CONTENT = 204
_REDIRECTS = {301, 302}
_UNREADABLE = {"type", "twiml"}
"""Problems of an answer that came, and whose like would come again."""

_ANSWERS_ITSELF = "answers by itself"
_ODD_FIELDS = {"NewIn2027": "1", "Tags": '{"campaign": "spring"}', "Ünusual": "✓"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Overrides:
    """What the fragment of a webhook URL sets: times in seconds, retries, and after what (Twilio's connection overrides)."""

    connect: float = 5.0
    read: float = 15.0
    total: float = 15.0
    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, url: str) -> "Overrides":
        """Read the fragment; what it does not set, or sets to what Twilio does not take, is Twilio's default."""
        told = dict(parse_qsl(url.partition("#")[2]))

        def number(name: str, default: int, least: int, most: int) -> int:
            value = told.get(name, "")
            fits = value.isascii() and value.isdecimal() and len(value) <= len(str(most))
            return int(value) if fits and least <= int(value) <= most else default

        return cls(
            connect=number("ct", 5000, 100, 10000) / 1000,
            read=number("rt", 15000, 100, 15000) / 1000,
            total=number("tt", 15000, 100, 15000) / 1000,
            retries=number("rc", 1, 0, 5),
            policy=frozenset(told.get("rp", "ct").split(",")),
        )

    def again(self, problem: str) -> bool:
        """Tell whether this problem is one to try again after."""
        return problem in self.policy or (problem not in {"", *_UNREADABLE} and "all" in self.policy)


@dataclass(frozen=True)
class Request:
    """One request to be made, and made again."""

    kind: str
    method: str
    url: str
    form: dict[str, str]
    sid: str
    faults: frozenset[str] = frozenset()

    @property
    def full_url(self) -> str:
        """Return what is asked for: with GET the form is in the query."""
        bare = self.url.partition("#")[0]
        if self.method != "GET" or not self.form:
            return bare
        return f"{bare}{'&' if '?' in bare else '?'}{urlencode(self.form)}"

    def moved(self, location: str) -> "Request":
        """Return what follows a redirect: a GET, and the form is lost."""
        return replace(self, method="GET", url=urljoin(self.full_url, location), form={})


@dataclass(frozen=True)
class Delivered:
    """
    How a webhook ended: the last answer's status, None for no answer, and the attempts.

    `error_code`: Twilio's, for what failed; `fallback`: what it requests then; `said`: what the answer says to the person.
    """

    status: int | None
    attempts: int
    error_code: int | None = field(default=None, compare=False)
    fallback: Request | None = field(default=None, compare=False)
    said: tuple[Said, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class _Answer:
    """How one request ended. `problem`: what went wrong, in the words of the retry policy."""

    status: int | None
    problem: str
    location: str | None = None
    said: tuple[Said, ...] = ()


class Webhooks:
    """Posts to the gateway. Plays the reverse proxy: the public URL's requests reach ingress wherever it listens."""

    def __init__(
        self,
        settings: SimulatorSettings,
        accounts: Accounts,
        wire: Wire,
        faults: Faults,
        client: httpx2.AsyncClient,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._wire = wire
        self._faults = faults
        self._client = client
        self._held: asyncio.Event | None = None
        """Set once the message behind the one that is held was delivered."""

    @property
    def is_holding(self) -> bool:
        """Tell whether a message waits for the next one."""
        return self._held is not None

    async def post(self, kind: str, url: str, form: dict[str, str], *, person: str, sid: str) -> Delivered:
        """Deliver one webhook, retrying as the URL's fragment says."""
        faults = self._faults.take_each(WEBHOOK, person) + self._signature(person)
        return await self._late(Request(kind, "POST", url, form, sid, _names(faults)), faults)

    async def tell(self, target: Target, form: dict[str, str], *, person: str, sid: str) -> Delivered:
        """Deliver a message; where its address fails, there is a fallback to be requested."""
        faults = self._faults.take_each((*WEBHOOK, *INBOUND), person) + self._signature(person)
        names = _names(faults)
        method = "GET" if "get" in names else target.method
        request = Request("inbound", method, target.url, _spoilt(form, names), sid, names)
        await self._let_one_pass(faults)
        delivered = await self._late(request, faults)
        if "duplicate" in names:
            again = await self._deliver(request)
            delivered = replace(delivered, said=delivered.said + again.said)
        self._passed()
        if target.fallback_url and ("fallback" in names or delivered.error_code):
            return replace(delivered, fallback=_fallback(request, target, target.fallback_url, delivered))
        return delivered

    async def fall_back(self, fallback: Request) -> Delivered:
        """Request a fallback, as often as its own URL says."""
        return await self._deliver(fallback)

    def _signature(self, person: str) -> list[Fault]:
        fault = self._faults.take(SIGNATURE, person)
        return [fault] if fault else []

    async def _let_one_pass(self, faults: list[Fault]) -> None:
        """Hold this message until the next one was delivered; only one is held at a time."""
        fault = next((it for it in faults if it.kind == "swapped"), None)
        if fault is None or self._held is not None:
            return
        self._held = asyncio.Event()
        try:
            async with asyncio.timeout(fault.seconds):
                await self._held.wait()
        except TimeoutError:
            self._held = None

    def _passed(self) -> None:
        if self._held is not None:
            self._held.set()
            self._held = None

    async def _late(self, request: Request, faults: list[Fault]) -> Delivered:
        await asyncio.sleep(sum(fault.seconds for fault in faults if fault.kind == "webhook_delay"))
        return await self._deliver(request)

    async def _deliver(self, request: Request) -> Delivered:
        """Make one request, as often as its URL's fragment says."""
        overrides = Overrides.of(request.url)
        account = self._accounts.by_sid.get(request.form.get("AccountSid", ""), self._accounts.first)
        loop = asyncio.get_running_loop()
        until = loop.time() + overrides.total
        attempts, answer = 0, _Answer(None, "")
        while attempts <= overrides.retries and loop.time() < until:
            attempts += 1
            answer = await self._attempt(request, account, overrides, until)
            if not overrides.again(answer.problem):
                break
        if not answer.problem:
            return Delivered(answer.status, attempts, said=answer.said)
        alert = _alert(answer.problem, request.url, answer.status, request.sid)
        account.alerts.append(alert)
        return Delivered(answer.status, attempts, alert.code)

    async def _attempt(self, request: Request, account: Account, overrides: Overrides, until: float) -> _Answer:
        """Make one request, and follow one redirect."""
        answer = await self._ask(request, account, overrides, until)
        if answer.status in _REDIRECTS and answer.location:
            return await self._ask(request.moved(answer.location), account, overrides, until)
        return answer

    async def _ask(self, request: Request, account: Account, overrides: Overrides, until: float) -> _Answer:
        url = request.full_url
        headers = _headers(account, request)
        entry = self._wire.begin("to_gateway", request.kind, request.method, url, request.form, headers)
        entry.message_sid, entry.fault = request.sid, "+".join(sorted(request.faults)) or None
        entry.reached = self._reached_at(url)
        limits = httpx2.Timeout(overrides.read, connect=overrides.connect)
        form = request.form if request.method != "GET" else None
        try:
            async with asyncio.timeout_at(until):
                came = await self._client.request(
                    request.method, entry.reached, data=form, headers=headers, timeout=limits
                )
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            self._wire.end(entry, None)
            return _Answer(None, "ct")
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError):  # the last: the time for all attempts is over
            self._wire.end(entry, None)
            return _Answer(None, "rt")
        answer = _read(came, request)
        entry.remark = _ANSWERS_ITSELF if answer.said else None
        self._wire.end(entry, came.status_code, came.text[:200])
        return answer

    def _reached_at(self, url: str) -> str:
        public = self._settings.webhook_url.split("#")[0]
        return self._settings.ingress_url + WEBHOOK_PATH + url.removeprefix(public) if url.startswith(public) else url


def _names(faults: list[Fault]) -> frozenset[str]:
    return frozenset(fault.kind for fault in faults)


def _fallback(request: Request, target: Target, url: str, primary: Delivered) -> Request:
    """Return the request of the fallback: the message once more, with what went wrong."""
    told = {"ErrorCode": str(primary.error_code or 11200), "ErrorUrl": target.url.partition("#")[0]}
    return replace(request, url=url, method=target.fallback_method, form=request.form | told)


def _spoilt(form: dict[str, str], faults: frozenset[str]) -> dict[str, str]:
    """Return a message's form with what was ordered to be odd in it."""
    if "extra_fields" in faults:
        form = form | _ODD_FIELDS
    return form | {"Body": ""} if "blank_body" in faults else form


def _headers(account: Account, request: Request) -> dict[str, str]:
    """Return a webhook's headers, signed with the account's primary token, or with the shared key that it chose."""
    # The same post has the same token whenever it comes again: that is what receivers know a duplicate by.
    told = hashlib.sha256(f"{request.url}\n{urlencode(request.form)}".encode()).hexdigest()[:32]
    headers = {"I-Twilio-Idempotency-Token": told, "User-Agent": "TwilioProxy/1.1"}
    if "no_signature" in request.faults:
        return headers
    url = _signed_url(request.full_url, request.faults)
    form: Mapping[str, str] = request.form if request.method != "GET" else {}
    is_genuine, key = "bad_signature" not in request.faults, account.signs_with
    if key is None:
        token = account.auth_token if is_genuine else "0" * 32
        return {**headers, "X-Twilio-Signature": sign(token, url, form)}
    secret = account.shared_keys[key] if is_genuine else "0" * 32
    return {
        **headers,
        "X-Twilio-Signature": sign(secret, url, form, hashlib.sha256),
        "X-Twilio-Webhooks-Signature-Settings": f"key={key},algorithm=HMAC_SHA256",
    }


def _signed_url(url: str, faults: frozenset[str]) -> str:
    """Return the address that is signed: the one that is asked for, unless something else was ordered."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if "wrong_url" in faults:
        netloc = "elsewhere.invalid"
    elif "wrong_port" in faults:
        netloc = f"{host}:{8443 if port != 8443 else 8444}"  # noqa: PLR2004 - any other port
    elif "port_variant" in faults:
        netloc = host if port else f"{host}:{_DEFAULT_PORTS[parts.scheme]}"
    else:
        return url
    return url.replace(f"//{parts.netloc}", f"//{netloc}", 1)


def _read(came: httpx2.Response, request: Request) -> _Answer:
    """Return an answer as Twilio reads it: only one to a message may say something."""
    status = came.status_code
    if status not in _OK:
        return _Answer(status, f"{status // 100}xx", came.headers.get("location"))
    kind = came.headers.get("content-type", "").partition(";")[0].strip().lower()
    if status == _NO_CONTENT:
        return _Answer(status, "")
    if kind not in READABLE:
        return _Answer(status, "type")
    try:
        return _Answer(status, "", said=said(kind, came.text, request.full_url) if request.kind == "inbound" else ())
    except BadTwiml:
        return _Answer(status, "twiml")


def _alert(problem: str, url: str, status: int | None, sid: str) -> Alert:
    """Return what Twilio writes down: that nothing could be reached, or read as TwiML, or has a wrong type; else that it failed."""
    code = {"ct": 11205, "type": 12300, "twiml": 12100}.get(problem, 11200)
    return Alert(code, url.partition("#")[0], status, sid)
