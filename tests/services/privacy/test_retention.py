"""What is older than its tenant keeps anything goes, row by row, in the order in which rows refer to one another."""

import pytest

from services.console.retention import Retention
from shared.store.session import open_store
from shared.vault import Vault
from tests.fakes.model import asks_for, echo
from tests.services.desk import TENANT
from tests.services.privacy.conftest import Town

PERSONAL = (
    "message", "reply", "part", "attempt", "status_event", "turn", "tool_call", "tool_attempt", "form_submission", "conversation", "lead",
    "thread", "contact_alias", "contact",
)  # fmt: skip


async def a_talk(town: Town) -> None:
    """A person with a row of everything."""
    asked = iter([asks_for(("contact_form", '{"name": "Ann", "message": "Call"}'))])
    town.gateway.model.script = lambda messages, tools: next(asked, None) or echo(messages, tools)
    await town.says(town.person(), "hello")
    await town.acted()


async def left(town: Town) -> dict[str, int]:
    counts = {table: await town.count(table) for table in PERSONAL}
    return {table: count for table, count in counts.items() if count}


async def test_nothing_younger_than_the_tenants_term_goes(town: Town, retention: Retention) -> None:
    """
    90 days, where nothing else is set.
    """
    await a_talk(town)
    await town.pass_days(89)
    assert await retention.run() == {}
    assert set(await left(town)) == set(PERSONAL)


async def test_everything_older_goes_and_in_the_end_the_contact(town: Town, retention: Retention) -> None:
    """
    Nothing of the person is left.
    """
    await a_talk(town)
    await town.pass_days(91)
    gone = await retention.run()
    assert await left(town) == {}
    assert gone["contact"] == 1


async def test_a_tenant_may_keep_things_for_less(town: Town, retention: Retention) -> None:
    """
    Its own rows go by its own term.
    """
    await town.rows("update tenant set retention_days = 10 returning 1")
    await town.rows("insert into tenant (id, name, retention_days) values ('tn_long', 'Long', 400) returning 1")
    await a_talk(town)
    await town.pass_days(11)
    await retention.run()
    assert await left(town) == {"message": 1}


async def test_the_providers_id_of_a_message_is_kept_for_30_days(town: Town, retention: Retention) -> None:
    """
    Blank and nobody's, so that the message is known if it comes again; then it goes too.
    """
    await town.rows("update tenant set retention_days = 1 returning 1")
    ann = town.person()
    await town.says(ann, "hello")
    await town.pass_days(2)
    await retention.run()
    [message] = await town.rows("select thread, conversation_id, sealed_text, trace, provider_sid from message")
    assert message == {
        "thread": None,
        "conversation_id": None,
        "sealed_text": None,
        "trace": {},
        "provider_sid": ann.sent[0],
    }
    await ann.writes("hello", provider_sid=ann.sent[0])
    await ann.writes("again")
    assert await town.gateway.told(2) == ["You said: hello", "You said: again"]
    await town.idle()
    await town.pass_days(29)
    await retention.run()
    assert await town.rows("select 1 from message where provider_sid = %s", ann.sent[0]) == []


async def test_who_is_still_here_keeps_what_is_young(town: Town, retention: Retention) -> None:
    """
    The old exchange goes, the conversation goes on.
    """
    ann = town.person()
    await town.says(ann, "long ago")
    await town.pass_days(91)
    await town.says(ann, "now")
    await retention.run()
    counts = await left(town)
    assert {table: counts[table] for table in ("message", "reply", "part", "turn", "conversation", "lead")} == {
        "message": 1,
        "reply": 1,
        "part": 1,
        "turn": 1,
        "conversation": 1,
        "lead": 1,
    }


async def test_a_stop_is_not_forgotten(town: Town, retention: Retention) -> None:
    """
    Whoever does not want to be written to stays known as such.
    """
    await town.says(town.person(), "STOP")
    await town.pass_days(91)
    await retention.run()
    assert await town.count("thread", "opted_out_at is not null") == 1
    assert await town.count("message") == 0


async def test_a_question_that_nobody_answered_yet_stays(town: Town, retention: Retention) -> None:
    """
    However old it is.
    """
    await a_talk(town)
    await town.pass_days(91)
    await town.rows("update thread set done_seq = done_seq - 1, run_at = now() + interval '1 hour' returning 1")
    await retention.run()
    assert await town.count("message", "thread is not null and sealed_text is not null") == 1


async def test_a_thread_that_somebody_works_on_is_passed_over(
    town: Town, retention: Retention, database_url: str
) -> None:
    """
    Without waiting for it; the next run looks again.
    """
    await a_talk(town)
    await town.pass_days(91)
    async with open_store(database_url, 1, "other") as elsewhere, elsewhere.transaction() as connection:
        await (await connection.execute("select 1 from thread for update")).fetchall()
        await retention.run()
        assert set(await left(town)) == set(PERSONAL)
    await retention.run()
    assert await left(town) == {}


