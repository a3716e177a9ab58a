"""Every command: one module for each noun, named here."""

from cli.commands import (
    accounts,
    actions,
    agents,
    audit,
    bindings,
    catalogue,
    conversations,
    dead_letters,
    forms,
    jobs,
    keys,
    knowledge,
    leads,
    lines,
    mcp,
    messages,
    pipelines,
    tenants,
    turns,
    users,
)
from cli.commands.root import app

__all__ = ["NOUNS", "app"]

NOUNS = (
    tenants.noun,
    users.noun,
    accounts.noun,
    lines.noun,
    agents.noun,
    knowledge.noun,
    catalogue.noun,
    catalogue.orders,
    actions.noun,
    forms.noun,
    mcp.noun,
    pipelines.noun,
    bindings.noun,
    messages.noun,
    conversations.noun,
    turns.noun,
    leads.noun,
    dead_letters.noun,
    dead_letters.held,
    keys.noun,
    audit.noun,
    jobs.noun,
    jobs.config,
    jobs.database,
    jobs.topology,
)

for noun in NOUNS:
    app.add_typer(noun.app, name=noun.name)
