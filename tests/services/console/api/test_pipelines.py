"""`/v1/pipelines`: drafts, versions, activation and the way back."""

from typing import Any

import pytest
import yaml

from shared.store.session import Store
from tests.services.console.api.conftest import ONE, OTHER, Asker, MakeAsker

FIRST = "steps: [{step: model, addition: First.}]\n"
SECOND = "steps: [{step: model, addition: Second.}]\n"
PATH = "pipelines"


class Hand:
    """Works on one pipeline, always as it is now."""

    def __init__(self, admin: Asker, pipeline: str) -> None:
        self.admin = admin
        self.path = f"{PATH}/{pipeline}"

    async def ask(self, method: str, below: str = "", body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask with the present ETag."""
        etag = (await self.admin.ask("GET", self.path)).headers["etag"]
        answer = await self.admin.ask(method, self.path + below, json=body or {}, headers={"If-Match": etag})
        found: dict[str, Any] = answer.json()
        return found

    async def draft(self, document: str) -> dict[str, Any]:
        return await self.ask("PATCH", body={"draft": document})

    async def activate(self, number: int | None = None) -> dict[str, Any]:
        return await self.ask("POST", "/activations", {"number": number})

    async def roll_back(self) -> dict[str, Any]:
        return await self.ask("POST", "/rollbacks")


@pytest.fixture
async def hand(admin: Asker) -> Hand:
    made = await admin.ask("POST", PATH, json={"name": "Support", "draft": FIRST})
    assert made.status_code == 201
    return Hand(admin, made.json()["id"])


async def test_a_draft_runs_once_it_is_activated_as_a_version(hand: Hand) -> None:
    """
    Until then nothing is active; the version says the same for ever, whatever becomes of the draft.
    """
    before = await hand.ask("PATCH", body={"name": "Help"})
    assert (before["active_version"], before["newest_version"]) == (None, None)
    assert (await hand.activate())["active_version"] == 1
    await hand.draft(SECOND)
    kept = await hand.ask("GET", "/versions/1")
    assert kept["document"] == FIRST
    assert (await hand.ask("GET"))["active_version"] == 1


async def test_an_unchanged_draft_is_no_new_version(hand: Hand) -> None:
    """
    It is the newest one already.
    """
    await hand.activate()
    again = await hand.activate()
    assert (again["active_version"], again["newest_version"], again["past"]) == (1, 1, [])


async def test_rolling_back_goes_through_what_was_active_before(hand: Hand) -> None:
    """
    One step at a time, until there is nothing before.
    """
    await hand.activate()
    await hand.draft(SECOND)
    assert (await hand.activate())["active_version"] == 2
    assert (await hand.activate(1))["active_version"] == 1
    assert [(await hand.roll_back())["active_version"] for _ in range(2)] == [2, 1]
    assert (await hand.roll_back())["code"] == "nothing_before"


async def test_versions_are_listed_the_newest_first(hand: Hand) -> None:
    """
    With who made them, page by page.
    """
    await hand.activate()
    await hand.draft(SECOND)
    await hand.activate()
    page = await hand.admin.ask("GET", f"{hand.path}/versions?limit=1")
    assert [it["number"] for it in page.json()["items"]] == [2]
    following = await hand.admin.ask("GET", f"{hand.path}/versions?limit=1&cursor={page.json()['next_cursor']}")
    [first] = following.json()["items"]
    assert (first["number"], first["document"], following.json()["next_cursor"]) == (1, FIRST, None)
    assert first["author"].startswith("key/ak_")


async def test_nobody_can_change_a_version(hand: Hand, console_store: Store) -> None:
    """
    Not even the console, by its grants.
    """
    await hand.activate()
    with pytest.raises(Exception, match="permission denied"):
        async with console_store.connection() as connection:
            await connection.execute("update pipeline_version set document = ''")


async def test_a_document_with_mistakes_is_refused_with_their_places(admin: Asker, hand: Hand) -> None:
    """
    As a draft, and by the check that changes nothing.
    """
    wrong = "steps:\n  - step: model\n    wings: 2\n"
    refused = await hand.draft(wrong)
    assert (refused["status"], refused["code"]) == (422, "pipeline_unfit")
    assert refused["detail"] == "line 3, column 5: steps[0].wings is not known here"
    checked = await admin.ask("POST", "pipeline-checks", json={"document": wrong})
    assert checked.json()["faults"] == [
        {"line": 3, "column": 5, "field": "steps[0].wings", "problem": "is not known here"}
    ]
    assert (await admin.ask("POST", "pipeline-checks", json={"document": FIRST})).json() == {"faults": []}


async def test_somebody_elses_change_is_not_overwritten(admin: Asker, hand: Hand) -> None:
    """
    Activation and roll-back speak of a version of the pipeline, as a change does.
    """
    await hand.activate()
    await hand.draft(SECOND)
    await hand.activate()
    for below, body in (("/activations", {"number": None}), ("/rollbacks", {})):
        stale = await admin.ask("POST", hand.path + below, json=body, headers={"If-Match": '"1"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
        missing = await admin.ask("POST", hand.path + below, json=body)
        assert missing.status_code == 428


async def test_activation_leaves_a_line_in_the_audit_log(admin: Asker, hand: Hand) -> None:
    """
    Which version was active before and after; documents are not copied there.
    """
    await hand.activate()
    lines = (await admin.ask("GET", "audit")).json()["items"]
    changed = next(line for line in lines if line["action"] == "pipeline.changed")
    assert changed["after"]["active_version"] == 1
    assert all("draft" not in (line["after"] or {}) for line in lines)


async def test_an_agent_selects_a_pipeline_of_its_own_company_alone(
    admin: Asker, hand: Hand, asker: MakeAsker, store: Store
) -> None:
    """
    And what agents run, or what has versions, cannot be deleted.
    """
    other = await asker(OTHER)
    agent = {"name": "A", "instructions": "Help.", "pipeline": hand.path.removeprefix(f"{PATH}/")}
    assert (await other.ask("POST", "agents", json=agent)).json()["code"] == "reference_unknown"
    assert (await other.ask("GET", hand.path)).status_code == 404
    made = await admin.ask("POST", "agents", json=agent)
    assert made.status_code == 201
    assert (await hand.ask("GET"))["agents"] == [made.json()["id"]]
    assert (await hand.ask("DELETE"))["code"] == "in_use"


async def test_the_format_is_told_with_the_shipped_pipelines(admin: Asker) -> None:
    """
    Their documents can be taken as a beginning.
    """
    told = (await admin.ask("GET", "pipeline-format")).json()
    assert told["default"] == "whatsapp-default"
    assert yaml.safe_load(told["shipped"]["whatsapp-default"])["steps"]
    assert told["schema"]["title"] == "Pipeline"


async def test_two_pipelines_of_a_company_have_two_names(admin: Asker, hand: Hand, asker: MakeAsker) -> None:
    """
    Another company may use the name.
    """
    taken = await admin.ask("POST", PATH, json={"name": "Support", "draft": FIRST})
    assert taken.json()["code"] == "taken"
    other = await asker(OTHER)
    assert (await other.ask("POST", PATH, json={"name": "Support", "draft": FIRST})).status_code == 201


async def test_a_conversation_is_given_back_once(past: object, admin: Asker, store: Store) -> None:
    """
    With a line in the audit log where a person had it, and none where nobody did.
    """
    async with store.connection() as connection:
        await connection.execute("update conversation set handed_off_at = now() where tenant_id = %s", (ONE,))
    assert (await admin.ask("GET", "conversations/cv_one")).json()["handed_off_at"] is not None
    for _ in range(2):
        back = await admin.ask("DELETE", "conversations/cv_one/handoff")
        assert (back.status_code, back.json()["handed_off_at"]) == (200, None)
    lines = (await admin.ask("GET", "audit")).json()["items"]
    assert [line["object"] for line in lines if line["action"] == "conversation.given_back"] == ["cv_one"]
