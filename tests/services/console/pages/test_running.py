"""Audit and System in the console."""

import pytest

from dev.embedded import NatsServer
from services.console.pages.system import newest_migration
from shared.bus import Bus
from shared.events import ReplyReady
from shared.ids import ReplyId, TenantId, ThreadKey
from shared.store.session import Store
from shared.topology import OUT, out_subject
from tests.services.console.api.past import Past
from tests.services.console.pages.conftest import ONE, OTHER, SignedIn


@pytest.fixture
async def logged(past: Past) -> Past:
    await past.insert(
        "audit",
        id="au_1",
        actor="user/us_x",
        action="agent.changed",
        object="ag_one",
        before={"name": "A"},
        after={"name": "B"},
    )
    await past.insert("audit", id="au_2", actor="key/ak_y", action="lead.seen", object="ct_one")
    return past


async def test_the_log_tells_who_did_what_and_what_differs(signed_in: SignedIn, logged: Past) -> None:
    """
    Before and after.
    """
    page = (await (await signed_in()).get("/audit")).text
    assert "agent.changed" in page
    assert "&#34;name&#34;: &#34;A&#34;" in page
    assert "&#34;name&#34;: &#34;B&#34;" in page


@pytest.mark.parametrize("query", ["actor=user/us_x", "action=agent.changed", "object=ag_one"])
async def test_the_log_is_filtered_by_who_what_and_to_what(signed_in: SignedIn, logged: Past, query: str) -> None:
    """
    The rest is not shown.
    """
    page = (await (await signed_in()).get(f"/audit?{query}")).text
    assert "row-au_1" in page
    assert "row-au_2" not in page


async def test_another_companys_log_is_not_seen(signed_in: SignedIn, logged: Past) -> None:
    """
    But by the platform's admin.
    """
    visitor = await signed_in(tenant=OTHER)
    assert "row-au_1" not in (await visitor.get("/audit")).text
    assert (await visitor.get("/audit?tenant=tn_one")).status_code == 404


async def test_the_platforms_admin_sees_everybodys_log(signed_in: SignedIn, logged: Past) -> None:
    """
    Or one company's.
    """
    visitor = await signed_in("SYSTEM_ADMIN", OTHER)
    assert "row-au_1" in (await visitor.get("/audit")).text
    assert "row-au_1" not in (await visitor.get("/audit?tenant=tn_other")).text


async def test_system_tells_versions_queues_and_readiness(signed_in: SignedIn, past: Past) -> None:
    """
    One part's outcome is unknown; the database has every migration.
    """
    page = (await (await signed_in("SYSTEM_ADMIN")).get("/system")).text
    assert "Parts whose outcome is unknown</dt><dd>1</dd>" in page
    assert page.count(f"<code>{newest_migration()}</code>") == 2
    assert "waits for a migration" not in page


async def test_system_tells_how_full_streams_are_and_what_waits_for_whom(
    signed_in: SignedIn, past: Past, bus: Bus, nats: NatsServer
) -> None:
    """
    A stream's reader that is not there is told; and so is a NATS that does not answer, while the rest is shown.
    """
    ready = ReplyReady(tenant=TenantId(ONE), thread=ThreadKey("th"), reply_id=ReplyId(1))
    await bus.publish(OUT, out_subject(TenantId(ONE), ThreadKey("th")), ready, message_id="1")
    visitor = await signed_in("SYSTEM_ADMIN")
    page = (await visitor.get("/system")).text
    assert (
        '<th scope="row">OUT</th><td class="end">1</td><td class="end">0.0 %</td><td>egress</td><td colspan="2">'
        in page
    )
    assert "missing" in page
    nats.stop()
    page = (await visitor.get("/system")).text
    assert "NATS does not answer" in page
    assert "Newest migration" in page


async def test_a_database_that_waits_for_a_migration_is_told(signed_in: SignedIn, store: Store) -> None:
    """
    With the command that runs it.
    """
    visitor = await signed_in("SYSTEM_ADMIN")
    async with store.connection() as connection:
        await connection.execute("update alembic_version set version_num = '0001_expand'")
    assert "trunkline db upgrade" in (await visitor.get("/system")).text


async def test_system_is_the_platforms(signed_in: SignedIn) -> None:
    """
    404 for a company's admin, and no way leads there.
    """
    visitor = await signed_in()
    assert (await visitor.get("/system")).status_code == 404
    assert 'href="/system"' not in (await visitor.get("/messages")).text
