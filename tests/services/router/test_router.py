"""The router, with real NATS and Postgres."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from dev.embedded import NatsServer
from services.router.handlers import Router
from services.router.intake import Intake
from services.router.ratelimit import RateLimit
from services.router.store import Desk
from shared.addresses import Pepper
from shared.bus import Bus, Delivery
from shared.events import InboundReceived, InboundReferral, InboundSettled
from shared.keyring import KeyRing
from shared.store.sealed import MESSAGE_MEDIA
from shared.store.session import Store
from shared.topology import INBOUND, INBOUND_SETTLED_ANY, ROUTER
from shared.vault import Vault, place
from tests.eventually import eventually
from tests.services.desk import TENANT, Person, Platform, media_url, sid

WORKERS = 8


def a_router(bus: Bus, store: Store, vault: Vault, pepper: Pepper, most: int = 10) -> Router:
    return Router(bus, Desk(store, vault, pepper), Intake(RateLimit(most, 60.0), timedelta(seconds=20)), vault)


class Town:
    """A router at work, and what became of what people wrote to it."""

    def __init__(self, bus: Bus, platform: Platform, routers: list[Router]) -> None:
        self.bus = bus
        self.platform = platform
        self.routers = routers
        self.rows = platform.rows

    def person(self, number: str = "+15550001", user_id: str | None = None) -> Person:
        return Person(self.bus, self.platform.vault, number, user_id)

    async def outcomes(self, person: Person) -> list[str]:
        """Return what became of the messages of a person's thread, and of those that are one with it, in order."""
        rows = await self.rows(
            "select outcome from message join thread on key = thread where coalesce(root, key) ="
            " (select coalesce(root, key) from thread where key = %s) order by seq",
            person.thread,
        )
        return [row["outcome"] for row in rows]

    async def on_inbound(self, event: InboundReceived, delivery: Delivery) -> None:
        await self.routers[0].on_inbound(event, delivery)

    def hand_over(self) -> None:
        """Let the next router take what comes from now on."""
        del self.routers[0]

    async def routed(self, person: Person, count: int) -> list[str]:
        """Wait until `count` of the person's messages are routed and nothing of them is left to deliver."""

        async def done() -> list[str] | None:
            found = await self.outcomes(person)
            return found if len(found) >= count else None

        return await eventually(done)

    async def replies(self, person: Person) -> list[str]:
        rows = await self.rows(
            "select public_id, sealed_body from reply where thread = %s and state <> 'cancelled' order by id",
            person.thread,
        )
        vault = self.platform.vault
        return [
            orjson.loads(vault.open(row["sealed_body"], place(TENANT, "reply", row["public_id"])))["markdown"]
            for row in rows
        ]


@pytest.fixture
async def town(
    bus: Bus, store: Store, router_store: Store, vault: Vault, pepper: Pepper
) -> AsyncIterator[Callable[..., Awaitable[Town]]]:
    """Make a platform with a router at work."""

    async def build(access: str = "open", most: int = 10, peppers: tuple[Pepper, ...] = (pepper,)) -> Town:
        platform = await Platform(store, vault, peppers[0], access).plant()
        here = Town(bus, platform, [a_router(bus, router_store, vault, one, most) for one in peppers])
        bus.on(ROUTER, here.on_inbound, workers=WORKERS)
        await bus.consume()
        return here

    yield build
    await bus.stop_consuming()


MakeTown = Callable[..., Awaitable[Town]]


async def test_a_message_becomes_work_for_the_agent(town: MakeTown) -> None:
    """
    A first message makes contact, thread, lead and conversation, and asks the agent.
    """
    here = await town()
    ann = here.person()
    await ann.writes("hello")
    assert await here.routed(ann, 1) == ["asked"]
    [thread] = await here.rows("select asked_seq, done_seq, run_at from thread where key = %s", ann.thread)
    assert thread["asked_seq"] > thread["done_seq"]
    assert thread["run_at"] is not None
    assert len(await here.rows("select 1 from lead")) == 1
    assert len(await here.rows("select 1 from conversation where closed_at is null")) == 1


