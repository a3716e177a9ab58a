"""Webhooks as Twilio sends them: signed, with its time-outs and retries, and with faults on order."""

import asyncio
import hashlib
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import httpx2

from dev.simulator.accounts import Account, Accounts
from dev.simulator.alerts import Alert
from dev.simulator.faults import WEBHOOK, Faults
from dev.simulator.settings import WEBHOOK_PATH, SimulatorSettings
from dev.simulator.signer import sign
from dev.simulator.wire import Entry, Wire

_OK = range(200, 300)


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
        return problem in self.policy or (problem != "" and "all" in self.policy)


@dataclass(frozen=True)
class Delivered:
    """How a webhook ended: the last answer's status, None for no answer, and the number of attempts."""

    status: int | None
    attempts: int


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

    async def post(self, kind: str, url: str, form: dict[str, str], *, person: str, sid: str) -> Delivered:
        """Deliver one webhook, retrying as the URL's fragment says."""
        overrides = Overrides.of(url)
        fault = self._faults.take(WEBHOOK, person)
        if fault is not None and fault.kind == "webhook_delay":
            await asyncio.sleep(fault.seconds)
        account = self._accounts.by_sid.get(form.get("AccountSid", ""), self._accounts.first)
        headers = _headers(account, url, form, fault.kind if fault else None)
        loop = asyncio.get_running_loop()
        until = loop.time() + overrides.total
        attempts, status, problem = 0, None, ""
        while attempts <= overrides.retries and loop.time() < until:
            attempts += 1
            entry = self._wire.begin("to_gateway", kind, "POST", url.split("#", maxsplit=1)[0], form)
            entry.message_sid, entry.fault = sid, fault.kind if fault else None
            try:
                async with asyncio.timeout_at(until):
                    status, problem = await self._attempt(url, form, headers, overrides, entry)
            except TimeoutError:  # the time for all attempts is over
                status, problem = None, "rt"
                entry.end(None)
            if not overrides.again(problem):
                break
        if problem:
            account.alerts.append(_alert(problem, url, status, sid))
        return Delivered(status, attempts)

    async def _attempt(
        self, url: str, form: dict[str, str], headers: dict[str, str], overrides: Overrides, entry: Entry
    ) -> tuple[int | None, str]:
        """Post once; return the status and the problem in the words of the retry policy."""
        limits = httpx2.Timeout(overrides.read, connect=overrides.connect)
        try:
            answer = await self._client.post(self._reached_at(url), data=form, headers=headers, timeout=limits)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            entry.end(None)
            return None, "ct"
        except (httpx2.HTTPError, httpx2.InvalidURL):
            entry.end(None)
            return None, "rt"
        entry.end(answer.status_code, answer.text[:200])
        problem = "" if answer.status_code in _OK else f"{answer.status_code // 100}xx"
        return answer.status_code, problem

    def _reached_at(self, url: str) -> str:
        public = self._settings.webhook_url.split("#")[0]
        bare = url.split("#", maxsplit=1)[0]
        return (
            self._settings.ingress_url + WEBHOOK_PATH + bare.removeprefix(public) if bare.startswith(public) else bare
        )


def _headers(account: Account, url: str, form: dict[str, str], fault: str | None) -> dict[str, str]:
    """Return a webhook's headers, signed with the account's primary token, or with the shared key that it chose."""
    # The same post has the same token whenever it comes again: that is what receivers know a duplicate by.
    told = hashlib.sha256(f"{url}\n{urlencode(form)}".encode()).hexdigest()[:32]
    headers = {"I-Twilio-Idempotency-Token": told, "User-Agent": "TwilioProxy/1.1"}
    if fault == "no_signature":
        return headers
    key = account.signs_with
    if key is None:
        token = account.auth_token if fault != "bad_signature" else "0" * 32
        return {**headers, "X-Twilio-Signature": sign(token, url, form)}
    secret = account.shared_keys[key] if fault != "bad_signature" else "0" * 32
    return {
        **headers,
        "X-Twilio-Signature": sign(secret, url, form, hashlib.sha256),
        "X-Twilio-Webhooks-Signature-Settings": f"key={key},algorithm=HMAC_SHA256",
    }


def _alert(problem: str, url: str, status: int | None, sid: str) -> Alert:
    """Return what Twilio writes down of a webhook that failed: 11205 where nothing could be reached, else 11200."""
    return Alert(11205 if problem == "ct" else 11200, url.partition("#")[0], status, sid)
