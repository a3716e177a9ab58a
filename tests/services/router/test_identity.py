"""One person, one contact: whichever addresses they write from, and however many threads these make."""

from collections.abc import Awaitable, Callable

import pytest

from shared.ids import Sequence
from tests.services.desk import SECOND, SECOND_LINE, SECOND_SENDER
from tests.services.router.conftest import MakeStreet
from tests.services.router.street import USER_ID, Street

NUMBER = "+15550001"


async def test_number_then_both_then_user_id_alone_is_one_contact(street: MakeStreet) -> None:
    """
    One lead who wrote three times, in one conversation; they are answered where they write from since the last new address.
    """
    here = await street()
    for person in (here.person(NUMBER), here.person(NUMBER, USER_ID), here.person("", USER_ID)):
        await person.writes("hello")
    await here.deliver(1, 2, 3)
    contact = await here.one("select id from contact")
    assert await here.one("select messages from lead") == {"messages": 3}
    assert await here.one("select contact_id, closed_at from conversation") == {
        "contact_id": contact["id"],
        "closed_at": None,
    }
    assert len(await here.rows("select 1 from contact_alias where contact_id = %s", contact["id"])) == 2
    assert {it["outcome"] for it in await here.taken_in()} == {"asked"}


async def test_an_address_that_is_learned_is_where_the_answer_goes(street: MakeStreet) -> None:
    """
    Somebody who now shows only their user id is answered there, whatever they showed before.
    """
    here = await street()
    await here.person(NUMBER).writes("one")
    await here.person("", USER_ID, address=f"whatsapp:{NUMBER}").writes("two")
    await here.deliver(1)
    contact = (await here.one("select id from contact"))["id"]
    await here.person(NUMBER, USER_ID, address=USER_ID).writes("three")
    assert await here.address(contact) == f"whatsapp:{NUMBER}"
    await here.deliver(3)
    assert await here.address(contact) == USER_ID


async def test_user_id_and_parent_are_one_person(street: MakeStreet) -> None:
    """
    A webhook that names both lets either be known afterwards.
    """
    here = await street()
    parent = "whatsapp:US.ENT.11815799212886844830"
    for person in (here.person("", parent, address=USER_ID), here.person("", USER_ID), here.person("", parent)):
        await person.writes("hello")
    await here.deliver(1, 2, 3)
    assert len(await here.rows("select 1 from contact")) == 1
    assert len(await here.rows("select 1 from contact_alias")) == 2


async def test_every_message_that_waits_tells_of_addresses(street: MakeStreet) -> None:
    """
    Not only the last of them, whose delivery is worked on.
    """
    here = await street()
    await here.person(NUMBER, USER_ID).writes("one")
    await here.person("", USER_ID).writes("two")
    await here.person(NUMBER).writes("three")
    await here.deliver(2, 3)
    assert len(await here.rows("select 1 from contact")) == 1
    assert len(await here.rows("select 1 from contact_alias")) == 2


async def test_a_code_binds_the_steadiest_address(street: MakeStreet) -> None:
    """
    The user id, where a webhook names it beside the number.
    """
    here = await street("paired")
    await here.platform.code("ABCDEFGH")
    await here.person(NUMBER, USER_ID).writes("/pair ABCDEFGH")
    await here.deliver(1)
    key = here.platform.pepper.global_key("whatsapp", USER_ID)
    assert await here.one("select address_key from binding") == {"address_key": key}


async def test_both_ways_to_write_a_number_are_one_person(street: MakeStreet) -> None:
    """
    With and without Brazil's ninth digit: one contact, under today's key, with one conversation.
    """
    here = await street()
    await here.person("+553187654321").writes("one")
    await here.person("+5531987654321").writes("two")
    await here.deliver(1, 2)
    assert len(await here.rows("select 1 from contact")) == 1
    assert len(await here.rows("select 1 from conversation")) == 1
    key = here.platform.pepper.address_key(here.person().tenant, "whatsapp", "whatsapp:+5531987654321")
    assert await here.one("select address_key from contact_alias") == {"address_key": key}


