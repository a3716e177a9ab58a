"""What visitors left through the contact form, by the API."""

from datetime import timedelta

import pytest

from tests.services.console.api.conftest import OTHER, Asker, MakeAsker
from tests.services.console.api.past import NOON, Past
from tests.services.console.api.test_messages import listed

ADA = {"name": "Ada", "message": "Please call me.", "email": "ada@example.org"}


@pytest.fixture
async def left(past: Past) -> Past:
    """Two forms of one conversation: one was sent on, one could not be."""
    for n, state in enumerate(("sent", "failed"), start=1):
        fields, when = ADA | {"message": f"Message {n}."}, NOON + timedelta(hours=n)
        await past.form(f"form_{n}", fields, state=state, created_at=when)
    return past


async def test_a_form_is_shown_as_it_was_left(left: Past, admin: Asker) -> None:
    """
    With what became of it.
    """
    shown = (await admin.ask("GET", "contact-forms/form_2")).json()
    assert shown["form"] == ADA | {"message": "Message 2."}
    assert (shown["state"], shown["conversation"]) == ("failed", f"cv_{left.x}")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["form_2", "form_1"]), ("state=failed", ["form_2"]), ("conversation=cv_nobody", []),
        ("created_at[gte]={at}", ["form_2"]), ("created_at[lt]={at}", ["form_1"]), ("limit=1", ["form_2", "form_1"]),
    ],
)  # fmt: skip
async def test_a_list_is_cut_by_state_conversation_and_time(
    left: Past, admin: Asker, query: str, found: list[str]
) -> None:
    """
    The newest first.
    """
    at = (NOON + timedelta(hours=2)).isoformat().replace("+", "%2B")
    assert [it["id"] for it in await listed(admin, f"contact-forms?{query.format(at=at)}")] == found


async def test_a_form_whose_key_is_gone_says_nothing(left: Past, admin: Asker) -> None:
    """
    The rest is shown.
    """
    async with left.store.connection(left.tenant) as connection:
        await connection.execute("update form_submission set sealed_body = 'x' where id = 'form_1'")
    shown = (await admin.ask("GET", "contact-forms/form_1")).json()
    assert (shown["form"], shown["state"]) == (None, "sent")


async def test_another_companys_form_is_not_there(left: Past, others_past: Past, asker: MakeAsker) -> None:
    """
    Neither by its id nor in a list.
    """
    other = await asker(OTHER)
    assert (await other.ask("GET", "contact-forms/form_1")).status_code == 404
    assert await listed(other, "contact-forms") == []