async def test_a_message_keeps_how_long_ingress_took_for_its_webhook(town: MakeTown) -> None:
    """
    From its arrival until the stream had it, never less than nothing; what was found later came with no webhook.
    """
    here = await town()
    ann = here.person()
    now = datetime.now(UTC)
    await ann.writes("late", received_at=now - timedelta(minutes=1))
    await ann.writes("from a clock that is ahead", received_at=now + timedelta(minutes=1))
    await ann.writes("found", received_at=now - timedelta(minutes=1), reconciled=True)
    await here.routed(ann, 3)
    late, ahead, found = [row["webhook_ms"] for row in await here.rows("select webhook_ms from message order by seq")]
    assert late >= 60_000
    assert (ahead, found) == (0, None)


async def test_what_nobody_has_work_with_is_told_to_open_pages(town: MakeTown) -> None:
    """
    A third message where one is allowed; the first asked the agent and the second got a notice, which tell by themselves.
    """
    here = await town(most=1)
    told: list[InboundSettled] = []

    async def hear(event: InboundSettled) -> None:
        told.append(event)

    await here.bus.listen(INBOUND_SETTLED_ANY, InboundSettled, hear)
    ann = here.person()
    for count, text in enumerate(("one", "two", "three"), start=1):
        assert told == []
        await ann.writes(text)
        assert len(await here.routed(ann, count)) == count
        await here.rows("update thread set done_seq = asked_seq returning 1")
        await here.rows("update reply set state = 'done' returning 1")

    async def heard() -> bool:
        return bool(told)

    await eventually(heard)
    assert [(event.tenant, event.thread) for event in told] == [(TENANT, ann.thread)]


async def test_a_lead_keeps_the_first_advertisement_that_they_came_by(town: MakeTown) -> None:
    """
    Also where they wrote before they saw one; a later one changes nothing.
    """
    here = await town()
    ann = here.person()
    await ann.writes("hello")
    await ann.writes("I saw your advertisement", referral=InboundReferral(kind="ad", id="1", headline="Spring sale"))
    await ann.writes("and another", referral=InboundReferral(kind="ad", id="2"))
    await here.routed(ann, 3)
    [lead] = await here.rows("select source, messages from lead")
    assert lead == {"source": {"kind": "ad", "id": "1", "headline": "Spring sale", "url": ""}, "messages": 3}


async def test_messages_are_taken_in_arrival_order_whatever_the_order_of_delivery(town: MakeTown) -> None:
    """
    Thirty messages of three people, handled by eight workers at once, are logged in each person's order.
    """
    here = await town(most=100)
    people = [here.person(f"+1555000{number}") for number in range(3)]
    for number in range(10):
        for person in people:
            await person.writes(f"message {number}")
    for person in people:
        await here.routed(person, 10)
        rows = await here.rows("select provider_sid from message where thread = %s order by routed_at", person.thread)
        assert [row["provider_sid"] for row in rows] == person.sent


async def test_a_message_that_comes_twice_counts_once(town: MakeTown) -> None:
    """
    The same MessageSid under another message id (a replay after the window) is logged and counted once.
    """
    here = await town()
    ann = here.person()
    number = sid()
    for _ in range(5):
        await ann.writes("hello", provider_sid=number)
    await ann.writes("the end")
    await here.routed(ann, 2)

    async def read() -> bool:
        [row] = await here.rows("select last_seq from thread where key = %s", ann.thread)
        return bool(row["last_seq"] == 6)

    await eventually(read)
    assert await here.outcomes(ann) == ["asked", "asked"]
    [thread] = await here.rows("select cardinality(hits) as hits from thread")
    assert thread["hits"] == 2


async def test_ten_messages_a_minute_pass_and_the_eleventh_gets_one_notice(town: MakeTown) -> None:
    """
    Of thirteen messages ten reach the agent; the other three get one notice together, and STOP still passes.
    """
    here = await town()
    ann = here.person()
    for number in range(13):
        await ann.writes(f"message {number}")
    await ann.writes("STOP")
    outcomes = await here.routed(ann, 14)
    assert outcomes[10:] == ["rate_limited"] * 3 + ["command/stop"]
    replies = await here.rows("select kind from reply where thread = %s order by id", ann.thread)
    assert [reply["kind"] for reply in replies] == ["notice", "command"]


