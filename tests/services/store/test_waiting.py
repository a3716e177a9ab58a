"""How long work waits, as the scalers and the alerts read it."""

import pytest

from shared.metrics import EXPIRED_LEASE, OLDEST_WAITING
from shared.store.session import Store
from shared.store.waiting import SENDS, TURNS, Stage, waiting
from tests.services.desk import TENANT, Platform

_THREAD = """
insert into thread (key, tenant_id, line_id, contact_id, asked_seq, {since}, {owner}, {until}, {left})
values (%s, %s, 'ln_test', 'ct_ann', 1, now() - %s * interval '1 s', %s, now() + %s * interval '1 s',
        now() + interval '1 hour') returning 1
"""


@pytest.mark.parametrize(("stage", "left"), [(TURNS, "send_at"), (SENDS, "run_at")], ids=["agent", "egress"])
async def test_work_waits_while_nobody_is_at_it(
    platform: Platform, agent_store: Store, egress_store: Store, stage: Stage, left: str
) -> None:
    """
    What somebody is at does not wait, however old it is; what is not due yet does not; a lease that is over counts from its end.
    """
    await platform.plant()
    await platform.rows(
        "insert into contact (id, tenant_id, channel) values ('ct_ann', %s, 'whatsapp') returning 1", TENANT
    )
    statement = _THREAD.format(since=stage.since, owner=stage.owner, until=stage.until, left=left)
    measure = waiting(agent_store if stage is TURNS else egress_store, stage)

    async def measured() -> tuple[int, int]:
        await measure()
        gauges = (OLDEST_WAITING.labels(stage.name), EXPIRED_LEASE.labels(stage.name))
        waits, expired = (round(gauge._value.get(), -1) for gauge in gauges)
        return int(waits), int(expired)

    await platform.rows(statement, "later", TENANT, -60, None, 0)
    await platform.rows(statement, "held", TENANT, 900, 4711, 60)
    assert await measured() == (0, 0)
    await platform.rows(statement, "free", TENANT, 100, None, 0)
    assert await measured() == (100, 0)
    await platform.rows(statement, "stuck", TENANT, 300, 4711, -50)
    assert await measured() == (300, 50)