async def test_who_was_known_by_the_other_way_is_known(street: MakeStreet) -> None:
    """
    Keys that were written before the rule are found, and the one of today is learned.
    """
    here = await street()
    await here.person("+5531987654321").writes("one")
    await here.deliver(1)
    [_, other] = here.platform.pepper.address_keys(here.person().tenant, "whatsapp", "whatsapp:+5531987654321")
    await here.rows("update contact_alias set address_key = %s returning 1", other)
    await here.person("+553187654321").writes("two")
    await here.deliver(2)
    assert len(await here.rows("select 1 from contact")) == 1
    assert len(await here.rows("select 1 from contact_alias")) == 2


# Several threads of one person


async def test_two_threads_of_one_person_have_the_elder_for_their_root(street: MakeStreet) -> None:
    """
    What is written in either is logged, asked and answered in the elder.
    """
    here = await street()
    by_number, by_id = here.person(NUMBER), here.person(NUMBER, USER_ID)
    await by_number.writes("one")
    await by_id.writes("/help")
    await by_id.writes("three")
    await here.deliver(1, 2, 3)
    roots = await here.rows("select key, root from thread order by created_at")
    assert [(it["key"], it["root"]) for it in roots] == [(it.thread, by_number.thread) for it in (by_number, by_id)]
    assert {it["thread"] for it in await here.taken_in()} == {by_number.thread}
    assert await here.one("select thread from reply") == {"thread": by_number.thread}
    assert await here.one("select asked_seq from thread where key = root") == {"asked_seq": 3}


async def test_a_lone_thread_has_no_root(street: MakeStreet) -> None:
    """
    Also beside others of the line, and beside the same person's on another line.
    """
    here = await street()
    [(line, sender)] = await here.platform.more_lines(1)
    await here.person(NUMBER).writes("one")
    await here.person("+15550002").writes("two")
    await here.person(NUMBER, line=line, to=sender).writes("three")
    await here.deliver(1, 2, 3)
    assert [it["root"] for it in await here.rows("select root from thread")] == [None, None, None]


async def test_messages_of_both_threads_are_taken_in_by_arrival_whatever_the_order_of_delivery(
    street: MakeStreet,
) -> None:
    """
    Forty messages that change threads, delivered to eight workers in any order.
    """
    here = await street()
    by_number, by_id, only_id = here.person(NUMBER), here.person(NUMBER, USER_ID), here.person("", USER_ID)
    sent = [await person.writes("hello") for person in (by_number, by_id)]
    await here.deliver(1, 2)
    people = (by_number, by_id, only_id, by_number, only_id)
    sent += [await people[number % 5].writes(f"message {number}") for number in range(40)]
    await here.deliver_shuffled(range(3, 43))
    taken = await here.taken_in()
    assert [it["provider_sid"] for it in taken] == sent
    assert {it["thread"] for it in taken} == {by_number.thread}
    assert await here.rows("select distinct last_seq from thread") == [{"last_seq": 42}]


async def test_before_they_are_known_to_be_one_nothing_is_lost_in_any_order(street: MakeStreet) -> None:
    """
    From the first message on, in any order: one contact, one open conversation, and every message waits to be answered once.
    """
    here = await street()
    people = (here.person(NUMBER), here.person("", USER_ID), here.person(NUMBER, USER_ID))
    for number in range(30):
        await people[number % 3].writes(f"message {number}")
    await here.deliver_shuffled(range(1, 31))
    assert len(await here.rows("select 1 from contact")) == 1
    assert len(await here.rows("select 1 from conversation where closed_at is null")) == 1
    assert await here.one("select messages from lead") == {"messages": 30}
    assert await here.one("select count(distinct root) as roots, count(*) as threads from thread") == {
        "roots": 1,
        "threads": 2,
    }
    waiting = await here.rows(
        "select seq from message join thread on key = thread where seq > done_seq and seq <= asked_seq order by seq"
    )
    assert [it["seq"] for it in waiting] == list(range(1, 31))