async def test_help_lists_every_command(town: MakeTown) -> None:
    """
    /help, in any case, names each command; the agent is not asked.
    """
    here = await town()
    ann = here.person()
    await ann.writes("/HELP")
    assert await here.routed(ann, 1) == ["command/help"]
    [answer] = await here.replies(ann)
    assert all(f"**/{word}**" in answer for word in ("pair", "reset", "stop", "help"))


async def test_an_unknown_command_goes_to_the_agent(town: MakeTown) -> None:
    """
    A word with a slash that is no command is ordinary text.
    """
    here = await town()
    ann = here.person()
    await ann.writes("/dance")
    assert await here.routed(ann, 1) == ["asked"]


@pytest.mark.parametrize(("text", "media"), [("look at this", 1), ("", 0), ("   ", 0)])
async def test_what_is_not_text_gets_one_fixed_sentence(town: MakeTown, text: str, media: int) -> None:
    """
    Media, location and empty messages get the sentence and never reach the model.
    """
    here = await town()
    ann = here.person()
    await ann.writes(text, media=media)
    assert await here.routed(ann, 1) == ["text_only"]
    assert await here.replies(ann) == ["For now I only accept text messages."]


async def test_an_album_gets_the_sentence_once(town: MakeTown) -> None:
    """
    Several pictures in a row are one burst.
    """
    here = await town()
    ann = here.person()
    for _ in range(4):
        await ann.writes("", media=1)
    assert await here.routed(ann, 4) == ["text_only"] * 4
    assert len(await here.replies(ann)) == 1


async def test_a_line_that_takes_media_asks_the_agent(town: MakeTown) -> None:
    """
    Where it can be fetched rests sealed with the message; nothing else about it is kept.
    """
    here = await town()
    await here.rows("update line set media = true returning 1")
    ann = here.person()
    number = await ann.writes("", sent=["image/png"])
    assert await here.routed(ann, 1) == ["asked"]
    [row] = await here.rows("select id, sealed_media from message")
    opened = here.platform.vault.open(row["sealed_media"], MESSAGE_MEDIA.at(TENANT, row["id"]))
    assert orjson.loads(opened) == [{"url": media_url(number), "media_type": "image/png"}]


async def test_what_came_without_an_address_is_refused_all_the_same(town: MakeTown) -> None:
    """
    As gap-fill finds it: it cannot be fetched. And a command is no caption.
    """
    here = await town()
    await here.rows("update line set media = true returning 1")
    ann = here.person()
    await ann.writes("", media=1)
    await ann.writes("/help", sent=["image/png"])
    assert await here.routed(ann, 2) == ["text_only", "asked"]


async def test_a_line_of_texts_keeps_no_address_of_what_it_refused(town: MakeTown) -> None:
    """
    Nobody is going to look at it.
    """
    here = await town()
    ann = here.person()
    await ann.writes("", sent=["image/png"])
    assert await here.routed(ann, 1) == ["text_only"]
    assert await here.rows("select sealed_media from message") == [{"sealed_media": None}]


async def test_a_text_above_4096_signs_is_not_read(town: MakeTown) -> None:
    """
    4,096 signs are read, 4,097 are not.
    """
    here = await town()
    ann = here.person()
    await ann.writes("x" * 4096)
    await ann.writes("x" * 4097)
    assert await here.routed(ann, 2) == ["asked", "too_long"]


async def test_reset_closes_the_conversation_and_the_next_message_opens_another(town: MakeTown) -> None:
    """
    After /reset nothing is left of the old conversation, what was still asked of the agent included.
    """
    here = await town()
    ann = here.person()
    await ann.writes("one")
    await ann.writes("/reset")
    await ann.writes("two")
    assert await here.routed(ann, 3) == ["cancelled", "command/reset", "asked"]
    rows = await here.rows("select closed_at from conversation order by opened_at")
    assert [row["closed_at"] is None for row in rows] == [False, True]


