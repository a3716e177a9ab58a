"""Tools that a model may call. Adding one: a file here, and its place in `TOOLS`."""

from services.agent.tools.contact_form import CONTACT_FORM
from services.agent.tools.find_listing import FIND_LISTING
from services.agent.tools.find_product import FIND_PRODUCT
from services.agent.tools.order_status import ORDER_STATUS
from services.agent.tools.semantic_search import SEMANTIC_SEARCH
from services.agent.tools.tool import Equipment, Passages, Result, Run, Shop, Tool, ToolContext, ToolFailed

TOOLS: tuple[Tool, ...] = (SEMANTIC_SEARCH, FIND_PRODUCT, FIND_LISTING, ORDER_STATUS, CONTACT_FORM)

__all__ = ["TOOLS", "Equipment", "Passages", "Result", "Run", "Shop", "Tool", "ToolContext", "ToolFailed"]