async def test_what_came_before_the_root_was_asked_is_answered_in_its_own_thread(street: MakeStreet) -> None:
    """
    A message that is delivered after a later one of the other thread was answered: it is behind what the root has done.
    """
    here = await street()
    by_number, by_id = here.person(NUMBER), here.person(NUMBER, USER_ID)
    await by_id.writes("one")
    await by_number.writes("two")
    await by_id.writes("three")
    await here.deliver(1, 3)
    await here.rows("update thread set done_seq = asked_seq returning 1")
    await here.deliver(2)
    taken = await here.taken_in()
    assert [(it["seq"], it["thread"]) for it in taken] == [(1, by_id.thread), (3, by_id.thread), (2, by_number.thread)]
    late = await here.one("select root, asked_seq, done_seq from thread where key = %s", by_number.thread)
    assert late == {"root": by_id.thread, "asked_seq": 2, "done_seq": 0}


async def test_limits_count_for_the_person(street: MakeStreet) -> None:
    """
    Ten messages a minute, by number and user id together.
    """
    here = await street(most=10)
    people = (here.person(NUMBER), here.person(NUMBER, USER_ID))
    for number in range(12):
        await people[number % 2].writes("hello")
    await here.deliver(*range(1, 13))
    assert [it["outcome"] for it in await here.taken_in()] == ["asked"] * 10 + ["rate_limited"] * 2


async def test_who_stops_by_one_address_is_left_alone_at_the_other(street: MakeStreet) -> None:
    """
    Until they take it back by either.
    """
    here = await street()
    by_number, by_id = here.person(NUMBER), here.person(NUMBER, USER_ID)
    for person, text in ((by_id, "hi"), (by_number, "STOP"), (by_id, "hello?"), (by_id, "START"), (by_number, "hello")):
        await person.writes(text)
    await here.deliver(1, 2, 3, 4, 5)
    outcomes = [it["outcome"] for it in await here.taken_in()]
    assert outcomes == ["cancelled", "command/stop", "opted_out", "command/start", "asked"]


async def test_stop_drops_what_waits_on_any_of_the_threads(street: MakeStreet) -> None:
    """
    Only the confirmation is left to send; egress looks at all of them.
    """
    here = await street()
    by_number, by_id = here.person(NUMBER), here.person("", USER_ID)
    await by_number.writes("/help")
    await by_id.writes("/help")
    await here.deliver(1, 2)
    await here.rows("update thread set send_at = null returning 1")
    await here.person(NUMBER, USER_ID).writes("/stop")
    await here.deliver(3)
    replies = await here.rows("select thread, state from reply order by id")
    assert [(it["thread"], it["state"]) for it in replies] == [
        (by_number.thread, "cancelled"),
        (by_id.thread, "cancelled"),
        (by_number.thread, "open"),
    ]
    assert await here.rows("select 1 from thread where send_at is null") == []


async def test_what_was_known_of_either_holds_when_they_prove_to_be_one(street: MakeStreet) -> None:
    """
    Who stopped as a stranger has stopped.
    """
    here = await street()
    await here.person(NUMBER).writes("hello")
    await here.person("", USER_ID).writes("STOP")
    await here.person(NUMBER, USER_ID).writes("hello?")
    await here.person(NUMBER).writes("hello?")
    await here.deliver(1, 2, 3, 4)
    outcomes = [it["outcome"] for it in await here.taken_in()]
    assert outcomes == ["asked", "command/stop", "opted_out", "opted_out"]


