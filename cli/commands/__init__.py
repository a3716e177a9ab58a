"""Every command: one module for each noun, named here."""

from cli.commands import (
    accounts,
    agents,
    audit,
    bindings,
    conversations,
    dead_letters,
    jobs,
    keys,
    knowledge,
    leads,
    lines,
    messages,
    pipelines,
    tenants,
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
    pipelines.noun,
    bindings.noun,
    messages.noun,
    conversations.noun,
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