async def test_reset_fences_the_running_turn(town: MakeTown) -> None:
    """
    /reset raises the thread's fence, so that what the agent is at cannot be committed.
    """
    here = await town()
    ann = here.person()
    await ann.writes("one")
    await here.routed(ann, 1)
    await here.rows("update thread set owner = 7, fence = 3 returning 1")
    await ann.writes("/reset")
    await here.routed(ann, 2)
    [thread] = await here.rows("select owner, fence from thread")
    assert thread == {"owner": None, "fence": 4}


async def test_after_stop_an_open_line_is_silent_until_start(town: MakeTown) -> None:
    """
    STOP is confirmed once; then nothing is answered, until START.
    """
    here = await town()
    ann = here.person()
    for text in ("STOP", "hello?", "/help", "stop", "start", "hello again"):
        await ann.writes(text)
    outcomes = await here.routed(ann, 6)
    assert outcomes == ["command/stop", "opted_out", "opted_out", "opted_out", "command/start", "asked"]
    assert len(await here.replies(ann)) == 2


async def test_stop_inside_a_sentence_is_only_text(town: MakeTown) -> None:
    """
    Only a STOP that stands alone is a command.
    """
    here = await town()
    ann = here.person()
    await ann.writes("stop please")
    assert await here.routed(ann, 1) == ["asked"]


async def test_stop_drops_replies_that_wait(town: MakeTown) -> None:
    """
    What was queued before /stop is cancelled; only the confirmation is left to send.
    """
    here = await town()
    ann = here.person()
    await ann.writes("/help")
    await ann.writes("/stop")
    await here.routed(ann, 2)
    rows = await here.rows("select kind, state from reply order by id")
    assert [row["state"] for row in rows] == ["cancelled", "open"]


async def test_a_paired_line_answers_only_those_it_knows(town: MakeTown) -> None:
    """
    A stranger on a paired line is told once an hour that the number is not recognized; nobody becomes a lead.
    """
    here = await town("paired")
    ann = here.person()
    await ann.writes("hello")
    await ann.writes("hello?")
    assert await here.routed(ann, 2) == ["not_recognized", "not_recognized"]
    [notice] = await here.replies(ann)
    assert "not recognized" in notice
    assert await here.rows("select 1 from lead") == []


async def test_pairing_binds_the_address_to_the_user(town: MakeTown) -> None:
    """
    /pair with a fresh code, typed carelessly, makes the sender that user, who may then talk to the agent.
    """
    here = await town("paired")
    ann = here.person()
    await here.platform.code("ABCDEFGH")
    await ann.writes("/Pair abcd-efgh")
    await ann.writes("hello")
    assert await here.routed(ann, 2) == ["command/pair", "asked"]
    assert (await here.replies(ann))[0].startswith("Paired.")
    [conversation] = await here.rows("select user_id from conversation")
    assert conversation["user_id"] == "us_test"


async def test_wrong_expired_and_used_codes_get_one_answer(town: MakeTown) -> None:
    """
    Guessing teaches nothing: the three answers are the same, and begin with "Code expired".
    """
    here = await town("paired")
    ann, bob, eve = (here.person(f"+1555000{number}") for number in range(3))
    await here.platform.code("EXPIRED2", minutes=-1)
    await here.platform.code("USEDCODE")
    await bob.writes("/pair USEDCODE")
    await here.routed(bob, 1)
    answers = set()
    for code in ("WRQNGQNE", "EXPIRED2", "USEDCODE"):
        await eve.writes(f"/pair {code}")
    await here.routed(eve, 3)
    answers = set(await here.replies(eve))
    assert answers == {"Code expired or not valid. Make a new one in your profile."}
    assert await here.outcomes(ann) == []


async def test_a_paired_number_must_stop_before_it_pairs_again(town: MakeTown) -> None:
    """
    A bound number gets "Number already paired", and its code is not spent.
    """
    here = await town("paired")
    ann = here.person()
    await here.platform.code("ABCDEFGH")
    await here.platform.code("JKLMNPQR")
    await ann.writes("/pair ABCDEFGH")
    await ann.writes("/pair JKLMNPQR")
    await here.routed(ann, 2)
    assert (await here.replies(ann))[1].startswith("Number already paired")
    [code] = await here.rows("select used_at from pair_code where id = 'pc_JKLMNPQR'")
    assert code["used_at"] is None


