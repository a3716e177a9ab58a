"""Addresses and names go once nothing is pending, and come back with the next message; texts go with what needed them."""

import pytest

from services.console.privacy import Applied, Privacy
from services.router.contacts import Contacts, Sender
from services.router.store import Desk
from services.router.threads import Group
from shared.bus import Bus
from shared.events import InboundContent, InboundReceived
from shared.ids import Sequence
from shared.store.sealed import SUMMARY
from shared.store.session import Store
from shared.topology import INBOUND, inbound_subject
from tests.fakes.model import asks_for, echo
from tests.services.desk import TENANT, Person
from tests.services.privacy.conftest import Town

ADDRESSED = "sealed_address is not null and sealed_name is not null"
NAMELESS = "sealed_address is null and sealed_name is null"

PENDING = {
    "a question": "update thread set asked_seq = asked_seq + 1, run_at = now() + interval '1 hour' returning 1",
    "something to send": "update thread set send_at = now() + interval '1 hour' returning 1",
    "a parked answer": "update thread set parked_at = now() returning 1",
    "a part in doubt": "update part set state = 'unknown', next_at = now() + interval '1 hour' returning 1",
    "a letter": """
    insert into dead_letter (id, tenant_id, thread, stage, reason, attempts, payload)
    select 'dl_1', tenant_id, key, 'agent', 'model_refused', 1, 'turn/x' from thread returning 1
    """,
    "the window": "update thread set last_inbound_at = now() - interval '23 hours' returning 1",
    "a pairing": """
    insert into binding (id, tenant_id, user_id, contact_id, channel, address_key, pepper_version, sealed_address)
    select 'bd_1', tenant_id, 'us_test', id, channel, 'x', 1, '' from contact returning 1
    """,
}


async def event_of(bus: Bus, person: Person) -> InboundReceived:
    subject = inbound_subject(person.tenant, person.thread)
    [stored] = [it async for it in bus.read_forward(INBOUND, subject, Sequence(0), Sequence(1 << 30), 1)]
    return InboundReceived.decode(stored.body)


async def test_number_and_name_go_when_the_window_has_closed(town: Town, privacy: Privacy) -> None:
    """
    Nothing is pending any more: what is left of the person are keyed hashes.
    """
    await town.says(town.person(), "hello")
    await town.pass_days(1.1)
    assert (await privacy.run()).addresses == 1
    assert await town.count("contact", NAMELESS) == 1


@pytest.mark.parametrize("what", PENDING)
async def test_what_is_pending_keeps_them(town: Town, privacy: Privacy, what: str) -> None:
    """
    Somebody will have to be answered, or is a user.
    """
    await town.says(town.person(), "hello")
    await town.pass_days(1.1)
    await town.rows(PENDING[what])
    assert (await privacy.run()).addresses == 0
    assert await town.count("contact", ADDRESSED) == 1


async def test_an_encrypted_tenant_keeps_them(town: Town, privacy: Privacy) -> None:
    """
    Until they are erased, for leads and proactive messages.
    """
    await town.rows("update tenant set privacy = 'encrypted' returning 1")
    await town.says(town.person(), "hello")
    await town.pass_days(1.1)
    assert (await privacy.run()).addresses == 0


async def test_one_thread_at_work_keeps_what_all_of_a_persons_threads_need(town: Town, privacy: Privacy) -> None:
    """
    The number is the contact's, whichever line they are answered on.
    """
    await town.says(town.person(), "hello")
    await town.pass_days(1.1)
    await town.rows(
        "insert into thread (key, tenant_id, line_id, contact_id, last_inbound_at)"
        " select 'other', tenant_id, line_id, contact_id, now() from thread returning 1"
    )
    assert (await privacy.run()).addresses == 0


