"""`trunkline knowledge`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Yes

noun = Noun("knowledge", "What agents look things up in.")

Agent = Annotated[str | None, typer.Option("--agent", help="An agent's id or name. Default: the only one.")]
Document = Annotated[str, typer.Argument(help="The id of a document.")]


@noun.verb("add", "prices.pdf --agent ag_default")
def knowledge_add(
    file: Annotated[str, typer.Argument(help="Text, Markdown, HTML, PDF, DOCX or CSV, of at most 20 MB.")],
    agent: Agent = None,
    name: Annotated[str | None, typer.Option(help="What answers call it. Default: the file's name.")] = None,
    language: Annotated[str | None, typer.Option(help="Such as italian. Default: the console's.")] = None,
) -> None:
    """Let an agent look things up in a file. One of the same name is replaced."""
    from cli import knowledge

    knowledge.add(file, agent, name, language)


@noun.verb("list", "--agent ag_default", LISTING)
def knowledge_list(agent: Agent = None) -> None:
    """List an agent's documents, the newest first, and what became of them."""
    from cli import knowledge

    knowledge.show_list(agent)


@noun.verb("remove", "kd_0192… --yes")
def knowledge_remove(document: Document, agent: Agent = None, yes: Yes = False) -> None:
    """Delete a document."""
    from cli import knowledge

    knowledge.remove(document, agent, sure=yes)


@noun.verb("index", "kd_0192…")
def knowledge_index(document: Document, agent: Agent = None) -> None:
    """Have a document read anew; it is searched as it was until then."""
    from cli import knowledge

    knowledge.index(document, agent)


@noun.verb("search", '"What does a double room cost?"')
def knowledge_search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    agent: Agent = None,
    document: Annotated[str | None, typer.Option(help="Name of the only document to look in.")] = None,
) -> None:
    """Print what an agent would find."""
    from cli import knowledge

    knowledge.search(query, agent, document)