async def test_a_user_has_one_number_per_channel_and_pairing_another_moves_the_binding(town: MakeTown) -> None:
    """
    The user's second number replaces the first, which is a stranger again.
    """
    here = await town("paired")
    old, new = here.person("+15550001"), here.person("+15550002")
    await here.platform.code("ABCDEFGH")
    await here.platform.code("JKLMNPQR")
    await old.writes("/pair ABCDEFGH")
    await here.routed(old, 1)
    await new.writes("/pair JKLMNPQR")
    await here.routed(new, 1)
    await old.writes("hello")
    assert (await here.routed(old, 2))[1] == "not_recognized"
    assert len(await here.rows("select 1 from binding")) == 1


async def test_stop_frees_the_number(town: MakeTown) -> None:
    """
    After /stop the number is a stranger on a paired line, and can be paired to somebody else.
    """
    here = await town("paired")
    ann = here.person()
    await here.platform.code("ABCDEFGH")
    for text in ("/pair ABCDEFGH", "/stop", "hello"):
        await ann.writes(text)
    assert await here.routed(ann, 3) == ["command/pair", "command/stop", "not_recognized"]
    assert await here.rows("select 1 from binding") == []


async def test_five_wrong_codes_silence_a_number(town: MakeTown) -> None:
    """
    The sixth try within ten minutes gets no answer, even with a right code.
    """
    here = await town("paired")
    eve = here.person()
    await here.platform.code("ABCDEFGH")
    for _ in range(5):
        await eve.writes("/pair WRQNGQNE")
    await eve.writes("/pair ABCDEFGH")
    await here.routed(eve, 6)
    assert len(await here.replies(eve)) == 5
    assert await here.rows("select 1 from binding") == []


async def test_number_and_user_id_reach_the_same_contact(town: MakeTown) -> None:
    """
    A person whose messages carry both is found by either afterwards.
    """
    here = await town()
    both = here.person("+15550001", "whatsapp:US.13491208655302741918")
    await both.writes("hello")
    await here.routed(both, 1)
    only_number = here.person("+15550001")
    await only_number.writes("hello")
    await here.routed(only_number, 2)
    assert len(await here.rows("select 1 from contact")) == 1
    assert len(await here.rows("select 1 from contact_alias")) == 2


OLD_PEPPER, RING = Pepper(b"p" * 32), Pepper.of(KeyRing({1: b"p" * 32, 2: b"q" * 32}, 2))


async def test_who_was_known_under_an_older_pepper_is_known_still(
    town: MakeTown,
) -> None:
    """
    By an address of an older contact, whose newest key is learned.
    """
    here = await town(peppers=(OLD_PEPPER, RING))
    both = here.person("+15550001", "whatsapp:US.13491208655302741918")
    await both.writes("hello")
    await here.routed(both, 1)
    here.hand_over()
    only_number = here.person("+15550001")
    await only_number.writes("hello")
    await here.routed(only_number, 2)
    assert len(await here.rows("select 1 from contact")) == 1
    aliases = await here.rows("select pepper_version from contact_alias order by 1")
    assert [alias["pepper_version"] for alias in aliases] == [1, 1, 2]


async def test_somebody_who_writes_again_is_known_under_the_newest_pepper(town: MakeTown) -> None:
    """
    In their old thread too: then the older pepper is not needed for them.
    """
    here = await town(peppers=(OLD_PEPPER, RING))
    ann = here.person()
    await ann.writes("hello")
    await here.routed(ann, 1)
    here.hand_over()
    await ann.writes("hello again")
    await here.routed(ann, 2)
    newest = RING.address_key(TENANT, "whatsapp", "whatsapp:+15550001")
    assert await here.rows("select 1 from contact_alias where address_key = %s and pepper_version = 2", newest)


