"""The events on the wire: yesterday's are read, and their form changes only on purpose."""

from pathlib import Path

import orjson
import pytest

from shared.events import (
    ConversationHandedOff,
    Event,
    InboundReceived,
    PartReported,
    ReplayRequested,
    ReplyReady,
    TrialEnded,
    TrialRequested,
    TurnRefused,
    TurnReplayed,
    TurnRequested,
    TurnRunning,
)

GOLDEN = Path(__file__).parent / "events"
EVENTS: tuple[type[Event], ...] = (
    InboundReceived,
    TurnRequested,
    ReplyReady,
    PartReported,
    TurnRunning,
    TurnRefused,
    ReplayRequested,
    TurnReplayed,
    ConversationHandedOff,
    TrialRequested,
    TrialEnded,
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_an_event_is_read_and_written_as_its_golden_file(event: type[Event]) -> None:
    """
    The golden file of each version decodes, and encodes to the same fields.
    """
    golden = (GOLDEN / f"{event.type}.json").read_bytes()
    assert orjson.loads(event.decode(golden).encode()) == orjson.loads(golden)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_fields_of_tomorrow_are_ignored(event: type[Event]) -> None:
    """
    A newer sender may add fields.
    """
    golden = orjson.loads((GOLDEN / f"{event.type}.json").read_bytes())
    assert event.decode(orjson.dumps({**golden, "added_later": 1})) == event.decode(orjson.dumps(golden))


def test_every_golden_file_has_its_event() -> None:
    """
    No version is dropped silently.
    """
    assert {path.stem for path in GOLDEN.glob("*.json")} == {event.type for event in EVENTS}
