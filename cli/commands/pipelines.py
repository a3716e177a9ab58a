"""`trunkline pipelines`."""

from typing import Annotated

import typer

from cli.commands.declaring import LISTING, Noun
from cli.commands.options import Tenant, Yes

noun = Noun("pipelines", "What agents run, step by step.")

Id = Annotated[str, typer.Argument(help="A pipeline's id or name.")]
File = Annotated[str, typer.Argument(help="A YAML document.")]


@noun.verb("list", "", LISTING)
def pipelines_list(tenant: Tenant = None) -> None:
    """List pipelines, the newest first."""
    from cli import pipelines

    pipelines.show_list(tenant)


@noun.verb("show", "Support")
def pipelines_show(
    pipeline: Annotated[str, typer.Argument(help="A pipeline's id or name, or whatsapp-default.")],
    number: Annotated[int | None, typer.Option("--version", help="A version. Default: the draft.")] = None,
) -> None:
    """Print a pipeline's document: its draft, or one of its versions."""
    from cli import pipelines

    pipelines.show(pipeline, number)


@noun.verb("versions", "Support", LISTING)
def pipelines_versions(pipeline: Id) -> None:
    """List a pipeline's versions, the newest first."""
    from cli import pipelines

    pipelines.show_versions(pipeline)


@noun.verb("check", "support.yaml")
def pipelines_check(file: File) -> None:
    """Say what is wrong with a document, and where. Changes nothing; the status is 0 where nothing is wrong."""
    from cli import pipelines

    pipelines.check(file)


@noun.verb("try", "support.yaml --conversation cv_0192…")
def pipelines_try(
    file: File, conversation: Annotated[str, typer.Option(help="The id of a conversation that is kept.")]
) -> None:
    """Say what a document would answer to the newest message of a conversation. Sends nothing; tools that change something are told of."""
    from cli import pipelines

    pipelines.try_out(file, conversation)


@noun.verb("put", "support.yaml --name Support")
def pipelines_put(
    file: File,
    name: Annotated[
        str | None, typer.Option(help="The pipeline's name. Default: the file's, without its ending.")
    ] = None,
    tenant: Tenant = None,
) -> None:
    """Make a document the draft of the pipeline of this name, which is made if it is not there. What runs stays as it is."""
    from cli import pipelines

    pipelines.put(file, name, tenant)


@noun.verb("activate", "Support --version 3")
def pipelines_activate(
    pipeline: Id,
    number: Annotated[
        int | None, typer.Option("--version", help="An older version. Default: the draft, as a new one.")
    ] = None,
) -> None:
    """Let turns that begin from now on run the draft, or an older version."""
    from cli import pipelines

    pipelines.activate(pipeline, number)


@noun.verb("rollback", "Support")
def pipelines_rollback(pipeline: Id) -> None:
    """Let turns run the version that was active before."""
    from cli import pipelines

    pipelines.roll_back(pipeline)


@noun.verb("remove", "Support --yes")
def pipelines_remove(pipeline: Id, yes: Yes = False) -> None:
    """Delete one that was never activated and that no agent names."""
    from cli import pipelines

    pipelines.remove(pipeline, sure=yes)