async def test_a_binding_and_a_code_of_an_older_pepper_hold(town: MakeTown) -> None:
    """
    Who is paired stays so and can stop; who was given a code can spend it.
    """
    here = await town("paired", peppers=(OLD_PEPPER, RING))
    ann, bob = here.person("+15550001"), here.person("+15550002")
    await here.platform.code("ABCDEFGH")
    await ann.writes("/pair ABCDEFGH")
    await here.routed(ann, 1)
    await here.platform.code("JKLMNPQR")
    here.hand_over()
    await ann.writes("hello")
    assert (await here.routed(ann, 2))[1] == "asked"
    await ann.writes("/stop")
    await ann.writes("hello")
    assert (await here.routed(ann, 4))[2:] == ["command/stop", "not_recognized"]
    await bob.writes("/pair JKLMNPQR")
    await here.routed(bob, 1)
    [binding] = await here.rows("select address_key, pepper_version from binding")
    assert binding["address_key"] == RING.global_key("whatsapp", "whatsapp:+15550002")
    assert binding["pepper_version"] == 2


async def test_nothing_personal_rests_in_clear(town: MakeTown, bus: Bus) -> None:
    """
    Neither rows nor the stream hold the number, the name or the text in clear.
    """
    here = await town()
    ann = here.person("+15557654321")
    await ann.writes("my secret wish")
    await here.routed(ann, 1)
    tables = await here.rows("select table_name from information_schema.tables where table_schema = 'public'")
    dump = b""
    for table in tables:
        rows = await here.rows(f'select row_to_json(t)::text as row from "{table["table_name"]}" t')
        dump += "".join(row["row"] for row in rows).encode()
    stored = [it async for it in bus.read_forward(INBOUND, f"in.v1.{TENANT}.{ann.thread}", 0, 10, 10)]  # type: ignore[arg-type]
    dump += b"".join(it.body for it in stored)
    for needle in (b"5557654321", b"Test Person", b"secret wish"):
        assert needle not in dump
        assert needle.hex().encode() not in dump


async def test_a_poisoned_message_is_set_aside_and_the_next_one_flows(
    town: MakeTown, bus: Bus, nats: NatsServer
) -> None:
    """
    A message that cannot be read goes to the dead letters; the thread goes on.
    """
    here = await town()
    ann = here.person()
    await ann.writes("one")
    await here.routed(ann, 1)
    import nats as nats_client

    raw = await nats_client.connect(nats.url)
    await raw.jetstream().publish(f"in.v1.{TENANT}.{ann.thread}", b"{not json")
    await raw.close()
    await ann.writes("two")
    assert await here.routed(ann, 2) == ["asked", "asked"]
    [letter] = await here.rows("select stage, reason, payload from dead_letter")
    assert letter == {"stage": "router", "reason": "malformed_event", "payload": "INBOUND/2"}


async def test_the_rate_limit_goes_by_the_time_of_arrival() -> None:
    """
    A backlog that arrived over two minutes is not throttled when it is worked off in a second.
    """
    limit = RateLimit(10, 60.0)
    hits: list[datetime] = []
    for second in range(0, 120, 6):
        admitted, hits = limit.admit(hits, datetime.fromtimestamp(1_700_000_000 + second, UTC))
        assert admitted


async def test_a_message_releases_what_was_parked(town: MakeTown) -> None:
    """
    The person wrote, so the 24 hours begin anew and egress may look at once.
    """
    here = await town()
    ann = here.person()
    await ann.writes("hello")
    await here.routed(ann, 1)
    await here.rows(
        "update thread set parked_at = now(), send_at = null, last_inbound_at = now() - interval '2 days' returning 1"
    )
    await ann.writes("I am back")
    await here.routed(ann, 2)
    [thread] = await here.rows(
        "select parked_at, send_at, last_inbound_at > now() - interval '1 hour' as heard from thread"
    )
    assert (thread["parked_at"], thread["heard"]) == (None, True)
    assert thread["send_at"] is not None


