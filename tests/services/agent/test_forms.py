"""Contact forms on their way to the business: each once, again where that is safe, and in the end to the dead letters."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import orjson
import pytest

from services.agent.forms import BACKOFF, FormSender
from services.agent.llm import Completion, Said
from services.console.access import Principal
from services.console.dead_letters import DeadLetters, NotReplayable
from shared.bus import Bus
from shared.forms import seal_delivery
from shared.outbound import Guard, OutboundFailure
from shared.outbound.failures import BROKE_OFF, MAIL_PUT_OFF, MAIL_REFUSED
from shared.outbound.mailbox import MailServer
from shared.store.session import EVERY_TENANT, Store
from tests.eventually import eventually
from tests.fakes.model import asks_for
from tests.fakes.web import Asked, FakeWeb, reply
from tests.services.agent.conftest import SECRET, Act
from tests.services.desk import TENANT, Platform

ADMIN = Principal("test", None, frozenset())
FIELDS = {"name": "Ann", "message": "Please call me", "email": ""}
MAIL = {
    "host": "mail.example.org", "port": 587, "security": "starttls", "username": "me", "sender": "a@example.org",
    "recipient": "b@example.org",
}  # fmt: skip


@dataclass
class FakeMails:
    """Takes mail, or fails as it is told."""

    failure: OutboundFailure | None = None
    sent: list[tuple[MailServer, str, EmailMessage]] = field(default_factory=list)

    async def send(self, server: MailServer, password: str, mail: EmailMessage) -> OutboundFailure | None:
        self.sent.append((server, password, mail))
        return self.failure


Deliver = Callable[..., Awaitable[None]]


@pytest.fixture
def mails() -> FakeMails:
    return FakeMails()


@pytest.fixture
def sender(agent_store: Store, platform: Platform, guard: Guard, mails: FakeMails) -> FormSender:
    return FormSender(agent_store, platform.vault, guard, mails)


@pytest.fixture
def deliver(platform: Platform, services: FakeWeb) -> Deliver:
    """Say where the tenant wants its forms, in place of what it said before."""

    async def say(kind: str = "webhook", **more: Any) -> None:
        options: dict[str, Any] = {"url": f"{services.url}/forms"}
        secrets = {"Authorization": SECRET}
        if kind == "email":
            options, secrets = MAIL, {"password": "s3cret"}
        sealed = seal_delivery(platform.vault, TENANT, "fd_test", secrets)
        row = {"enabled": True, **more}
        await platform.rows(
            """
            insert into form_delivery (id, tenant_id, kind, options, sealed_secrets, enabled)
            values ('fd_test', %s, %s, %s, %s, %s)
            on conflict (id) do update set kind = excluded.kind, options = excluded.options, enabled = excluded.enabled,
                                           sealed_secrets = excluded.sealed_secrets
            returning 1
            """,
            TENANT,
            kind,
            orjson.dumps(options).decode(),
            sealed,
            row["enabled"],
        )

    return say


@pytest.fixture
async def left(platform: Platform, acting: Act) -> Callable[[], Awaitable[None]]:
    """Let a visitor leave a form."""
    await platform.plant()
    async with platform.store.transaction(TENANT):
        pass  # its data key is there from now on

    def script(messages: list[Said], _tools: list[Said]) -> Completion:
        return (
            Completion("Passed on.")
            if messages[-1]["role"] == "tool"
            else asks_for(("contact_form", orjson.dumps(FIELDS).decode()))
        )

    here = await acting(script)

    async def leave() -> None:
        ann = here.person()
        await ann.writes("call me")
        await here.replies(ann, 1)

    return leave


async def forms(platform: Platform) -> list[dict[str, Any]]:
    return await platform.rows("select state, tries, failure, next_at from form_submission order by id")


async def letters(platform: Platform) -> list[dict[str, Any]]:
    return await platform.rows("select stage, reason, attempts, payload from dead_letter order by id")


async def is_due(platform: Platform, **more: Any) -> None:
    """Let time pass until the form is due."""
    await platform.rows("update form_submission set next_at = now() returning 1")
    for name, value in more.items():
        await platform.rows(f"update form_submission set {name} = %s returning 1", value)


async def test_a_form_is_posted_once_under_its_own_key(
    platform: Platform, deliver: Deliver, left: Callable[[], Awaitable[None]], sender: FormSender, services: FakeWeb
) -> None:
    """
    With the secret that belongs to it; then there is nothing left to do.
    """
    await deliver()
    await left()
    for _ in range(2):
        await sender.send_due()
    [asked] = services.asked
    [row] = await platform.rows("select id, conversation_id from form_submission")
    told = orjson.loads(asked.body)
    assert asked.line == "POST /forms HTTP/1.1"
    assert (asked.headers["idempotency-key"], asked.headers["authorization"]) == (row["id"], SECRET)
    assert (told["id"], told["tenant"], told["conversation"]) == (row["id"], TENANT, row["conversation_id"])
    assert told["form"] == FIELDS
    assert [(it["state"], it["next_at"]) for it in await forms(platform)] == [("sent", None)]


async def test_a_form_that_nobody_wants_sent_is_kept(
    platform: Platform, deliver: Deliver, left: Callable[[], Awaitable[None]], sender: FormSender, services: FakeWeb
) -> None:
    """
    Neither before somebody says where, nor while that is off, nor once it is taken back.
    """
    await left()
    await deliver(enabled=False)
    await sender.send_due()
    await is_due(platform, state="waiting")
    await sender.send_due()
    assert services.asked == []
    assert [(it["state"], it["next_at"]) for it in await forms(platform)] == [("kept", None)]


@pytest.mark.parametrize(
    "answer",
    [reply("{}", status=503), reply("{}", status=429), reply("{}", status=408), None],
    ids=["503", "429", "408", "-"],
)
async def test_what_may_pass_is_tried_again_later(  # noqa: PLR0917 - fixtures
    platform: Platform,
    deliver: Deliver,
    left: Callable[[], Awaitable[None]],
    sender: FormSender,
    services: FakeWeb,
    answer: bytes | None,
) -> None:
    """
    Under the same key, so that the other side knows it if it came all the same.
    """
    await deliver()
    await left()
    services.respond = lambda _asked: answer
    await sender.send_due()
    [form] = await platform.rows("select state, next_at - now() > interval '5 s' as later from form_submission")
    assert form == {"state": "waiting", "later": True}
    await sender.send_due()
    services.respond = lambda _asked: reply("")
    await is_due(platform)
    await sender.send_due()
    assert [it["state"] for it in await forms(platform)] == ["sent"]
    assert len(services.asked) == 2
    assert len({asked.headers["idempotency-key"] for asked in services.asked}) == 1
    assert await letters(platform) == []


async def test_after_its_last_try_a_form_is_a_dead_letter_and_may_be_sent_again(  # noqa: PLR0917 - fixtures
    platform: Platform,
    deliver: Deliver,
    left: Callable[[], Awaitable[None]],
    sender: FormSender,
    services: FakeWeb,
    console_store: Store,
    bus: Bus,
) -> None:
    """
    A replay begins anew; one that was sent meanwhile is not sent by it.
    """
    await deliver()
    await left()
    services.respond = lambda _asked: reply("{}", status=500)
    for _ in range(len(BACKOFF) + 3):
        await is_due(platform) if (await forms(platform))[0]["next_at"] else None
        await sender.send_due()
    assert len(services.asked) == len(BACKOFF) + 1
    [row] = await platform.rows("select id from form_submission where state = 'failed' and next_at is null")
    [letter] = await letters(platform)
    assert letter == {"stage": "form", "reason": "webhook_failing", "attempts": 7, "payload": f"form/{row['id']}"}
    services.respond = lambda _asked: reply("")
    found = DeadLetters(console_store, bus)
    [listed] = await found.list(EVERY_TENANT, "waiting", None, 9)
    await found.replay(ADMIN, listed.id)
    await sender.send_due()
    assert [it["state"] for it in await forms(platform)] == ["sent"]
    await platform.rows("update dead_letter set state = 'waiting' returning 1")
    with pytest.raises(NotReplayable):
        await found.replay(ADMIN, listed.id)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(reply("{}", status=404), "webhook_refused"), (reply(status=301, location="/"), "redirected")],
    ids=["404", "301"],
)
async def test_what_will_not_pass_is_a_dead_letter_at_once(  # noqa: PLR0917 - fixtures
    platform: Platform,
    deliver: Deliver,
    left: Callable[[], Awaitable[None]],
    sender: FormSender,
    services: FakeWeb,
    answer: bytes,
    reason: str,
) -> None:
    """
    Somebody has to look at it first.
    """
    await deliver()
    await left()
    services.respond = lambda _asked: answer
    await sender.send_due()
    assert [it["state"] for it in await forms(platform)] == ["failed"]
    assert [(it["reason"], it["attempts"]) for it in await letters(platform)] == [(reason, 1)]


async def test_a_form_is_mailed(
    platform: Platform, deliver: Deliver, left: Callable[[], Awaitable[None]], sender: FormSender, mails: FakeMails
) -> None:
    """
    By the tenant's server, with its password.
    """
    await deliver("email")
    await left()
    await sender.send_due()
    [(server, password, mail)] = mails.sent
    assert (server, password) == (MailServer("mail.example.org", 587, "starttls", "me"), "s3cret")
    assert "Please call me" in mail.get_content()
    assert [it["state"] for it in await forms(platform)] == ["sent"]


@pytest.mark.parametrize(
    ("failure", "state", "reason"),
    [
        (MAIL_PUT_OFF, "waiting", "mail_put_off"),
        (MAIL_REFUSED, "failed", "mail_refused"),
        (BROKE_OFF, "failed", "outcome_unknown"),
    ],
)
async def test_a_mail_is_not_sent_again_where_it_may_have_arrived(  # noqa: PLR0917 - fixtures
    platform: Platform,
    deliver: Deliver,
    left: Callable[[], Awaitable[None]],
    sender: FormSender,
    mails: FakeMails,
    failure: OutboundFailure,
    state: str,
    reason: str,
) -> None:
    """
    Nothing would tell the second one from the first.
    """
    await deliver("email")
    await left()
    mails.failure = failure
    await sender.send_due()
    assert [(it["state"], it["failure"]) for it in await forms(platform)] == [(state, reason)]


@pytest.mark.parametrize(("kind", "state"), [("webhook", "sent"), ("email", "failed")])
async def test_a_form_whose_sender_died_is_posted_again_and_not_mailed_again(  # noqa: PLR0917 - fixtures
    platform: Platform,
    deliver: Deliver,
    left: Callable[[], Awaitable[None]],
    sender: FormSender,
    services: FakeWeb,
    mails: FakeMails,
    kind: str,
    state: str,
) -> None:
    """
    Nobody knows how far it came: the key tells a webhook, and people have to look after a mail.
    """
    await deliver(kind)
    await left()
    await is_due(platform, state="sending", tries=1)
    await sender.send_due()
    assert [it["state"] for it in await forms(platform)] == [state]
    assert (len(services.asked), mails.sent) == (1 if kind == "webhook" else 0, [])
    assert [it["reason"] for it in await letters(platform)] == ([] if kind == "webhook" else ["outcome_unknown"])


async def test_two_senders_send_a_form_once(
    platform: Platform, deliver: Deliver, left: Callable[[], Awaitable[None]], sender: FormSender, services: FakeWeb
) -> None:
    """
    Whoever comes second finds it taken.
    """
    await deliver()
    await left()
    both = asyncio.Event()

    async def slow(_asked: Asked) -> bytes:
        await both.wait()
        return reply("")

    services.respond = slow
    first = asyncio.create_task(sender.send_due())

    async def posting() -> bool:
        return bool(services.asked)

    await eventually(posting)
    await sender.send_due()
    both.set()
    await first
    assert len(services.asked) == 1
    assert [it["state"] for it in await forms(platform)] == ["sent"]
