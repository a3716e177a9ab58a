"""A line that all tenants share: the paired user decides whose conversation it is."""

import pytest

from shared.ids import TenantId
from tests.services.desk import SECOND, SECOND_LINE, SECOND_SENDER, TENANT
from tests.services.tenants.conftest import Gateway

THIRD = TenantId("tn_third")


@pytest.fixture
async def shared(gateway: Gateway) -> Gateway:
    """The first tenant is the platform, whose line is shared; the two others have a user each and no line of their own."""
    gateway.platform.access = "paired"
    await gateway.platform.plant()
    await gateway.platform.rows("update line set kind = 'shared' returning 1")
    for tenant in (SECOND, THIRD):
        name = tenant.removeprefix("tn_")
        await gateway.platform.rows("insert into tenant (id, name) values (%s, %s) returning 1", tenant, name.title())
        await gateway.platform.rows(
            "insert into agent (id, tenant_id, name, instructions) values (%s, %s, 'A', 'Help {sys.tenant}.') returning 1",
            f"ag_{name}",
            tenant,
        )
        await gateway.platform.rows(
            "insert into app_user (id, tenant_id, email, role) values (%s, %s, %s, 'USER') returning 1",
            f"us_{name}",
            tenant,
            f"{name}@example.org",
        )
    return gateway


async def test_a_paired_person_talks_to_their_own_tenants_agent(shared: Gateway) -> None:
    """
    Conversation, messages, turn, reply and parts are the user's tenant's, sealed as theirs; delivery reports find them.
    """
    ann = shared.person()
    await shared.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    await ann.writes("hello")
    await ann.writes("/pair SECNDCDE")
    await ann.writes("what now?")
    told = await shared.told(3)
    assert told[0].startswith("This number is not recognized")
    assert told[1:] == ["Paired. This number now writes as second@example.org.", "You said: what now?"]
    assert shared.model.told[0][0]["content"].startswith("Help Second.")
    for table in ("conversation", "turn", "binding"):
        rows = await shared.platform.rows(f"select tenant_id from {table}")
        assert [row["tenant_id"] for row in rows] == [SECOND]
    messages = await shared.platform.rows("select tenant_id from message order by seq")
    assert [row["tenant_id"] for row in messages] == [TENANT, SECOND, SECOND]
    for sent in list(shared.channel.sent):
        await shared.reported(TENANT, sent, "delivered")
    parts = await shared.states("delivered", "delivered", "delivered")
    assert [part["tenant_id"] for part in parts] == [TENANT, SECOND, SECOND]


async def test_what_comes_with_the_code_is_for_the_tenant_already(shared: Gateway) -> None:
    """
    Code and question are read together: the question is answered by the agent of whom the code is.
    """
    ann = shared.person()
    await shared.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    await shared.bus.stop_consuming()
    await ann.writes("/pair SECNDCDE")
    await ann.writes("what now?")
    await shared.bus.consume()
    assert (await shared.told(2))[1] == "You said: what now?"
    assert shared.model.told[0][0]["content"].startswith("Help Second.")


async def test_who_pairs_with_another_tenants_code_leaves_the_first_behind(shared: Gateway) -> None:
    """
    After /stop the number is nobody's; with a code of the third tenant it is theirs, who see nothing of what was before.
    """
    ann = shared.person()
    await shared.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    await shared.platform.code("THRDCDEE", user="us_third", tenant=THIRD)
    for number, text in enumerate(
        ("/pair SECNDCDE", "for the second", "/stop", "anyone?", "/pair THRDCDEE", "again"), 1
    ):
        await ann.writes(text)
        await shared.told(number)
    told = await shared.told(6)
    assert told[3].startswith("This number is not recognized")
    assert told[5] == "You said: again"
    assert "for the second" not in str(shared.model.told[-1])
    assert shared.model.told[-1][0]["content"].startswith("Help Third.")
    contacts = await shared.platform.rows("select tenant_id from contact order by id")
    assert [row["tenant_id"] for row in contacts] == [TENANT, SECOND, THIRD]
    turns = await shared.platform.rows("select tenant_id from turn order by id")
    assert [row["tenant_id"] for row in turns] == [SECOND, THIRD]


async def test_a_tenant_without_an_agent_says_so(shared: Gateway) -> None:
    """
    Rather than silence, or another tenant's agent.
    """
    await shared.platform.rows("delete from agent where tenant_id = %s returning 1", SECOND)
    ann = shared.person()
    await shared.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    await ann.writes("/pair SECNDCDE")
    await ann.writes("hello")
    assert (await shared.told(2))[1] == "There is nobody to answer you yet. Please try again later."
    assert shared.model.told == []


