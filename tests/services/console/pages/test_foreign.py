"""A company's admin who tries another company's ids on every page and form there is."""

from shared.store.session import Store
from tests.fakes.account import FakeAccount
from tests.services.console.api.examples import plant_everything
from tests.services.console.api.past import Past, sid
from tests.services.console.pages.conftest import ONE, OTHER, SignedIn
from tests.services.console.pages.test_doors import pages

IDS = {
    "account": "cr_one",
    "agent": "ag_one",
    "binding": "bd_one",
    "chat": f"ch_{'0' * 32}",
    "contact": "ct_one",
    "conversation": "cv_one",
    "document": "kd_one",
    "key": "ak_one",
    "letter": "dl_one1",
    "line": "ln_one",
    "message": "msg_one1",
    "number": "1",
    "pipeline": "pl_one",
    "secret": "ss_spareone",
    "sid": sid("msg_one1"),
    "tenant": ONE,
    "trace": "a" * 32,
    "user": "us_one",
}
"""What each place in an address is called, and the first company's own for it. A new place needs a row here."""

FORM = {
    "version": "1", "name": "X", "reason": "because", "text": "x", "role": "USER", "email": "new@example.org", "query": "x",
    "reply": "rp_" + "0" * 32, "sender": "+14155230009", "secret": "s", "typed": "x", "draft": "steps:\n  - step: model\n", "number": "1",
}  # fmt: skip
"""Enough for any form to come as far as to what it is about."""


async def test_every_page_of_another_company_is_not_there_and_each_try_is_audited(
    signed_in: SignedIn, past: Past, twilio: FakeAccount, store: Store
) -> None:
    """
    Read or sent to, with a form that is right but for whose it is; nothing of the other company's is in any answer.
    """
    await plant_everything(past, twilio)
    before = await _everything(store)
    visitor = await signed_in(tenant=OTHER)
    await visitor.get("/messages")
    tried = []
    for page in pages(visitor.client):
        if page.stages is None or "{" not in page.path:
            continue
        path = page.path.format_map(IDS)
        for method in sorted(page.methods or ()):
            answer = await (visitor.get(path) if method == "GET" else visitor.post(path, **FORM))
            assert answer.status_code == 404, (method, page.path, answer.status_code)
            tried.append((method, page.path))
    assert len(tried) > 40
    assert await _told(store) == tried
    assert await _everything(store) == before


async def test_naming_another_company_in_an_address_or_a_form_shows_and_changes_nothing(
    signed_in: SignedIn, past: Past, twilio: FakeAccount, store: Store
) -> None:
    """
    Not there, or nothing of theirs.
    """
    await plant_everything(past, twilio)
    before = await _everything(store)
    visitor = await signed_in(tenant=OTHER)
    await visitor.get("/messages")
    for page in pages(visitor.client):
        if page.scope is not None and "{" not in page.path:
            for method in sorted(page.methods or ()):
                path = f"{page.path}?tenant={ONE}"
                answer = await (visitor.get(path) if method == "GET" else visitor.post(path, tenant=ONE, **FORM))
                shown = answer.text.replace(f"tenant={ONE}", "")
                assert answer.status_code == 404 or "_one" not in shown, (method, page.path)
    assert await _everything(store) == before


async def _told(store: Store) -> list[tuple[str, str]]:
    async with store.connection() as connection:
        cursor = await connection.execute(
            "select after from audit where action = 'access.refused' and tenant_id = %s order by id", (OTHER,)
        )
        return [(row["after"]["method"], row["after"]["path"]) for row in await cursor.fetchall()]


async def _everything(store: Store) -> object:
    """Return what the first company's rows are like."""
    counts = []
    async with store.connection() as connection:
        for table in ("agent", "line", "app_user", "api_key", "binding", "conversation", "dead_letter", "pipeline",
                      "knowledge_document", "signing_secret", "contact", "reply"):  # fmt: skip
            cursor = await connection.execute(f"select * from {table} where tenant_id = %s order by 1".encode(), (ONE,))
            counts.append(await cursor.fetchall())
    return counts
