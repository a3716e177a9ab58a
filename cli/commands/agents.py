"""`trunkline agents`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Name, Tenant, Yes

noun = Noun("agents", "Assistants.")
_COLUMNS = {
    "id": "id",
    "name": "name",
    "model": "model",
    "memory": "memory",
    "pipeline": "pipeline",
    "tenant": "tenant",
}

Id = Annotated[str, typer.Argument(help="The id of an agent.")]
Instructions = Annotated[str | None, typer.Option("--instructions-file", help="A text file of what it shall do.")]
Model = Annotated[str | None, typer.Option(help="Which model, or none for the platform's.")]
Fallback = Annotated[
    str | None,
    typer.Option("--fallback-model", help="Which model is asked where that fails, or none for the platform's."),
]
Pipeline = Annotated[str | None, typer.Option(help="The id of a pipeline, or none for whatsapp-default.")]
Memory = Annotated[int | None, typer.Option(help="How many messages of a conversation it remembers.")]
Remembers = Annotated[str | None, typer.Option(help="last: so many messages. whole: all of a conversation.")]
MemoryTokens = Annotated[int | None, typer.Option("--memory-tokens", help="Tokens that a whole conversation may take.")]
MessageTokens = Annotated[
    str | None, typer.Option("--message-tokens", help="Tokens that one answer may cost, or none.")
]
ConversationTokens = Annotated[
    str | None, typer.Option("--conversation-tokens", help="Tokens that a conversation may cost, or none.")
]


@noun.verb("list", "", LISTING)
def agents_list(tenant: Tenant = None) -> None:
    """List agents, the newest first."""
    from cli import records

    records.show_list("agents", _COLUMNS, tenant=tenant)


@noun.verb("get", "ag_default")
def agents_get(agent: Id) -> None:
    """Show one."""
    from cli import records

    records.show(f"agents/{agent}")


@noun.verb("add", "Concierge --instructions-file concierge.txt")
def agents_add(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    *,
    instructions_file: Annotated[str, typer.Option(help="A text file of what it shall do.")],
    model: Model = None,
    fallback_model: Fallback = None,
    memory: Memory = None,
    remembers: Remembers = None,
    memory_tokens: MemoryTokens = None,
    message_tokens: MessageTokens = None,
    conversation_tokens: ConversationTokens = None,
    pipeline: Pipeline = None,
    tenant: Tenant = None,
) -> None:
    """Make one."""
    from cli import asking, records

    instructions = asking.content(instructions_file, "--instructions-file")
    told = {
        "name": name,
        "instructions": instructions,
        "model": model,
        "fallback_model": fallback_model,
        "memory": memory,
        "remembers": remembers,
        "memory_tokens": memory_tokens,
        "message_tokens": message_tokens,
        "conversation_tokens": conversation_tokens,
        "pipeline": pipeline,
        "tenant": tenant,
    }
    records.make("agents", told)


@noun.verb("set", "ag_default --model gpt-5-mini --memory 10")
def agents_set(
    agent: Id,
    *,
    name: Name = None,
    instructions_file: Instructions = None,
    model: Model = None,
    fallback_model: Fallback = None,
    memory: Memory = None,
    remembers: Remembers = None,
    memory_tokens: MemoryTokens = None,
    message_tokens: MessageTokens = None,
    conversation_tokens: ConversationTokens = None,
    pipeline: Pipeline = None,
) -> None:
    """Change one; what is not named stays."""
    from cli import asking, records

    instructions = asking.content(instructions_file, "--instructions-file") if instructions_file else None
    told = {
        "name": name,
        "instructions": instructions,
        "model": model,
        "fallback_model": fallback_model,
        "memory": memory,
        "remembers": remembers,
        "memory_tokens": memory_tokens,
        "message_tokens": message_tokens,
        "conversation_tokens": conversation_tokens,
        "pipeline": pipeline,
    }
    records.change(f"agents/{agent}", told, read=f"agents get {agent}")


@noun.verb("remove", "ag_0192… --yes")
def agents_remove(agent: Id, yes: Yes = False) -> None:
    """Delete one that no line needs."""
    from cli import records

    records.remove(f"agents/{agent}", read=f"agents get {agent}", sure=yes, what=f"agent {agent}")
