"""Where contact forms are sent, by the API: secrets go in and never come out."""

import json
from typing import Any

import pytest

from shared.store.session import Store
from tests.services.console.api.conftest import ONE, Asker, MakeAsker

WEBHOOK: dict[str, Any] = {"url": "https://example.org/forms", "secret_headers": {"Authorization": " Bearer s3cret "}}
EMAIL: dict[str, Any] = {
    "host": "Mail.example.org", "username": "me", "password": " p4ssword ", "sender": "a@example.org", "recipient": "b@example.org",
}  # fmt: skip


@pytest.fixture
async def admin(asker: MakeAsker) -> Asker:
    return await asker(ONE)


async def test_no_answer_and_no_row_holds_a_secret(admin: Asker, store: Store) -> None:
    """
    Only what there is; a place that is named stands for the whole of the old one.
    """
    made = await admin.ask("POST", "form-deliveries", json={"webhook": WEBHOOK})
    assert (made.status_code, made.json()["secrets"]) == (201, ["Authorization"])
    path = f"form-deliveries/{made.json()['id']}"
    changed = await admin.ask("PATCH", path, json={"email": EMAIL}, headers={"If-Match": made.headers["etag"]})
    assert (changed.json()["kind"], changed.json()["secrets"]) == ("email", ["password"])
    assert changed.json()["options"] == {
        "host": "mail.example.org", "port": 587, "security": "starttls", "username": "me", "sender": "a@example.org",
        "recipient": "b@example.org",
    }  # fmt: skip
    async with store.connection() as connection:
        rows = await (await connection.execute("select * from form_delivery")).fetchall()
        rows += await (await connection.execute("select * from audit")).fetchall()
    told = json.dumps([made.json(), changed.json()]) + str(rows)
    assert "s3cret" not in told
    assert "p4ssword" not in told


async def test_one_place_at_a_time(admin: Asker) -> None:
    """
    Another may be there, but off.
    """
    made = await admin.ask("POST", "form-deliveries", json={"webhook": WEBHOOK})
    again = await admin.ask("POST", "form-deliveries", json={"email": EMAIL})
    assert (again.status_code, again.json()["code"]) == (409, "taken")
    other = await admin.ask("POST", "form-deliveries", json={"email": EMAIL, "enabled": False})
    assert other.status_code == 201
    path = f"form-deliveries/{made.json()['id']}"
    off = await admin.ask("PATCH", path, json={"enabled": False}, headers={"If-Match": made.headers["etag"]})
    assert (off.json()["enabled"], off.json()["secrets"]) == (False, ["Authorization"])
    path = f"form-deliveries/{other.json()['id']}"
    on = await admin.ask("PATCH", path, json={"enabled": True}, headers={"If-Match": other.headers["etag"]})
    assert on.json()["enabled"] is True


@pytest.mark.parametrize(
    "body",
    [
        {"webhook": {"url": "http://example.org/"}},
        {"webhook": {"url": "https://localhost/"}},
        {"webhook": {"url": "https://10.0.0.1/"}},
        {"webhook": {"url": "https://example.org/", "secret_headers": {"Host": "internal"}}},
        {"webhook": {"url": "https://example.org/", "secret_headers": {"Idempotency-Key": "x"}}},
        {"email": EMAIL | {"host": "localhost"}},
        {"email": EMAIL | {"host": "postgres.internal"}},
        {"email": EMAIL | {"port": 25}},
        {"email": EMAIL | {"port": 6379}},
        {"email": EMAIL | {"port": 465}},
        {"email": EMAIL | {"sender": "nobody"}},
        {"email": EMAIL | {"recipient": "a@example.org,b@example.org"}},
    ],
)
async def test_a_place_that_could_do_harm_is_refused(admin: Asker, body: dict[str, Any]) -> None:
    """
    By the same rules as when it is used.
    """
    answer = await admin.ask("POST", "form-deliveries", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "definition_unfit")


@pytest.mark.parametrize(
    "body", [{}, {"webhook": WEBHOOK, "email": EMAIL}, {"email": EMAIL | {"recipient": "a\nBcc: b"}}]
)
async def test_a_request_names_one_place(admin: Asker, body: dict[str, Any]) -> None:
    """
    In signs that a mail or a URL can hold.
    """
    answer = await admin.ask("POST", "form-deliveries", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