async def test_the_next_message_writes_them_again_and_is_answered(town: Town, privacy: Privacy) -> None:
    """
    The person notices nothing.
    """
    ann = town.person()
    await town.says(ann, "hello")
    await town.pass_days(1.1)
    await privacy.run()
    await town.says(ann, "again")
    assert {sent.to for sent in town.gateway.channel.sent} == {"whatsapp:+15550001"}
    assert await town.count("contact", ADDRESSED) == 1


async def test_a_new_thread_of_a_known_contact_writes_them_again(town: Town, privacy: Privacy) -> None:
    """
    On another line of the tenant, by the same number.
    """
    await town.says(town.person(), "hello")
    await town.pass_days(1.1)
    await privacy.run()
    await town.rows(
        "insert into line (id, tenant_id, agent_id, credential_id, channel, provider, sender, enabled, access)"
        " select 'ln_more', tenant_id, agent_id, credential_id, channel, provider, 'whatsapp:+14155231111', enabled, access"
        " from line returning 1"
    )
    await town.says(town.person(line="ln_more", to="whatsapp:+14155231111"), "hello here")
    assert await town.count("contact", ADDRESSED) == 1
    assert len(town.gateway.channel.sent) == 2


async def test_a_message_that_is_being_taken_in_is_passed_over(
    town: Town, privacy: Privacy, bus: Bus, router_store: Store
) -> None:
    """
    The router has locked the thread and seen that the number is there: it stays.
    """
    ann = town.person()
    await town.says(ann, "hello")
    await town.pass_days(1.1)
    desk = Desk(router_store, town.platform.vault, town.platform.pepper)
    async with desk.open(Group.alone(ann.thread), await event_of(bus, ann)):
        assert (await privacy.run()).addresses == 0
    assert (await privacy.run()).addresses == 1


async def test_a_contact_to_whom_a_thread_is_being_added_is_passed_over(
    town: Town, privacy: Privacy, bus: Bus, router_store: Store
) -> None:
    """
    There is no thread to lock yet, so the contact is.
    """
    ann = town.person()
    await town.says(ann, "hello")
    await town.pass_days(1.1)
    event = await event_of(bus, ann)
    vault = town.platform.vault
    content = InboundContent.model_validate_json(vault.open_text(event.sealed, event.seal_context))
    contacts = Contacts(router_store, vault, town.platform.pepper)
    async with router_store.transaction(TENANT) as connection:
        await contacts.of(connection, (TENANT,), TENANT, Sender("whatsapp", content))
        assert (await privacy.run()).addresses == 0


async def test_an_answer_without_an_address_waits_for_the_person(town: Town, privacy: Privacy) -> None:
    """
    A part that is tried again later than that is parked, and goes out once they have written.
    """
    ann = town.person()
    await town.says(ann, "hello")
    await town.pass_days(1.1)
    await town.rows("update part set state = 'failed' returning 1")
    await town.rows("update tenant set history = true returning 1")
    await privacy.run()
    await town.rows("update part set state = 'queued' returning 1")
    await town.rows("update reply set state = 'cut' returning 1")
    await town.rows("update thread set send_at = now() returning 1")
    await town.until("select 1 from part where state = 'parked'")
    await ann.writes("again")
    assert await town.gateway.told(3) == ["You said: hello", "You said: hello", "You said: again"]


@pytest.mark.parametrize("history", [False, True])
async def test_texts_live_as_long_as_memory_needs_them(town: Town, privacy: Privacy, *, history: bool) -> None:
    """
    Of four messages and answers the last three are remembered; with a history all are kept.
    """
    await town.rows("update agent set memory = 3 returning 1")
    await town.rows("update tenant set history = %s returning 1", history)
    ann = town.person()
    for text in ("one", "two", "three", "four"):
        await town.says(ann, text)
    assert (await privacy.run()).texts == (0 if history else 2 + 3 + 4 + 0)
    kept = {table: await town.count(table, f"{column} is not null") for table, column in TEXTS.items()}
    assert kept == ({"message": 4, "reply": 4, "part": 4} if history else {"message": 1, "reply": 2, "part": 0})
    await town.says(ann, "five")
    told = [said["content"] for said in town.gateway.model.told[-1][1:]]
    assert told == ["You said: three", "four", "You said: four", "five"]