async def test_a_replayed_message_asks_the_agent_again(town: MakeTown) -> None:
    """
    The message keeps its one row, at its new place in the thread; a plain duplicate of it stays without effect.
    """
    here = await town()
    ann = here.person()
    number = await ann.writes("hello")
    await here.routed(ann, 1)
    await here.rows("update thread set done_seq = asked_seq returning 1")
    await ann.writes("hello", provider_sid=number)
    await ann.writes("hello", provider_sid=number, replay_of="dl_1")

    async def asked() -> bool:
        return len(await here.rows("select 1 from thread where done_seq < asked_seq and asked_seq = 3")) == 1

    await eventually(asked)
    [message] = await here.rows("select seq, outcome from message")
    assert message == {"seq": 3, "outcome": "asked"}


async def test_a_replayed_command_is_not_carried_out_twice(town: MakeTown) -> None:
    """
    Only what the agent was asked is asked again.
    """
    here = await town()
    ann = here.person()
    number = await ann.writes("/help")
    await here.routed(ann, 1)
    await ann.writes("/help", provider_sid=number, replay_of="dl_1")
    await ann.writes("and now?")
    await here.routed(ann, 2)
    assert len(await here.rows("select 1 from reply")) == 1


async def test_reconciled_messages_are_judged_by_when_they_were_written(town: MakeTown) -> None:
    """
    Fifteen messages of an outage, five minutes apart, arrive at once and are all within the rate limit.
    """
    here = await town()
    ann = here.person()
    began = datetime.now(UTC) - timedelta(hours=2)
    for number in range(15):
        await ann.writes(f"m{number}", reconciled=True, received_at=began + timedelta(minutes=5 * number))
    assert set(await here.routed(ann, 15)) == {"asked"}
    [thread] = await here.rows("select last_inbound_at from thread")
    assert thread["last_inbound_at"] == began + timedelta(minutes=70)


async def test_over_a_tenants_daily_quota_there_is_one_notice_and_no_agent(town: MakeTown) -> None:
    """
    Two a day, whoever writes them; commands cost nothing and still work.
    """
    here = await town()
    await here.rows("update tenant set daily_messages = 2 returning 1")
    ann, bob = here.person(), here.person("+15550002")
    for text in ("one", "/help", "two", "three", "four", "/help"):
        await ann.writes(text)
    assert await here.routed(ann, 6) == ["asked", "command/help", "asked", "over_quota", "over_quota", "command/help"]
    assert [text for text in await here.replies(ann) if "tomorrow" in text] == [
        "I have answered as much as I can today. Please write again tomorrow."
    ]
    await bob.writes("hello")
    assert await here.routed(bob, 1) == ["over_quota"]


async def test_a_new_day_has_a_new_quota(town: MakeTown) -> None:
    """
    By the database's clock, in UTC.
    """
    here = await town()
    await here.rows("update tenant set daily_messages = 1 returning 1")
    ann = here.person()
    await ann.writes("today")
    await here.routed(ann, 1)
    await here.rows("update daily_messages set day = day - 1 returning 1")
    await ann.writes("tomorrow")
    assert await here.routed(ann, 2) == ["asked", "asked"]


async def test_without_a_quota_nothing_is_counted(town: MakeTown) -> None:
    """
    It costs a message no statement.
    """
    here = await town()
    ann = here.person()
    await ann.writes("hello")
    await here.routed(ann, 1)
    assert await here.rows("select 1 from daily_messages") == []


async def test_after_a_hundred_wrong_codes_a_tenants_lines_take_none_for_a_while(town: MakeTown) -> None:
    """
    From whichever numbers they came; the right one too is met with silence, and stays good.
    """
    here = await town("paired")
    await here.platform.code()
    await here.rows("insert into wrong_code (tenant_id) select %s from generate_series(1, 99) returning 1", TENANT)
    ann, eve = here.person(), here.person("+15550002")
    await eve.writes("/pair WRONGONE")
    await here.routed(eve, 1)
    await ann.writes("/pair ABCDEFGH")
    await here.routed(ann, 1)
    assert await here.replies(ann) == []
    await here.rows("update wrong_code set at = at - interval '10 minutes' returning 1")
    await ann.writes("/pair ABCDEFGH")
    await here.routed(ann, 2)
    assert (await here.replies(ann))[0].startswith("Paired.")