async def test_reset_cancels_what_any_of_the_threads_is_at(street: MakeStreet) -> None:
    """
    A turn that began before the threads were one cannot commit any more.
    """
    here = await street()
    by_number, by_id = here.person(NUMBER), here.person("", USER_ID)
    await by_number.writes("one")
    await by_id.writes("two")
    await here.deliver(1, 2)
    await here.rows("update thread set owner = 7, fence = 3 where key = %s returning 1", by_id.thread)
    await here.person(NUMBER, USER_ID).writes("/reset")
    await here.deliver(3)
    assert [it["outcome"] for it in await here.taken_in()] == ["cancelled", "cancelled", "command/reset"]
    threads = await here.rows("select owner, asked_seq - done_seq as left from thread")
    assert threads == [{"owner": None, "left": 0}] * 2
    assert await here.one("select fence from thread where key = %s", by_id.thread) == {"fence": 4}


async def test_of_turns_that_run_side_by_side_the_elder_thread_s_goes_on(street: MakeStreet) -> None:
    """
    The other is fenced when the two prove to be one, and starts over in its turn.
    """
    here = await street()
    by_number, by_id = here.person(NUMBER), here.person("", USER_ID)
    await by_number.writes("one")
    await by_id.writes("two")
    await here.deliver(1, 2)
    await here.rows("update thread set owner = 7, fence = 3 returning 1")
    await here.person(NUMBER, USER_ID).writes("three")
    await here.deliver(3)
    elder = await here.one("select owner, fence from thread where key = %s", by_number.thread)
    younger = await here.one("select owner, fence, asked_seq from thread where key = %s", by_id.thread)
    assert elder == {"owner": 7, "fence": 3}
    assert younger == {"owner": None, "fence": 4, "asked_seq": 2}


async def test_what_was_parked_for_one_address_may_go_when_they_write_by_the_other(street: MakeStreet) -> None:
    """
    The person wrote, so the 24 hours begin anew for all that waits.
    """
    here = await street()
    by_number, by_id = here.person(NUMBER), here.person(NUMBER, USER_ID)
    await by_number.writes("one")
    await by_id.writes("two")
    await here.deliver(1, 2)
    await here.rows("update thread set parked_at = now(), send_at = null where key = %s returning 1", by_id.thread)
    await by_number.writes("three")
    await here.deliver(3)
    assert await here.one("select parked_at, send_at is null as idle from thread where key = %s", by_id.thread) == {
        "parked_at": None,
        "idle": False,
    }


async def test_a_replay_from_before_the_threads_were_one_is_asked_again(street: MakeStreet) -> None:
    """
    By the root, where it comes up in its turn; the message keeps its one row.
    """
    here = await street()
    by_number, by_id = here.person(NUMBER), here.person("", USER_ID)
    await by_number.writes("one")
    number = await by_id.writes("two")
    await here.deliver(1, 2)
    await here.person(NUMBER, USER_ID).writes("three")
    await here.deliver(3)
    await here.rows("update thread set done_seq = asked_seq returning 1")
    await by_id.writes("two", provider_sid=number, replay_of="dl_1")
    await here.deliver(4)
    moved = await here.one("select seq, thread from message where provider_sid = %s", number)
    assert moved == {"seq": 4, "thread": by_number.thread}
    assert await here.one("select asked_seq, done_seq from thread where key = root") == {"asked_seq": 4, "done_seq": 3}


# Two contacts that prove to be one

Pair = Callable[..., Awaitable[Street]]


@pytest.fixture
def strangers(street: MakeStreet) -> Pair:
    """Somebody who wrote twice by number and once by user id alone: two contacts, as far as anybody knows."""

    async def build(access: str = "open") -> Street:
        here = await street(access)
        for person in (here.person(NUMBER), here.person("", USER_ID), here.person(NUMBER)):
            await person.writes("hello")
        await here.deliver(1, 2, 3)
        assert len(await here.rows("select 1 from contact")) == 2
        return here

    return build


