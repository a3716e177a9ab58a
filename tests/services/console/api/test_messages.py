"""Messages of both directions, and what happened to each."""

from datetime import timedelta
from typing import Any

import pytest

from services.console.scan import REACH
from shared.store.session import Store
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker
from tests.services.console.api.past import NOON, NUMBER, Past, sid


async def listed(asker: Asker, path: str = "messages", **more: Any) -> list[dict[str, Any]]:
    """Return everything of a list, page by page."""
    answer = await asker.ask("GET", path, **more)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    if page["next_cursor"] is None:
        return list(page["items"])
    joint = "&" if "?" in path else "?"
    rest = path.split(f"{joint}cursor=", maxsplit=1)[0]
    return [*page["items"], *await listed(asker, f"{rest}{joint}cursor={page['next_cursor']}", **more)]


async def parts(store: Store) -> list[str]:
    async with store.connection() as connection:
        rows = await (
            await connection.execute("select id from part where tenant_id = %s order by id", (ONE,))
        ).fetchall()
    return [f"pt_{row['id']}" for row in rows]


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
async def test_both_directions_are_one_list(
    past: Past, others_past: Past, admin: Asker, store: Store, limit: int
) -> None:
    """
    The newest first, each once, whatever the size of a page; another company's are not among them.
    """
    first, second = await parts(store)
    found = await listed(admin, f"messages?limit={limit}")
    assert [it["id"] for it in found] == [second, first, "msg_one2", "msg_one1"]
    assert [it["direction"] for it in found] == ["outbound", "outbound", "inbound", "inbound"]


async def test_a_message_of_the_time_of_a_part_is_not_passed_over(past: Past, admin: Asker, store: Store) -> None:
    """
    Nor shown twice, where a page ends between them.
    """
    for n in range(4, 7):
        await past.message(f"msg_one{n}", "x", n, received_at=NOON + timedelta(seconds=3))
    found = [it["id"] for it in await listed(admin, "messages?limit=1")]
    assert found == [*reversed(await parts(store)), "msg_one6", "msg_one5", "msg_one4", "msg_one2", "msg_one1"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("direction=inbound", 2), ("direction=outbound", 2), ("status=asked", 1), ("status=delivered", 1),
        ("status=command/help", 1), ("channel=whatsapp", 4), ("channel=web", 0),
        (f"provider_sid={sid('msg_one1')}", 1), (f"provider_sid={sid('outone')}", 1), ("provider_sid=SMnobody", 0),
        (f"created_at[gte]={(NOON + timedelta(seconds=2)).isoformat().replace('+', '%2B')}", 3),
        (f"created_at[lt]={(NOON + timedelta(seconds=2)).isoformat().replace('+', '%2B')}", 1),
    ],
)  # fmt: skip
async def test_a_list_is_cut_by_what_is_asked_for(past: Past, admin: Asker, query: str, count: int) -> None:
    """
    By direction, by what became of a message, by channel, by Twilio's id, by time.
    """
    assert len(await listed(admin, f"messages?{query}")) == count


async def test_a_person_is_looked_for_by_their_whole_number_in_a_header(
    past: Past, others_past: Past, admin: Asker
) -> None:
    """
    It never stands in a URL; what is no number is refused without being repeated.
    """
    await past.person("ct_two", "+393330000002", "Bob")
    await past.thread("thtwo", "ct_two")
    await past.message("msg_two", "x", 1, thread="thtwo")
    for number, count in ((NUMBER, 4), ("+39 333 0000002", 1), ("+393339999999", 0)):
        assert len(await listed(admin, headers={"Contact-Address": number})) == count
    refused = await admin.ask("GET", "messages", headers={"Contact-Address": "+39x"})
    assert (refused.status_code, refused.json()["code"]) == (400, "address_invalid")
    assert "39x" not in refused.text


async def test_what_is_rare_is_found_however_far_back(past: Past, admin: Asker, store: Store) -> None:
    """
    A page looks at so many messages and no more; the next one goes on behind them.
    """
    async with store.connection() as connection:
        await connection.execute(
            """
            insert into message (id, tenant_id, line_id, thread, account_sid, provider_sid, seq, outcome, sealed_text, received_at)
            select 'msg_many' || n, tenant_id, line_id, thread, account_sid, 'SMmany' || n, n, 'duplicate', sealed_text,
                   received_at + n * interval '1 ms'
            from message, generate_series(10, %s) n where id = 'msg_one2'
            """,
            (REACH + 20,),
        )
    page = (await admin.ask("GET", "messages?status=asked&direction=inbound")).json()
    assert (page["items"], page["next_cursor"] is None) == ([], False)
    assert [it["id"] for it in await listed(admin, "messages?status=asked")] == ["msg_one1"]


