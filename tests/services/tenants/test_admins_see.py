"""What a company's admins see through the API of what its people really said, on lines of its own and of the platform's."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from services.console.access import SCOPES, digest, new_key
from services.console.api import Api, application
from shared.addresses import Pepper
from shared.ids import TenantId, new_id
from shared.store.session import Store
from shared.vault import Vault
from tests.eventually import eventually
from tests.services.desk import SECOND, TENANT
from tests.services.tenants.conftest import Gateway

See = Callable[..., Awaitable[Any]]


@pytest.fixture
async def see(gateway: Gateway, console_store: Store, vault: Vault, pepper: Pepper) -> AsyncIterator[See]:
    """Ask the console with a key of a tenant's."""
    app = application()
    bare = replace(Api.of_nobody(), store=console_store, vault=vault, pepper=pepper, bus=gateway.bus, console_key="k")
    bare.install(app)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://console.invalid") as client:

        async def ask(tenant: TenantId, path: str, method: str = "GET", **more: Any) -> Any:
            key = new_key()
            await gateway.platform.rows(
                "insert into api_key (id, tenant_id, name, digest, scopes) values (%s, %s, 'k', %s, %s) returning 1",
                new_id("ak"), tenant, digest(key), sorted(SCOPES),
            )  # fmt: skip
            headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
            answer = await client.request(method, f"/v1/{path}", headers=headers, **more)
            assert answer.is_success, answer.text
            return answer.json()

        yield ask


async def test_a_message_is_followed_from_the_webhook_to_its_delivery(gateway: Gateway, see: See) -> None:
    """
    Each step as the services wrote it down.
    """
    await gateway.platform.plant()
    await gateway.platform.rows("update tenant set history = true returning 1")
    await gateway.person().writes("hello")
    await gateway.told(1)
    await gateway.reported(TENANT, gateway.channel.sent[0], "delivered")
    await gateway.states("delivered")
    answer, message = (await see(TENANT, "messages"))["items"]
    assert (message["text"], message["status"], answer["text"], answer["status"]) == (
        "hello", "asked", "You said: hello", "delivered",
    )  # fmt: skip
    steps = (await see(TENANT, f"messages/{message['id']}"))["timeline"]
    assert [step["step"] for step in steps] == ["received", "routed", "turn", "attempt", "report"]
    assert (steps[2]["model"], steps[2]["input_tokens"], steps[3]["outcome"]) == ("fake", 3, "accepted")
    [conversation] = (await see(TENANT, "conversations"))["items"]
    said = (await see(TENANT, f"conversations/{conversation['id']}/messages"))["items"]
    assert [(it["direction"], it["text"]) for it in said] == [("outbound", "You said: hello"), ("inbound", "hello")]
    [lead] = (await see(TENANT, "leads"))["items"]
    assert (lead["contact"]["id"], lead["messages"]) == (conversation["contact"]["id"], 1)


@pytest.fixture
async def guest(gateway: Gateway) -> Gateway:
    """The first tenant is the platform, whose line is shared; Ann is a user of the second, which has no line of its own."""
    gateway.platform.access = "paired"
    await gateway.platform.plant()
    await gateway.platform.rows("update line set kind = 'shared' returning 1")
    for statement in (
        "insert into tenant (id, name, history) values ('tn_second', 'Second', true) returning 1",
        "insert into agent (id, tenant_id, name, instructions) values ('ag_second', 'tn_second', 'A', 'Help.') returning 1",
        "insert into app_user (id, tenant_id, email, role) values ('us_second', 'tn_second', 's@example.org', 'USER') returning 1",
    ):
        await gateway.platform.rows(statement)
    await gateway.platform.code("SECNDCDE", user="us_second", tenant=SECOND)
    ann = gateway.person()
    for n, text in enumerate(("hello", "/pair SECNDCDE", "what now?"), start=1):
        await ann.writes(text)
        await gateway.told(n)
    await gateway.reported(TENANT, gateway.channel.sent[-1], "delivered")
    await gateway.states("accepted", "accepted", "delivered")
    return gateway


async def test_on_the_platforms_line_a_company_sees_what_was_its_own(guest: Gateway, see: See) -> None:
    """
    From the code on; and what was said before is the platform's, whose admins see no more than that.
    """
    theirs = (await see(SECOND, "messages"))["items"]
    assert [it["text"] for it in theirs][::2] == [
        "You said: what now?",
        "Paired. This number now writes as s@example.org.",
    ]
    assert (theirs[1]["text"], theirs[1]["channel"]) == ("what now?", "whatsapp")
    steps = (await see(SECOND, f"messages/{theirs[1]['id']}"))["timeline"]
    assert [step["step"] for step in steps] == ["received", "routed", "turn", "attempt", "report"]
    platforms = (await see(TENANT, "messages"))["items"]
    assert [it["status"] for it in platforms] == ["accepted", "not_recognized"]


async def test_on_the_platforms_line_a_company_finds_its_person_by_their_number(guest: Gateway, see: See) -> None:
    """
    Although it does not see the thread.
    """
    found = (await see(SECOND, "messages", headers={"Contact-Address": guest.person().number}))["items"]
    assert len(found) == 4
    assert (await see(SECOND, "messages", headers={"Contact-Address": "+15559999"}))["items"] == []


async def test_on_the_platforms_line_a_company_ends_its_users_pairing(guest: Gateway, see: See) -> None:
    """
    The next message is a stranger's; on that line nobody is told goodbye for it.
    """
    [binding] = (await see(SECOND, "bindings"))["items"]
    assert (binding["user"], binding["number"], binding["messages"]) == ("us_second", "+1 ••• 0001", 1)
    ended = await see(SECOND, f"bindings/{binding['id']}", "DELETE", json={"reason": "left", "goodbye": True})
    assert ended == {"goodbye": False}
    await guest.person().writes("anybody there?")

    async def fourth() -> str | None:
        rows = await guest.platform.rows("select outcome from message order by seq offset 3")
        return rows[0]["outcome"] if rows else None

    assert await eventually(fourth) == "not_recognized"