async def test_dead_letters_are_given_up_and_then_deleted(town: Town, retention: Retention) -> None:
    """
    One that waits for longer than anything is kept has nothing to be tried with any more.
    """
    await town.says(town.person(), "hello")
    await town.rows(
        "insert into dead_letter (id, tenant_id, thread, stage, reason, attempts, payload, created_at, state, settled_at)"
        " select 'dl_' || state, tenant_id, key, 'agent', 'x', 1, 'turn/' || state, now() - interval '91 days', state, settled"
        " from thread, (values ('waiting', null), ('replayed', now() - interval '91 days'), ('discarded', now()))"
        " as it (state, settled) returning 1"
    )
    await retention.run()
    assert await town.rows("select id, state from dead_letter order by id") == [
        {"id": "dl_discarded", "state": "discarded"},
        {"id": "dl_waiting", "state": "discarded"},
    ]


TERMS = {
    "pair_code": (
        "insert into pair_code (id, tenant_id, user_id, digest, expires_at) values ('x' || %s, 'tn_test', 'us_test', %s, now() - %s::interval) returning 1",
        "1 day",
    ),
    "idempotent_request": (
        "insert into idempotent_request (holder, key, fingerprint, created_at) values (%s, %s, 'f', now() - %s::interval) returning 1",
        "1 day",
    ),
    "wrong_code": (
        "insert into wrong_code (tenant_id, at) select 'tn_test', now() - %s::interval where %s <> %s returning 1",
        "1 day",
    ),
    "daily_messages": (
        "insert into daily_messages (tenant_id, day, slot) select 'tn_test', (now() - %s::interval)::date, 1 where %s <> %s returning 1",
        "91 days",
    ),
    "token_account": (
        "insert into token_account (tenant_id, account, allowed, changed_at) values (%s, %s, 1, now() - %s::interval) returning 1",
        "90 days",
    ),
    "token_hold": (
        (
            "insert into token_hold (turn_id, tenant_id, tokens, owner, created_at)"
            " values (%s, %s, 1, 1, now() - %s::interval) returning 1"
        ),
        "90 days",
    ),
    "audit": (
        "insert into audit (id, actor, action, object, at) values (%s, %s, 'x', 'x', now() - %s::interval) returning 1",
        "400 days",
    ),
    "job_run": (
        "insert into job_run (name, started_at, finished_at) select %s || %s, now(), now() - %s::interval returning 1",
        "400 days",
    ),
    "erasure": (
        (
            "insert into erasure (id, tenant_id, contact_id, actor, reason, provider_copies, finished_at)"
            " values (%s, 'tn_test', %s, 'x', 'x', false, now() - %s::interval) returning 1"
        ),
        "400 days",
    ),
}


@pytest.mark.parametrize("table", TERMS)
async def test_what_has_a_term_of_its_own_goes_by_it(town: Town, retention: Retention, table: str) -> None:
    """
    Codes, answers of requests, counts, the log of what admins did: an hour younger than the term stays, an hour older goes.
    """
    statement, term = TERMS[table]
    day = "24 hours" if table == "daily_messages" else "1 hour"
    for name, age in (("a", f"{term} -{day}"), ("b", f"{term} {day}")):
        values = (age, name, "") if "where %s" in statement else (name, name, age)
        await town.rows(statement, *values)
    assert (await retention.run())[table] == 1
    assert await town.count(table) == 1


async def test_of_many_rows_those_that_are_too_old_go(town: Town, retention: Retention, vault: Vault) -> None:
    """
    However many batches that takes.
    """
    await town.says(town.person(), "hello")
    await town.rows(
        "insert into message (id, tenant_id, line_id, thread, account_sid, provider_sid, seq, outcome, received_at, routed_at)"
        " select 'msg_0' || to_char(n, 'FM0000'), %s, line_id, key, 'AC', 'SM' || n, 0, 'command/help', now(),"
        " now() - interval '91 days' from thread, generate_series(1, 1200) n returning 1",
        TENANT,
    )
    gone = await retention.run()
    assert (gone["message.blanked"], gone["message"]) == (1200, 1200)
    assert await town.count("message") == 1


async def test_threads_of_one_person_go_together(town: Town, retention: Retention) -> None:
    """
    The others name the eldest, so it stays as long as they do.
    """
    user = "IT.13491208655302741918"
    for person in (town.person(), town.person("", user_id=user), town.person(user_id=user)):
        await town.says(person, "hello")
    await town.pass_days(91)
    await town.rows("update thread set last_inbound_at = now() where key <> root returning 1")
    await retention.run()
    assert await town.count("thread") == 2
    await town.pass_days(91)
    await retention.run()
    assert await left(town) == {}
