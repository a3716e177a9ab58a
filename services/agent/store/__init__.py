"""Where the agent finds and leaves its work: the SQL behind turns."""

from services.agent.store.claiming import Claiming
from services.agent.store.ending import Ending
from services.agent.store.forms import Submitting
from services.agent.store.reading import Reading
from services.agent.store.tool_ledger import ToolLedger
from services.agent.store.work import Attached, Claim, Committed, Opened, Work

__all__ = ["Attached", "Claim", "Committed", "Opened", "ToolLedger", "Turns", "Work"]


class Turns(Claiming, Reading, Ending, Submitting):
    """All that is done with turns."""