TEXTS = {"message": "sealed_text", "reply": "sealed_body", "part": "sealed_body"}


NOTES = "notes of what Ann said"


async def take_notes(town: Town, upto: str) -> None:
    """Let the agent remember whole conversations, and notes stand for the messages up to one that says so."""
    await town.rows("update agent set remembers = 'whole' returning 1")
    [row] = await town.rows("select id, tenant_id from conversation")
    sealed = town.platform.vault.seal(NOTES.encode(), SUMMARY.at(row["tenant_id"], row["id"]))
    await town.rows(
        f"update conversation set sealed_summary = %s, summary_seq = ({upto}) returning 1",
        sealed,
    )


async def test_of_a_whole_conversation_what_notes_stand_for_is_not_kept(town: Town, privacy: Privacy) -> None:
    """
    What came after it is, however much it is; the next turn is told both.
    """
    ann = town.person()
    for text in ("one", "two", "three", "four"):
        await town.says(ann, text)
    await take_notes(town, "select min(seq) from message")
    await privacy.run()
    assert await town.count("message", "sealed_text is not null") == 3
    assert await town.count("reply", "sealed_body is not null") == 3
    await town.says(ann, "five")
    told = [said["content"] for said in town.gateway.model.told[-1][1:]]
    assert told[0].endswith(NOTES)
    assert told[1:] == ["two", "You said: two", "three", "You said: three", "four", "You said: four", "five"]


@pytest.mark.parametrize("end", ["update conversation set closed_at = now()", "update agent set remembers = 'last'"])
async def test_notes_go_when_no_turn_is_told_them_any_more(town: Town, privacy: Privacy, end: str) -> None:
    """
    With a history, too: they are nothing that was said.
    """
    await town.rows("update tenant set history = true returning 1")
    await town.says(town.person(), "hello")
    await take_notes(town, "select 1")
    await privacy.run()
    assert await town.count("conversation", "sealed_summary is not null") == 1
    await town.rows(f"{end} returning 1")
    await privacy.run()
    assert await town.count("conversation", "sealed_summary is not null") == 0


async def test_a_closed_conversation_remembers_nothing(town: Town, privacy: Privacy) -> None:
    """
    After /reset its texts are of no use, nor is that of the command.
    """
    ann = town.person()
    await town.says(ann, "hello")
    await town.says(ann, "/reset")
    await privacy.run()
    assert [await town.count(table, f"{column} is not null") for table, column in TEXTS.items()] == [0, 0, 0]


async def test_results_of_tools_go_once_their_turn_is_over(town: Town, privacy: Privacy) -> None:
    """
    With the names of the documents that they came from. They are kept for a turn that starts over. What a form says stays: it
    was left for the business.
    """
    answers = iter([asks_for(("contact_form", '{"name": "Ann", "message": "Call"}'))])
    town.gateway.model.script = lambda messages, tools: next(answers, None) or echo(messages, tools)
    await town.says(town.person(), "call me")
    await town.acted()
    await town.gateway.platform.rows("update tool_call set sealed_sources = sealed_result returning 1")
    await privacy.run()
    assert await town.count("tool_call", "sealed_result is null and sealed_sources is null") == 1
    assert await town.count("tool_attempt", "sealed_result is null") == 1
    assert await town.count("form_submission", "sealed_body is not null") == 1


@pytest.mark.parametrize("what", ["a question", "a part in doubt", "a letter", "a parked answer"])
async def test_open_work_and_replays_keep_every_text_of_their_thread(town: Town, privacy: Privacy, what: str) -> None:
    """
    Until they have ended.
    """
    await town.rows("update agent set memory = 0 returning 1")
    await town.says(town.person(), "hello")
    await town.rows(PENDING[what])
    assert (await privacy.run()).texts == 0