async def test_a_code_of_another_tenant_is_no_code_on_a_tenants_own_line(shared: Gateway) -> None:
    """
    Only on a shared line does the code decide the tenant.
    """
    await shared.platform.rows("update line set kind = 'dedicated' returning 1")
    await shared.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    await shared.person().writes("/pair SECNDCDE")
    assert (await shared.told(1))[0].startswith("Code expired")
    assert await shared.platform.rows("select 1 from pair_code where used_at is not null") == []


USER_ID = "whatsapp:US.13491208655302741918"


async def test_a_paired_person_is_known_by_another_address(shared: Gateway) -> None:
    """
    Who paired by number and then shows a user id, first beside it, then alone, still talks to their own tenant's agent.
    """
    await shared.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    await shared.person().writes("/pair SECNDCDE")
    await shared.told(1)
    for number, person in enumerate((shared.person(user_id=USER_ID), shared.person(number="", user_id=USER_ID)), 2):
        await person.writes("hello")
        told = await shared.told(number)
    assert told[1:] == ["You said: hello"] * 2
    assert all(told[0]["content"].startswith("Help Second.") for told in shared.model.told)
    contacts = await shared.platform.rows("select tenant_id from contact order by created_at, id")
    assert sorted(row["tenant_id"] for row in contacts) == [SECOND, TENANT]
    aliases = await shared.platform.rows("select tenant_id from contact_alias")
    assert sorted(row["tenant_id"] for row in aliases) == [SECOND, SECOND, TENANT, TENANT]
    [conversation] = await shared.platform.rows("select tenant_id, closed_at from conversation")
    assert conversation == {"tenant_id": SECOND, "closed_at": None}


async def test_who_paired_on_their_own_line_is_known_on_the_shared_one(shared: Gateway) -> None:
    """
    A binding is for the whole platform: the agent of the user's tenant answers at once.
    """
    await shared.platform.plant_line(SECOND)
    theirs = {"tenant": SECOND, "line": SECOND_LINE, "to": SECOND_SENDER}
    await shared.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    await shared.person(**theirs).writes("/pair SECNDCDE")
    await shared.told(1)
    await shared.person().writes("hello")
    assert (await shared.told(2))[1] == "You said: hello"
    assert shared.model.told[0][0]["content"].startswith("Help Second.")
    [message] = await shared.platform.rows("select tenant_id from message where outcome = 'asked'")
    assert message["tenant_id"] == SECOND


async def test_a_guest_s_contacts_are_merged_on_the_shared_line_too(shared: Gateway) -> None:
    """
    On their own line a tenant learns that two contacts are one: the shared line's thread is of the one that stays.
    """
    await shared.platform.plant_line(SECOND)
    theirs = {"tenant": SECOND, "line": SECOND_LINE, "to": SECOND_SENDER}
    await shared.person(number="", user_id=USER_ID, **theirs).writes("hello")
    await shared.told(1)
    await shared.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    await shared.person().writes("/pair SECNDCDE")
    await shared.told(2)
    assert len(await shared.platform.rows("select 1 from contact where tenant_id = %s", SECOND)) == 2
    await shared.person(user_id=USER_ID, **theirs).writes("it is me")
    await shared.told(3)
    await shared.person().writes("and here?")
    assert (await shared.told(4))[3] == "You said: and here?"
    [contact] = await shared.platform.rows("select id from contact where tenant_id = %s", SECOND)
    threads = await shared.platform.rows("select contact_id from thread where host_contact_id is not null")
    assert threads == [{"contact_id": contact["id"]}]


async def test_who_a_guest_is_to_the_shared_line_s_tenant_is_merged_as_well(shared: Gateway) -> None:
    """
    Known to it by user id before, and by the number under which they paired since: the guest goes on as such.
    """
    await shared.person(number="", user_id=USER_ID).writes("hello")
    await shared.told(1)
    await shared.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    await shared.person().writes("/pair SECNDCDE")
    await shared.told(2)
    await shared.person(user_id=USER_ID).writes("it is me")
    assert (await shared.told(3))[2] == "You said: it is me"
    [host] = await shared.platform.rows("select id from contact where tenant_id = %s", TENANT)
    [guest] = await shared.platform.rows("select id from contact where tenant_id = %s", SECOND)
    threads = await shared.platform.rows("select host_contact_id, contact_id from thread where guests <> '{}'")
    assert {"host_contact_id": host["id"], "contact_id": guest["id"]} in threads
    [conversation] = await shared.platform.rows("select tenant_id from conversation")
    assert conversation["tenant_id"] == SECOND
