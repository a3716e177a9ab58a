"""A person takes a conversation over while egress is sending: from the fence on, what leaves is theirs alone."""

import pytest

from services.console.access import Principal
from services.console.takeover import Takeover
from shared.bus import Bus
from shared.ids import new_id
from shared.store.session import Store
from tests.eventually import eventually
from tests.services.desk import TENANT, Platform
from tests.services.egress.test_egress import THREAD, MakePost, Post, post

__all__ = ["post"]

ADMIN = Principal("user/us_admin", TENANT, frozenset())


class Person:
    """An admin who goes on in the agent's place."""

    def __init__(self, here: Post, takeover: Takeover) -> None:
        self.here = here
        self.takeover = takeover

    async def conversation(self) -> None:
        """Let Ann have asked something, and her turn be running."""
        await self.here.rows(
            "insert into conversation (id, tenant_id, contact_id, agent_id, line_id, channel)"
            " values ('cv_ann', %s, 'ct_ann', 'ag_test', 'ln_test', 'whatsapp') returning 1",
            TENANT,
        )
        await self.here.rows(
            "insert into message (id, tenant_id, line_id, thread, conversation_id, account_sid, provider_sid, seq, outcome, received_at)"
            " values ('msg_ann', %s, 'ln_test', %s, 'cv_ann', 'AC', 'SM', 2, 'asked', now()) returning 1",
            TENANT,
            THREAD,
        )
        await self.here.rows(
            "update thread set last_seq = 2, asked_seq = 2, done_seq = 1, owner = 7, fence = 4, last_inbound_at = now()"
            " where key = %s returning 1",
            THREAD,
        )

    async def take(self) -> int:
        return (await self.takeover.take(ADMIN, "cv_ann")).on_its_way

    async def write(self, text: str, reply: str | None = None) -> None:
        await self.takeover.write(ADMIN, "cv_ann", reply or new_id("rp"), text)


@pytest.fixture
def takeover(console_store: Store, platform: Platform, bus: Bus) -> Takeover:
    return Takeover(console_store, platform.vault, bus)


async def test_no_part_of_the_bots_leaves_after_the_fence(post: MakePost, takeover: Takeover) -> None:
    """
    Neither the rest of a reply whose first part has left, nor a further reply; the person's parts follow, in their order.
    """
    here = await post()
    person = Person(here, takeover)
    await person.conversation()
    await here.reply("bot one|bot two|bot three")
    await here.reply("bot again")
    await here.sent(1)
    await here.until("accepted", "queued", "queued")
    assert await person.take() == 0
    await here.report("sent", here.channel.sent[0])
    await person.write("human one|human two")
    await here.sent(2)
    await here.report("sent", here.channel.sent[1])
    assert await here.sent(3) == ["bot one", "human one", "human two"]
    assert [row["state"] for row in await here.rows("select state from reply where kind = 'agent' order by id")] == [
        "cancelled",
        "cancelled",
    ]


async def test_a_part_in_doubt_is_not_sent_again_after_the_fence(post: MakePost, takeover: Takeover) -> None:
    """
    It did not reach Twilio: before, it would have been repeated.
    """
    here = await post(("dropped",), reconcile=(0.1, 0.1))
    person = Person(here, takeover)
    await person.conversation()
    here.channel.listing_works = False
    await here.reply("bot one|bot two")

    async def in_doubt() -> bool:
        return await here.states() == ["unknown", "queued"]

    await eventually(in_doubt)
    await person.take()
    here.channel.listing_works = True
    await person.write("human")
    assert await here.sent(1) == ["human"]
    assert here.channel.tried == ["bot one", "human"]


async def test_the_running_turn_is_fenced_and_what_was_asked_is_the_persons(post: MakePost, takeover: Takeover) -> None:
    """
    A turn commits under the fence that it began with, and that has moved on.
    """
    here = await post()
    await Person(here, takeover).conversation()
    await Person(here, takeover).take()
    [thread] = await here.rows("select owner, fence, done_seq, asked_seq from thread")
    assert thread == {"owner": None, "fence": 5, "done_seq": 2, "asked_seq": 2}
    [message] = await here.rows("select outcome from message")
    assert message["outcome"] == "handed_off"
    [conversation] = await here.rows("select handed_off_at is not null as taken from conversation")
    assert conversation["taken"]


async def test_taking_over_twice_drops_nothing_of_the_persons(post: MakePost, takeover: Takeover) -> None:
    """
    Two admins press at the same time.
    """
    here = await post()
    person = Person(here, takeover)
    await person.conversation()
    await person.take()
    await person.write("human one|human two")
    await here.sent(1)
    await person.take()
    await here.report("sent", here.channel.sent[0])
    assert await here.sent(2) == ["human one", "human two"]


async def test_a_form_that_is_sent_twice_is_one_reply(post: MakePost, takeover: Takeover) -> None:
    """
    Its id was made with the form.
    """
    here = await post()
    person = Person(here, takeover)
    await person.conversation()
    await person.take()
    reply = new_id("rp")
    await person.write("human", reply)
    await person.write("human", reply)
    await person.write("last")
    await here.sent(1)
    await here.report("sent", here.channel.sent[0])
    assert await here.sent(2) == ["human", "last"]


async def test_what_is_written_after_24_hours_waits_for_the_person(post: MakePost, takeover: Takeover) -> None:
    """
    As any other reply: Twilio would refuse it.
    """
    here = await post()
    person = Person(here, takeover)
    await person.conversation()
    await person.take()
    await here.rows("update thread set last_inbound_at = now() - interval '25 hours' returning 1")
    assert not await takeover.is_window_open(TENANT, "cv_ann")
    await person.write("human")
    await here.until("parked")
    assert here.channel.sent == []