async def meet(here: Street, text: str = "it is me") -> None:
    """Let a message bring both addresses."""
    [row] = await here.rows("select max(last_seq) as last from thread")
    await here.person(NUMBER, USER_ID).writes(text)
    await here.deliver(Sequence(row["last"] + 1))


async def test_contacts_that_prove_to_be_one_become_the_elder(strangers: Pair) -> None:
    """
    With both addresses and both threads; of two open conversations the elder's goes on; what they wrote is counted together.
    """
    here = await strangers()
    elder = await here.one("select id, created_at from contact order by created_at limit 1")
    before = await here.one("select min(first_seen) as first from lead")
    await meet(here)
    assert await here.one("select id from contact") == {"id": elder["id"]}
    assert await here.rows("select distinct contact_id from contact_alias") == [{"contact_id": elder["id"]}]
    assert await here.rows("select distinct contact_id from thread") == [{"contact_id": elder["id"]}]
    lead = await here.one("select contact_id, messages, first_seen, last_seen > first_seen as lately from lead")
    assert lead == {"contact_id": elder["id"], "messages": 4, "first_seen": before["first"], "lately": True}
    conversations = await here.rows("select contact_id, closed_at is null as open from conversation order by opened_at")
    assert conversations == [{"contact_id": elder["id"], "open": True}, {"contact_id": elder["id"], "open": False}]
    last = await here.one("select conversation_id from message order by seq desc limit 1")
    first = await here.one("select conversation_id from message order by seq limit 1")
    assert last == first


async def test_a_conversation_that_only_the_younger_has_goes_on(strangers: Pair) -> None:
    """
    Where the elder's was closed.
    """
    here = await strangers()
    await here.rows(
        "update conversation set closed_at = now() where opened_at = (select min(opened_at) from conversation) returning 1"
    )
    younger = await here.one("select id from conversation where closed_at is null")
    await meet(here)
    assert await here.one("select id from conversation where closed_at is null") == younger


async def test_threads_on_every_line_are_brought_together(strangers: Pair) -> None:
    """
    Also on lines where nobody wrote just now.
    """
    here = await strangers()
    [(line, sender)] = await here.platform.more_lines(1)
    people = [here.person(NUMBER, line=line, to=sender), here.person("", USER_ID, line=line, to=sender)]
    for person in people:
        await person.writes("hello")
    await here.deliver(4, 5)
    await meet(here, "/help")
    rows = await here.rows("select key, root from thread where line_id = %s order by created_at", line)
    assert [(it["key"], it["root"]) for it in rows] == [(it.thread, people[0].thread) for it in people]


async def test_a_binding_moves_to_the_contact_that_stays(strangers: Pair) -> None:
    """
    Who paired by user id is that user by number too.
    """
    here = await strangers("paired")
    await here.platform.code("ABCDEFGH")
    await here.person("", USER_ID).writes("/pair ABCDEFGH")
    await here.deliver(4)
    await meet(here)
    elder = await here.one("select id from contact")
    assert await here.one("select user_id, contact_id from binding") == {
        "user_id": "us_test",
        "contact_id": elder["id"],
    }
    await here.person(NUMBER).writes("and now?")
    await here.deliver(6)
    assert [it["outcome"] for it in await here.taken_in()][-2:] == ["asked", "asked"]


async def test_a_person_who_was_two_users_is_the_one_whom_they_became_last(strangers: Pair) -> None:
    """
    One person has one binding on a channel.
    """
    here = await strangers("paired")
    await here.rows(
        "insert into app_user (id, tenant_id, email, role) select 'us_other', tenant_id, 'b@example.org', role from app_user returning 1"
    )
    await here.platform.code("ABCDEFGH")
    await here.platform.code("JKLMNPQR", user="us_other")
    await here.person(NUMBER).writes("/pair ABCDEFGH")
    await here.person("", USER_ID).writes("/pair JKLMNPQR")
    await here.deliver(4, 5)
    assert len(await here.rows("select 1 from binding")) == 2
    await meet(here)
    assert await here.one("select user_id from binding") == {"user_id": "us_other"}


