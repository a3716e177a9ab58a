"""Tools that a model may call. Adding one: a file here, and its place in `TOOLS`."""

from services.agent.tools.contact_form import CONTACT_FORM
from services.agent.tools.tool import Tool, ToolContext, ToolFailed

TOOLS: tuple[Tool, ...] = (CONTACT_FORM,)

__all__ = ["TOOLS", "Tool", "ToolContext", "ToolFailed"]
