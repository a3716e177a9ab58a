"""What was read in what people sent is kept as long as their texts, and goes with them."""

import pytest

from services.agent.media.attachments import Attachments
from services.console.erasure import Erasures, Wanted
from services.console.exports import Exports
from services.console.privacy import Privacy
from services.console.retention import Retention
from tests.fakes.media import FakeMedia
from tests.services.desk import Person
from tests.services.privacy.conftest import ADMIN, Town
from tests.services.privacy.test_erasure import contact_of

SECRET = "Grandmother's recipe"
KEPT = "sealed_media is not null or sealed_contents is not null"


@pytest.fixture
async def ann(town: Town) -> Person:
    """Somebody who sent a file."""
    media = FakeMedia({f"ME{0:032x}": SECRET.encode()})
    town.gateway.agent.attachments = Attachments(town.gateway.agent.turns, {"twilio/whatsapp": media})
    await town.rows("update line set media = true returning 1")
    person = town.person()
    await town.says(person, "See this", files=["text/plain"])
    return person


async def test_an_export_has_what_was_read(town: Town, exports: Exports, ann: Person) -> None:
    """
    Opened, beside what was written.
    """
    told = await exports.make(ADMIN, await contact_of(town, ann))
    [message] = told.tables["messages"]
    assert (message["text"], message["media"]) == ("See this", [{"kind": "file", "text": SECRET}])


async def test_an_erasure_takes_it(town: Town, erasures: Erasures, ann: Person) -> None:
    """
    And where it could be fetched.
    """
    await erasures.erase(ADMIN, await contact_of(town, ann), Wanted("asked for it", provider_copies=False))
    assert await town.count("message", KEPT) == 0


async def test_retention_takes_it(town: Town, retention: Retention, ann: Person) -> None:
    """
    With the text.
    """
    await town.pass_days(91)
    await retention.run()
    assert await town.count("message", KEPT) == 0


async def test_what_no_turn_remembers_any_more_goes(town: Town, privacy: Privacy, ann: Person) -> None:
    """
    Where history is off: the last five messages are remembered, of both sides.
    """
    await privacy.run()
    assert await town.count("message", KEPT) == 1
    for text in ("one", "two", "three"):
        await town.says(ann, text)
    await privacy.run()
    assert await town.count("message", KEPT) == 0