async def test_texts_are_shown_where_the_company_keeps_a_history(past: Past, admin: Asker) -> None:
    """
    Else there is the reason in place of the text.
    """
    hidden = await listed(admin)
    assert {(it["text"], it["text_withheld"]) for it in hidden} == {(None, "history_off")}
    await past.settings(history=True)
    shown = await listed(admin)
    assert [it["text"] for it in shown] == ["Bye", "Hi *Ada*", "/help", "hello"]
    assert {it["text_withheld"] for it in shown} == {None}


async def test_a_person_is_a_handle_unless_the_company_keeps_numbers(past: Past, admin: Asker) -> None:
    """
    Then the number is masked; the handle is the beginning of the key that they are known by.
    """
    [one, *_] = await listed(admin)
    key = past.pepper.address_key(past.tenant, "whatsapp", f"whatsapp:{NUMBER}")
    assert one["contact"] == {"id": "ct_one", "handle": key[:8], "number": None, "name": "Ada"}
    await past.settings(privacy="encrypted")
    [one, *_] = await listed(admin)
    assert one["contact"]["number"] == "+39 333 ••• 0001"


async def test_a_timeline_tells_what_happened_to_a_message(past: Past, admin: Asker) -> None:
    """
    Webhook, routing, the agent's turn, each attempt to send and each callback, in the order of time.
    """
    found = (await admin.ask("GET", "messages/msg_one1")).json()
    told = [
        (step["step"], step.get("outcome") or step.get("status") or step.get("model")) for step in found["timeline"]
    ]
    assert told == [
        ("received", None), ("routed", "asked"), ("turn", "m"), ("attempt", "accepted"), ("attempt", "unknown"),
        ("report", "sent"), ("report", "delivered"),
    ]  # fmt: skip
    received, routed, turn, attempt = found["timeline"][:4]
    assert (received["ms"], routed["ms"]) == (12, 40)
    assert (turn["ms"], turn["tools"], turn["input_tokens"], turn["attempts"]) == (800, ["contact_form"], 30, 1)
    assert (attempt["ms"], attempt["http_status"], attempt["ordinal"]) == (120, 201, 1)
    assert found["trace_id"] == "a" * 32


async def test_an_attempt_tells_how_long_its_part_had_waited(past: Past, admin: Asker) -> None:
    """
    Since it was cut; a further one, since the one before it ended, or began where nobody knows its end.
    """
    cut = NOON + timedelta(seconds=5)
    reply = await past.reply("rp_late", "Late", 2)
    part = await past.part(reply, 1, "Late", "unknown", created_at=cut)
    for n, (since, until) in enumerate([(0.25, 0.75), (2, None), (5, None)]):
        ended = cut + timedelta(seconds=until) if until else None
        begun = cut + timedelta(seconds=since)
        await past.insert("attempt", id=f"at_late{n}", part_id=part, started_at=begun, ended_at=ended)
    found = (await admin.ask("GET", f"messages/pt_{part}")).json()
    assert [step["waited_ms"] for step in found["timeline"] if step["step"] == "attempt"] == [250, 1250, 3000]


async def test_a_parts_timeline_is_its_own(past: Past, admin: Asker, store: Store) -> None:
    """
    It begins with the message that was answered, and leaves the other parts out.
    """
    first, second = await parts(store)
    found = (await admin.ask("GET", f"messages/{second}")).json()
    assert [step["step"] for step in found["timeline"]] == ["received", "routed", "turn", "attempt"]
    assert {step["part"] for step in found["timeline"] if "part" in step} == {second}
    assert (await admin.ask("GET", f"messages/{first}")).json()["latency_ms"] == 3000


async def test_what_has_not_happened_is_not_in_a_timeline(past: Past, admin: Asker) -> None:
    """
    A command asks no agent; its answer is not cut yet.
    """
    await past.reply("rp_help", "Write /pair CODE.", 2, state="open")
    found = (await admin.ask("GET", "messages/msg_one2")).json()
    assert [step["step"] for step in found["timeline"]] == ["received", "routed"]


async def test_another_companys_messages_are_not_there(past: Past, others_past: Past, asker: MakeAsker) -> None:
    """
    Neither by id, nor by Twilio's id, nor by naming the company.
    """
    admin = await asker(ONE)
    assert (await admin.ask("GET", "messages/msg_other1")).status_code == 404
    assert await listed(admin, f"messages?provider_sid={sid('msg_other1')}") == []
    assert (await admin.ask("GET", f"messages?tenant={OTHER}")).status_code == 404


async def test_the_platform_names_the_company_or_an_id_of_twilios(past: Past, platform: Asker) -> None:
    """
    Lists of millions are read by an index of one company's.
    """
    unsaid = await platform.ask("GET", "messages")
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "tenant_missing")
    assert (await platform.ask("GET", "messages?tenant=tn_nobody")).status_code == 404
    assert len(await listed(platform, f"messages?tenant={ONE}")) == 4
    assert [it["id"] for it in await listed(platform, f"messages?provider_sid={sid('msg_one1')}")] == ["msg_one1"]
    assert (await platform.ask("GET", "messages/msg_one1")).status_code == 200
