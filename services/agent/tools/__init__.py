"""Tools that a model may call. Adding one: a file here, and its place in `TOOLS`."""

from services.agent.tools.contact_form import CONTACT_FORM
from services.agent.tools.semantic_search import SEMANTIC_SEARCH
from services.agent.tools.tool import Equipment, Passages, Result, Tool, ToolContext, ToolFailed

TOOLS: tuple[Tool, ...] = (SEMANTIC_SEARCH, CONTACT_FORM)

__all__ = ["TOOLS", "Equipment", "Passages", "Result", "Tool", "ToolContext", "ToolFailed"]