async def test_a_part_that_left_is_kept_for_a_day_in_case_it_comes_back(town: Town, privacy: Privacy) -> None:
    """
    Twilio may still report that it failed, and then it can be sent again.
    """
    await town.says(town.person(), "hello")
    await town.rows("update part set state = 'sent' returning 1")
    await privacy.run()
    assert await town.count("part", "sealed_body is not null") == 1
    await town.pass_days(1.1)
    await privacy.run()
    assert await town.count("part", "sealed_body is not null") == 0


async def test_a_history_that_is_turned_off_is_dropped(town: Town, privacy: Privacy) -> None:
    """
    What was kept for it goes with the next run, however old.
    """
    await town.rows("update tenant set history = true returning 1")
    ann = town.person()
    for text in ("one", "/help", "two"):
        await town.says(ann, text)
    await privacy.run()
    await town.rows("update tenant set history = false returning 1")
    await privacy.run()
    assert await town.count("message", "sealed_text is not null and outcome <> 'asked'") == 0
    assert await town.count("part", "sealed_body is not null") == 0


async def test_a_second_run_finds_nothing(town: Town, privacy: Privacy) -> None:
    """
    And looks only at what may have a text left.
    """
    await town.rows("update agent set memory = 0 returning 1")
    await town.says(town.person(), "hello")
    await town.pass_days(1.1)
    assert await privacy.run() == Applied(1, 3)
    assert await privacy.run() == Applied(0, 0)
    [thread] = await town.rows("select texts_from, last_seq from thread")
    assert thread["texts_from"] == thread["last_seq"]


async def test_a_run_goes_through_everybody_in_batches(town: Town, privacy: Privacy) -> None:
    """
    Three hundred people, each dropped once.
    """
    await town.rows(
        "insert into contact (id, tenant_id, channel, sealed_address, sealed_name)"
        " select 'ct_' || n, %s, 'whatsapp', '', '' from generate_series(1, 300) n returning 1",
        TENANT,
    )
    await town.rows(
        "insert into thread (key, tenant_id, line_id, contact_id, last_inbound_at)"
        " select 'th_' || n, %s, 'ln_test', 'ct_' || n, now() - interval '2 days' from generate_series(1, 300) n returning 1",
        TENANT,
    )
    assert (await privacy.run()).addresses == 300


async def test_open_work_on_one_of_a_persons_threads_keeps_the_texts_of_all(town: Town, privacy: Privacy) -> None:
    """
    A turn remembers what was said on any of them.
    """
    user = "IT.13491208655302741918"
    for person in (town.person(), town.person("", user_id=user), town.person(user_id=user)):
        await town.says(person, "hello")
    await town.rows("update agent set memory = 0 returning 1")
    await town.rows("update thread set parked_at = now() where key = root returning 1")
    assert (await privacy.run()).texts == 0
    await town.rows("update thread set parked_at = null returning 1")
    assert (await privacy.run()).texts == 9


async def test_what_is_more_than_one_step_takes_goes_step_by_step(town: Town, console_store: Store) -> None:
    """
    However much a company lets go of: no step runs into the limit that statements have, nor holds a thread up for long.
    """
    town.gateway.model.script = lambda messages, tools: (
        echo(messages, tools)
        if messages[-1]["role"] == "tool"
        else asks_for(("contact_form", '{"name": "Ann", "message": "Call"}'))
    )
    ann = town.person()
    for text in ("one", "two", "three"):
        await town.says(ann, text)
    await town.acted()
    await town.says(ann, "/reset")
    texts = 4 + 4 + 4 + 3 + 3
    assert (await Privacy(console_store, at_once=2).run()).texts == texts
    assert [await town.count(table, f"{column} is not null") for table, column in TEXTS.items()] == [0, 0, 0]
    assert await town.count("tool_call", "sealed_result is not null") == 0