async def test_who_paired_by_number_is_known_by_user_id_and_can_stop(street: MakeStreet) -> None:
    """
    A binding holds for the contact, whichever of their addresses comes; /stop by any of them frees all.
    """
    here = await street("paired")
    await here.platform.code("ABCDEFGH")
    await here.person(NUMBER).writes("/pair ABCDEFGH")
    await here.person(NUMBER, USER_ID).writes("hello")
    for text in ("hello", "/stop", "hello"):
        await here.person("", USER_ID).writes(text)
    await here.deliver(1, 2, 3, 4, 5)
    outcomes = [it["outcome"] for it in await here.taken_in()]
    assert outcomes == ["command/pair", "cancelled", "cancelled", "command/stop", "not_recognized"]
    assert await here.rows("select 1 from binding") == []


async def test_other_tenants_contacts_stay_as_they_are(strangers: Pair) -> None:
    """
    What one tenant learns of a person is nothing to another.
    """
    here = await strangers()
    await here.platform.plant_second()
    theirs = {"tenant": SECOND, "line": SECOND_LINE, "to": SECOND_SENDER}
    await here.person(NUMBER, **theirs).writes("hello")
    await here.person("", USER_ID, **theirs).writes("hello")
    await here.deliver(4, 5)
    await meet(here)
    counts = await here.rows("select tenant_id, count(*) from contact group by tenant_id order by count(*)")
    assert [it["count"] for it in counts] == [1, 2]
    assert await here.rows("select root from thread where tenant_id = %s", SECOND) == [{"root": None}] * 2


# At the same time


async def test_a_hundred_first_messages_at_once_make_one_of_everything(street: MakeStreet) -> None:
    """
    Contact, thread, lead and conversation.
    """
    here = await street()
    ann = here.person()
    for number in range(100):
        await ann.writes(f"message {number}")
    await here.deliver_shuffled(range(1, 101))
    for table in ("contact", "contact_alias", "thread", "conversation"):
        assert await here.one(f"select count(*) from {table}") == {"count": 1}, table
    assert await here.one("select messages from lead") == {"messages": 100}
    assert [it["provider_sid"] for it in await here.taken_in()] == ann.sent


async def test_a_hundred_first_messages_on_several_lines_make_one_contact(street: MakeStreet) -> None:
    """
    By number, by user id and by both: with a thread for each address on each line, and one conversation that is open.
    """
    here = await street()
    people = [
        here.person(*who, line=line, to=sender)
        for line, sender in await here.platform.more_lines(5)
        for who in ((NUMBER, None), (NUMBER, USER_ID))
    ]
    for number in range(100):
        await people[number % 10].writes(f"message {number}")
    await here.deliver_shuffled(range(1, 101))
    assert await here.one("select count(*) from contact") == {"count": 1}
    assert await here.one("select count(*) from lead") == {"count": 1}
    assert await here.one("select messages from lead") == {"messages": 100}
    assert await here.one("select count(*), count(distinct root) as roots from thread") == {"count": 10, "roots": 5}
    assert await here.one("select count(*) from conversation where closed_at is null") == {"count": 1}


async def test_threads_that_are_made_at_the_same_time_by_different_addresses_find_each_other(
    street: MakeStreet,
) -> None:
    """
    Once number and user id are known to be one person's, two first messages on a line never make two lone threads.
    """
    here = await street()
    await here.person(NUMBER, USER_ID).writes("hello")
    await here.deliver(1)
    for line, sender in await here.platform.more_lines(25):
        for who in ((NUMBER, None), ("", USER_ID)):
            await here.person(*who, line=line, to=sender).writes("hello")
    await here.deliver(*range(2, 52), workers=8)
    assert await here.one("select count(*), count(root) as grouped, count(distinct root) as roots from thread") == {
        "count": 51,
        "grouped": 50,
        "roots": 25,
    }
