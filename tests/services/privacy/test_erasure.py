"""A person is forgotten: in every table and stream, whatever was under way, and nothing brings them back."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from dev.embedded import NatsServer
from services.console.access import Principal
from services.console.erasure import Erasures, Wanted
from services.console.gap_fill import GapFill
from services.console.records import Unknown
from services.console.streams import PersonsStreams
from services.router.handlers import Erased, Router
from services.router.intake import Intake
from services.router.ratelimit import RateLimit
from services.router.store import Desk
from services.router.threads import Group
from shared.addresses import Pepper
from shared.bus import Bus, BusUnavailable
from shared.channels.ports import Credentials, Outcome
from shared.events import InboundReceived
from shared.ids import Address, AttemptId, ContactId, Sequence
from shared.store.sealed import SUMMARY
from shared.store.session import Store
from shared.topology import INBOUND, inbound_subject
from tests.eventually import DEADLINE, eventually
from tests.fakes.account import FakeAccount, written
from tests.fakes.channel import FakeChannel
from tests.fakes.model import asks_for, echo
from tests.services.desk import SECOND, SECOND_LINE, SECOND_SENDER, SENDER, TENANT, Person
from tests.services.privacy.canaries import everything, traces_of
from tests.services.privacy.conftest import ADMIN, Town

WANTED = Wanted("asked for it", provider_copies=False)
COPIES = replace(WANTED, provider_copies=True)
SECRET = "my secret wish"
OTHERS = "somebody else's words"


@pytest.fixture
async def wire(nats: NatsServer) -> AsyncIterator[Client]:
    connection = await connect(nats.url)
    yield connection
    await connection.close()


async def connect(url: str) -> Client:
    return await nats.connect(url)


async def contact_of(town: Town, person: Person) -> ContactId:
    [row] = await town.rows("select contact_id from thread where key = %s", person.thread)
    return ContactId(row["contact_id"])


async def assert_forgotten(town: Town, wire: Client, person: Person, *texts: str) -> None:
    """Hold all that there is against all that the person is known by."""
    kept = await everything(town.platform, wire)
    assert [trace for trace in traces_of(person, *texts) if trace in kept] == []


@pytest.fixture
async def ann(town: Town) -> Person:
    """Somebody of whom there is a row in every table, and a message in every stream."""
    asked = iter([asks_for(("contact_form", f'{{"name": "Ann", "message": "{SECRET}"}}'))])
    town.gateway.model.script = lambda messages, tools: next(asked, None) or echo(messages, tools)
    person = town.person("+15557654321", name="Canary Bird")
    await town.platform.code()
    await town.says(person, "/pair ABCDEFGH")
    await town.says(person, SECRET)
    await town.acted()
    await town.rows(
        "insert into dead_letter (id, tenant_id, thread, stage, reason, attempts, payload)"
        " select 'dl_ann', tenant_id, key, 'agent', 'x', 1, 'INBOUND/1' from thread returning 1"
    )
    [conversation] = await town.rows("select id, tenant_id from conversation")
    notes = town.platform.vault.seal(SECRET.encode(), SUMMARY.at(conversation["tenant_id"], conversation["id"]))
    await town.rows("update conversation set sealed_summary = %s returning 1", notes)
    await town.rows(
        "insert into token_account (tenant_id, account, allowed)"
        " select tenant_id, 'conversation/' || id, 1 from conversation"
        " union all select tenant_id, 'message/' || id, 1 from turn returning 1"
    )
    await town.rows(
        "insert into token_hold (turn_id, tenant_id, tokens, owner) select id, tenant_id, 1, 1 from turn returning 1"
    )
    return person


async def test_nothing_of_the_person_is_left_anywhere(
    town: Town, erasures: Erasures, ann: Person, wire: Client
) -> None:
    """
    Every row, every stream's messages and every dead letter, opened with every key, know neither them nor a hash of them;
    what others said is all there.
    """
    bob = town.person("+15550002")
    await town.says(bob, OTHERS)
    before = await everything(town.platform, wire)
    assert [trace for trace in traces_of(ann, SECRET) if trace not in before and len(trace) != 64] == [
        traces_of(ann)[-1]  # their thread on a line that they never wrote to
    ]
    done = await erasures.erase(ADMIN, await contact_of(town, ann), WANTED)
    assert done.finished_at is not None
    await assert_forgotten(town, wire, replace(ann), SECRET)
    assert await town.count("token_account") == await town.count("token_hold") == 0
    assert OTHERS.encode() in await everything(town.platform, wire)


async def test_the_providers_ids_stay_and_a_message_that_comes_again_is_known(
    town: Town, erasures: Erasures, ann: Person
) -> None:
    """
    Without thread, conversation or text: nobody's.
    """
    await erasures.erase(ADMIN, await contact_of(town, ann), WANTED)
    rows = await town.rows("select provider_sid, thread, conversation_id, sealed_text, seq from message order by id")
    assert [row["provider_sid"] for row in rows] == ann.sent
    assert {(row["thread"], row["conversation_id"], row["sealed_text"], row["seq"]) for row in rows} == {
        (None, None, None, 0)
    }
    sent = len(town.gateway.channel.sent)
    await ann.writes(SECRET, provider_sid=ann.sent[-1])
    await town.says(ann, "a new beginning")
    assert len(town.gateway.channel.sent) == sent + 1


async def test_a_bound_user_is_unbound_and_that_is_on_record(town: Town, erasures: Erasures, ann: Person) -> None:
    """
    Who did it, when and to which contact; nothing personal.
    """
    contact = await contact_of(town, ann)
    await erasures.erase(ADMIN, contact, Wanted("they wrote from +1 555 765 4321", provider_copies=False))
    assert await town.count("binding") == 0
    rows = await town.rows("select actor, action, object, before, after from audit order by id")
    assert [(row["actor"], row["action"]) for row in rows] == [
        ("key/test", "contact.erased"),
        ("key/test", "binding.ended"),
    ]
    assert (rows[0]["object"], rows[1]["before"]["contact"]) == (contact, contact)
    assert rows[0]["after"]["reason"] == "they wrote from [masked]"


async def test_a_running_turn_brings_nothing_back(town: Town, erasures: Erasures, ann: Person, wire: Client) -> None:
    """
    Its model answers after the person is gone: the fence has moved on.
    """
    town.gateway.model.gate = asyncio.Event()
    told = len(town.gateway.model.told)
    await ann.writes("and another thing")

    async def asked() -> bool:
        return len(town.gateway.model.told) > told

    await eventually(asked)
    sent = len(town.gateway.channel.sent)
    await erasures.erase(ADMIN, await contact_of(town, ann), WANTED)
    town.gateway.model.gate.set()

    async def ended() -> bool:
        return town.gateway.model.running == 0

    await eventually(ended)
    await town.says(town.person("+15550003"), "hello")  # the gateway works, and has had the time
    await assert_forgotten(town, wire, ann, SECRET, "and another thing")
    assert len(town.gateway.channel.sent) == sent + 1


@dataclass
class SlowChannel(FakeChannel):
    """Is asked to send, and answers once it may."""

    asked: asyncio.Event | None = None
    gate: asyncio.Event | None = None

    async def send(
        self, credentials: Credentials, *, sender: Address, to: Address, body: str, attempt: AttemptId
    ) -> Outcome:
        if self.asked is not None and self.gate is not None:
            self.asked.set()
            await self.gate.wait()
        return await super().send(credentials, sender=sender, to=to, body=body, attempt=attempt)


async def test_a_running_send_brings_nothing_back(town: Town, erasures: Erasures, ann: Person, wire: Client) -> None:
    """
    What became of it is written nowhere any more, nor is a report on it.
    """
    channel = SlowChannel(deque(), asked=asyncio.Event(), gate=asyncio.Event())
    town.gateway.egress.channels = {"twilio/whatsapp": channel}
    assert channel.asked is not None
    assert channel.gate is not None
    await ann.writes("and another thing")
    await asyncio.wait_for(channel.asked.wait(), DEADLINE)
    await erasures.erase(ADMIN, await contact_of(town, ann), WANTED)
    channel.gate.set()

    async def sent() -> bool:
        return bool(channel.sent)

    await eventually(sent)
    await town.gateway.reported(TENANT, channel.sent[0], "delivered")
    channel.asked = None
    await town.person("+15550003").writes("hello")
    await town.until("select 1 from part where state = 'accepted'")
    await assert_forgotten(town, wire, ann, SECRET, "and another thing")


async def test_a_message_that_nobody_has_taken_in_yet_goes_too_and_gap_fill_does_not_bring_it_back(  # noqa: PLR0917 - both sides of it
    town: Town, erasures: Erasures, ann: Person, bus: Bus, wire: Client, twilio: FakeAccount, console_store: Store
) -> None:
    """
    The stream forgets it; its provider's id is kept.
    """
    await bus.stop_consuming()
    number = await ann.writes("just before I go")
    await erasures.erase(ADMIN, await contact_of(town, ann), WANTED)
    await assert_forgotten(town, wire, ann, SECRET, "just before I go")
    [event] = await town.rows("select received_at from message where provider_sid = %s", number)
    twilio.messages.append(
        written(number, Address(f"whatsapp:{ann.number}"), SENDER, "just before I go", event["received_at"])
    )
    vault, pepper = town.platform.vault, town.platform.pepper
    filled = await GapFill(console_store, bus, {"twilio/whatsapp": twilio}, vault, pepper, Pepper(b"t" * 32)).run()
    assert (filled.listed, filled.found) == (1, 0)


async def test_a_router_that_was_late_makes_nothing_of_an_erased_message(
    town: Town, router_store: Store, bus: Bus, wire: Client
) -> None:
    """
    It had read a first message, and stood still while the person was erased.
    """
    await bus.stop_consuming()
    eve = town.person("+15557654321")
    await eve.writes(SECRET)
    platform = town.platform
    router = Router(
        bus,
        Desk(router_store, platform.vault, platform.pepper),
        Intake(RateLimit(10, 60.0), timedelta(seconds=20)),
        platform.vault,
    )
    subject = inbound_subject(TENANT, eve.thread)
    [stored] = [it async for it in bus.read_forward(INBOUND, subject, Sequence(0), Sequence(9), 9)]
    event, waiting = InboundReceived.decode(stored.body), [router._open(stored, eve.thread)]
    await bus.erase(INBOUND, stored.seq)
    with pytest.raises(Erased):
        await router._take_in(Group.alone(eve.thread), event, waiting)
    await assert_forgotten(town, wire, eve, SECRET)


async def test_the_provider_deletes_its_copies_where_that_is_wanted(
    town: Town, erasures: Erasures, ann: Person, twilio: FakeAccount
) -> None:
    """
    Both of what they wrote and of what they were sent; nobody else's.
    """
    bob = town.person("+15550002")
    await town.says(bob, OTHERS)
    twilio.copies = {*ann.sent, *bob.sent, *(sent.sid for sent in town.gateway.channel.sent)}
    done = await erasures.erase(ADMIN, await contact_of(town, ann), COPIES)
    theirs = {sent.sid for sent in town.gateway.channel.sent if sent.to == f"whatsapp:{bob.number}"}
    assert twilio.copies == {*bob.sent, *theirs}
    assert (done.copies_left, done.finished_at is not None) == (0, True)


async def test_the_providers_copies_stay_where_that_is_not_wanted(
    town: Town, erasures: Erasures, ann: Person, twilio: FakeAccount
) -> None:
    """
    They are the provider's business then.
    """
    twilio.copies = set(ann.sent)
    await erasures.erase(ADMIN, await contact_of(town, ann), WANTED)
    assert twilio.copies == set(ann.sent)


async def test_copies_are_deleted_later_where_the_provider_does_not_answer(
    town: Town, erasures: Erasures, ann: Person, twilio: FakeAccount, wire: Client
) -> None:
    """
    Here the person is gone at once; only the provider's own ids are kept until it has done its share.
    """
    twilio.copies, twilio.works = set(ann.sent), False
    done = await erasures.erase(ADMIN, await contact_of(town, ann), COPIES)
    assert done.finished_at is None
    assert done.copies_left > len(ann.sent)
    await assert_forgotten(town, wire, ann, SECRET)
    twilio.works = True
    await town.rows("update erasure set created_at = created_at - interval '1 minute' returning 1")
    await erasures.sweep()
    assert twilio.copies == set()
    assert (await erasures.show(done.id)).finished_at is not None


class BrokenStreams(PersonsStreams):
    """NATS goes away after so many threads."""

    works = 0

    async def empty(self, threads: Any) -> None:
        if self.works == 0:
            raise BusUnavailable("TimeoutError")
        BrokenStreams.works -= 1
        await super().empty(threads)


@pytest.mark.parametrize("works", [0, 1])
async def test_what_was_broken_off_is_ended_by_the_next(
    town: Town, erasures: Erasures, ann: Person, wire: Client, works: int
) -> None:
    """
    Wherever that was, and nobody has to ask again; who does is told of the same erasure.
    """
    BrokenStreams.works = works
    contact = await contact_of(town, ann)
    broken = replace(erasures, streams=BrokenStreams(erasures.streams.bus, erasures.streams.store))
    begun = await broken.erase(ADMIN, contact, WANTED)
    assert begun.finished_at is None
    await erasures.sweep()
    assert (await erasures.show(begun.id)).finished_at is None  # too young: somebody may be at it
    await town.rows("update erasure set created_at = created_at - interval '1 minute' returning 1")

    async def ended() -> bool:
        await erasures.sweep()
        return (await erasures.show(begun.id)).finished_at is not None

    await eventually(ended)
    await assert_forgotten(town, wire, ann, SECRET)
    again = await erasures.erase(ADMIN, contact, WANTED)
    assert (again.id, again.finished_at is not None) == (begun.id, True)
    assert await town.count("audit", "action = 'contact.erased'") == 1


async def test_what_they_write_afterwards_is_a_strangers(town: Town, erasures: Erasures, ann: Person) -> None:
    """
    A new contact, of whom the agent knows nothing.
    """
    before = await contact_of(town, ann)
    await erasures.erase(ADMIN, before, WANTED)
    await town.says(ann, "hello")
    assert await contact_of(town, ann) != before
    assert [said["content"] for said in town.gateway.model.told[-1][1:]] == ["hello"]


async def test_who_writes_from_two_addresses_is_forgotten_under_both(
    town: Town, erasures: Erasures, wire: Client
) -> None:
    """
    Their threads are one, and go at once.
    """
    user = "IT.13491208655302741918"
    ann, hidden = town.person("+15557654321", name="Canary Bird"), town.person("", user_id=user, name="Canary Bird")
    await town.says(ann, SECRET)
    await town.says(hidden, "from nobody's number")
    await town.says(town.person("+15557654321", user_id=user, name="Canary Bird"), "it is me")
    assert await town.count("thread", "root is not null") == 2
    await erasures.erase(ADMIN, await contact_of(town, ann), WANTED)
    assert await town.count("thread") == 0
    await assert_forgotten(town, wire, ann, SECRET, "from nobody's number", "it is me", user, hidden.thread)


async def test_an_erasure_follows_a_contact_that_proves_to_be_another(
    town: Town, erasures: Erasures, wire: Client
) -> None:
    """
    It was begun, NATS went away, and then the person showed their number: the elder contact goes.
    """
    user = "IT.13491208655302741918"
    ann, hidden = town.person("+15557654321", name="Canary Bird"), town.person("", user_id=user, name="Canary Bird")
    await town.says(ann, SECRET)
    await town.says(hidden, "from nobody's number")
    BrokenStreams.works = 0
    broken = replace(erasures, streams=BrokenStreams(erasures.streams.bus, erasures.streams.store))
    begun = await broken.erase(ADMIN, await contact_of(town, hidden), WANTED)
    await town.says(town.person("+15557654321", user_id=user, name="Canary Bird"), "it is me")
    await town.rows("update erasure set created_at = created_at - interval '1 minute' returning 1")

    async def ended() -> bool:
        await erasures.sweep()
        return (await erasures.show(begun.id)).finished_at is not None

    await eventually(ended)
    await assert_forgotten(town, wire, ann, SECRET, "from nobody's number", "it is me", user)


async def test_somebody_elses_contact_is_not_there(town: Town, erasures: Erasures, ann: Person) -> None:
    """
    For a tenant that it is not of; and a made-up one for nobody.
    """
    stranger = Principal("key/other", SECOND, ADMIN.scopes)
    with pytest.raises(Unknown):
        await erasures.erase(stranger, await contact_of(town, ann), WANTED)
    with pytest.raises(Unknown):
        await erasures.erase(ADMIN, ContactId("ct_0"), WANTED)


async def test_by_number_a_tenant_forgets_its_own_contact_and_the_platform_everybodys(
    town: Town, erasures: Erasures, ann: Person, wire: Client
) -> None:
    """
    One person may be a contact of several tenants.
    """
    await town.platform.plant_second()
    there = town.person(ann.number, tenant=SECOND, line=SECOND_LINE, to=SECOND_SENDER)
    await town.says(there, "hello second")
    address = f"whatsapp:{ann.number}"
    second = Principal("key/second", SECOND, ADMIN.scopes)
    [erased] = await erasures.erase_address(second, "whatsapp", address, WANTED)
    assert erased.tenant == SECOND
    assert await town.count("thread", f"tenant_id = '{TENANT}'") == 1
    [erased] = await erasures.erase_address(ADMIN, "whatsapp", address, WANTED)
    assert erased.tenant == TENANT
    await assert_forgotten(town, wire, ann, SECRET, "hello second")
    assert await erasures.erase_address(ADMIN, "whatsapp", address, WANTED) == []


async def test_on_a_shared_line_one_tenant_forgets_its_user_and_the_line_goes_on(
    town: Town, erasures: Erasures, bus: Bus, wire: Client
) -> None:
    """
    What the person wrote as that tenant's user goes, from the stream too; what belongs to the line's own tenant stays, until
    that is to be forgotten as well.
    """
    await town.rows("update line set kind = 'shared', access = 'paired' returning 1")
    await town.platform.plant_second()
    await town.rows(
        "insert into app_user (id, tenant_id, email, role) values ('us_second', %s, 'b@example.org', 'USER') returning 1",
        SECOND,
    )
    await town.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    ann = town.person()
    for text in ("hello", "/pair SECNDCDE", SECRET):
        await town.says(ann, text)
    contact = await contact_of(town, ann)
    assert (await erasures.erase(ADMIN, contact, WANTED)).tenant == SECOND
    assert await town.count("reply", f"tenant_id = '{SECOND}'") == 0
    assert [row["outcome"] for row in await town.rows("select outcome from message where thread is not null")] == [
        "not_recognized"
    ]
    subject = inbound_subject(TENANT, ann.thread)
    assert len([it async for it in bus.read_forward(INBOUND, subject, Sequence(0), Sequence(99), 99)]) == 1
    [thread] = await town.rows("select guests, contact_id from thread")
    [host] = await town.rows("select id from contact")
    assert (thread["guests"], thread["contact_id"]) == ([], host["id"])
    await town.rows("update thread set noticed = '{}' returning 1")
    await ann.writes("who am I?")
    assert (await town.gateway.told(4))[-1].startswith("This number is not recognized")
    await erasures.erase_address(ADMIN, "whatsapp", f"whatsapp:{ann.number}", WANTED)
    await assert_forgotten(town, wire, ann, SECRET, "who am I?")


async def test_on_a_shared_line_all_tenants_can_forget_somebody_at_once(
    town: Town, erasures: Erasures, wire: Client
) -> None:
    """
    While they are one tenant's user, the line's own contact goes with it.
    """
    await town.rows("update line set kind = 'shared', access = 'paired' returning 1")
    await town.platform.plant_second()
    await town.rows(
        "insert into app_user (id, tenant_id, email, role) values ('us_second', %s, 'b@example.org', 'USER') returning 1",
        SECOND,
    )
    await town.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    ann = town.person("+15557654321", name="Canary Bird")
    for text in ("hello", "/pair SECNDCDE", SECRET):
        await town.says(ann, text)
    erased = await erasures.erase_address(ADMIN, "whatsapp", f"whatsapp:{ann.number}", WANTED)
    assert {it.tenant for it in erased} == {TENANT, SECOND}
    await assert_forgotten(town, wire, ann, SECRET)
    assert await town.count("thread") == 0
