"""
Tenants' MCP servers: their tools, listed and called over streamable HTTP through the outbound guard (ADR 18).

Model Context Protocol: https://modelcontextprotocol.io/specification. What a server says of a tool is its tenant's word.
"""

from shared.mcp_servers.client import call_tool, list_tools
from shared.mcp_servers.server import LeftOut, Listed, RemoteTool, Server, open_headers, seal_headers

__all__ = ["LeftOut", "Listed", "RemoteTool", "Server", "call_tool", "list_tools", "open_headers", "seal_headers"]
