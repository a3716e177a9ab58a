"""Commands without a noun: the local stack, conversations with it, the doctor."""

from pathlib import Path
from typing import Annotated

import typer

from cli.commands.declaring import ASKING, LOCAL, WATCHING, declare

app = typer.Typer(
    name="trunkline",
    help="WhatsApp messages in, an agent's answers out. The local stack: `trunkline up`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Name = Annotated[str, typer.Argument(help="A process, such as router, or one replica, such as router-2.")]
Wait = Annotated[str, typer.Option(help="Longest wait for an answer, such as 30 or 30s.")]
Sender = Annotated[str, typer.Option("--from", "--as", help="The phone that writes.")]
Line = Annotated[str | None, typer.Option("--to", help="The number written to. Default: the default line's.")]


@declare(app, "up", "trunkline up --replicas router=2,agent=2 --without simulator", LOCAL)
def up(
    replicas: Annotated[str, typer.Option(help="More than one process of a service: router=2,agent=2.")] = "",
    without: Annotated[str, typer.Option(help="Leave out, such as simulator.")] = "",
) -> None:
    """Start the local stack, send it a first message, and leave it running."""
    from cli import stack

    stack.up(replicas, without)


@declare(app, "down", "trunkline down", LOCAL)
def down() -> None:
    """Stop the whole stack. Data and keys stay."""
    from cli import stack

    stack.down()


@declare(app, "reset", "trunkline reset --yes", LOCAL)
def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Stop the stack and delete its data, keys and logs."""
    from cli import stack

    stack.reset(sure=yes)


@declare(app, "status", "trunkline status -o json", WATCHING)
def status() -> None:
    """Show each process, and whether it is ready."""
    from cli import stack

    stack.status()


@declare(app, "doctor", "trunkline doctor --line ln_default --fix", ASKING)
def doctor(
    line: Annotated[str | None, typer.Option(help="One line alone, by its id. Default: all that are enabled.")] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend at Twilio what can be mended from here, and look again.")
    ] = False,
) -> None:
    """
    Look at everything between people and the agent, and say what is wrong and how to mend it.

    The stack and its processes, clocks, each line's login and set-up at Twilio, and its webhook, which is called as Twilio would
    call it. The status is 0 where nothing is wrong.
    """
    from cli import doctor as examination

    examination.examine(line, fix=fix)


@declare(app, "stop", "trunkline stop postgres", LOCAL)
def stop(name: Name) -> None:
    """Stop a process and keep it down."""
    from cli import stack

    stack.stop(name)


@declare(app, "start", "trunkline start postgres", LOCAL)
def start(name: Name) -> None:
    """Bring a stopped process back."""
    from cli import stack

    stack.start(name)


@declare(app, "logs", "trunkline logs router -f", LOCAL)
def logs(
    name: Annotated[str | None, typer.Argument(help="A process. Default: all.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they grow.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Lines of each, from its end.")] = 20,
) -> None:
    """Print the ends of the logs."""
    from cli import logs as log_files

    log_files.show(name, follow=follow, lines=lines)


@declare(app, "sim", "trunkline sim", LOCAL)
def sim() -> None:
    """Run the phone simulator here, in the foreground, for a stack started without it."""
    from cli import stack

    stack.simulator()


@declare(app, "say", 'trunkline say --from +15550001 --wait 30 "What are your hours?"', LOCAL)
def say(  # noqa: PLR0917 - what can be said, and how
    text: Annotated[str, typer.Argument(help="What to write.")] = "",
    sender: Sender = "+15550001",
    line: Line = None,
    wait: Wait = "30",
    image: Annotated[bool, typer.Option("--image", help="Send a picture, with the text as its caption.")] = False,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Send a file: a picture, a recording, a document.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Write a message from a simulated phone and print the answer."""
    from cli import talk

    talk.say_once(text, sender=sender, line=line, wait=wait, image=image, file=file)


@declare(app, "chat", "trunkline chat --as +393330001111", LOCAL)
def chat(sender: Sender = "+15550001", line: Line = None, wait: Wait = "30") -> None:
    """
    Write and read as a simulated phone, line by line.

    Lines that begin with /sim are orders to the simulator, such as /sim dup on; /sim help lists them. From a pipe each line is
    answered before the next one is written; the status is 6 where one is not answered in time.
    """
    from cli import talk

    talk.chat(sender=sender, line=line, wait=wait)


@declare(app, "completion", "trunkline completion bash > trunkline.bash", LOCAL)
def completion(shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print a script that lets a shell complete these commands."""
    from cli import completion as scripts

    scripts.show(shell)


@declare(app, "openapi", "trunkline openapi > docs/openapi.json", LOCAL)
def openapi() -> None:
    """Print the description of the API: OpenAPI 3.1. Needs nothing that runs."""
    from cli import description

    description.show()
