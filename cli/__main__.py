"""The command line: `trunkline COMMAND`. Names and help only; what a command does is in the module it imports."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cli.outcome import CommandFailed, Output, note

app = typer.Typer(
    name="trunkline",
    help="WhatsApp messages in, an agent's answers out. The local stack: `trunkline up`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
users = typer.Typer(help="People with an account.", no_args_is_help=True)
database = typer.Typer(help="The schema.", no_args_is_help=True)
topology = typer.Typer(help="The streams.", no_args_is_help=True)
letters = typer.Typer(help="Work that was given up.", no_args_is_help=True)
held = typer.Typer(help="Parts of replies that wait.", no_args_is_help=True)
scheduled = typer.Typer(help="Periodic work.", no_args_is_help=True)
app.add_typer(users, name="users")
app.add_typer(letters, name="dead-letters")
app.add_typer(held, name="held-parts")
app.add_typer(scheduled, name="jobs")
app.add_typer(database, name="db")
app.add_typer(topology, name="topology")

Form = Annotated[Output | None, typer.Option("--output", "-o", help="Default: table on a terminal, else json.")]
Name = Annotated[str, typer.Argument(help="A process, such as router, or one replica, such as router-2.")]
Wait = Annotated[str, typer.Option(help="Longest wait for an answer, such as 30 or 30s.")]
Sender = Annotated[str, typer.Option("--from", "--as", help="The phone that writes.")]
Letter = Annotated[str, typer.Argument(help="The id of a dead letter.")]
Line = Annotated[str | None, typer.Option("--to", help="The number written to. Default: the default line's.")]


@app.command(epilog="Example: trunkline up --replicas router=2,agent=2 --without simulator")
def up(
    replicas: Annotated[str, typer.Option(help="More than one process of a service: router=2,agent=2.")] = "",
    without: Annotated[str, typer.Option(help="Leave out, such as simulator.")] = "",
) -> None:
    """Start the local stack, send it a first message, and leave it running."""
    from cli import stack

    stack.up(replicas, without)


@app.command(epilog="Example: trunkline down")
def down() -> None:
    """Stop the whole stack. Data and keys stay."""
    from cli import stack

    stack.down()


@app.command(epilog="Example: trunkline reset --yes")
def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Stop the stack and delete its data, keys and logs."""
    from cli import stack

    stack.reset(sure=yes)


@app.command(epilog="Example: trunkline status -o json")
def status(output: Form = None) -> None:
    """Show each process, and whether it is ready."""
    from cli import stack

    stack.status(output)


@app.command(epilog="Example: trunkline stop postgres")
def stop(name: Name) -> None:
    """Stop a process and keep it down."""
    from cli import stack

    stack.stop(name)


@app.command(epilog="Example: trunkline start postgres")
def start(name: Name) -> None:
    """Bring a stopped process back."""
    from cli import stack

    stack.start(name)


@app.command(epilog="Example: trunkline logs router -f")
def logs(
    name: Annotated[str | None, typer.Argument(help="A process. Default: all.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they grow.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Lines of each, from its end.")] = 20,
) -> None:
    """Print the ends of the logs."""
    from cli import logs as log_files

    log_files.show(name, follow=follow, lines=lines)


@app.command(epilog="Example: trunkline sim")
def sim() -> None:
    """Run the phone simulator here, in the foreground, for a stack started without it."""
    from cli import stack

    stack.simulator()


@app.command(epilog='Example: trunkline say --from +15550001 --wait 30 "What are your hours?"')
def say(
    text: Annotated[str, typer.Argument(help="What to write.")] = "",
    sender: Sender = "+15550001",
    line: Line = None,
    wait: Wait = "30",
    image: Annotated[bool, typer.Option("--image", help="Send a picture, with the text as its caption.")] = False,
) -> None:
    """Write a message from a simulated phone and print the answer."""
    from cli import talk

    talk.say_once(text, sender=sender, line=line, wait=wait, image=image)


@app.command(epilog="Example: trunkline chat --as +393330001111")
def chat(sender: Sender = "+15550001", line: Line = None, wait: Wait = "30") -> None:
    """Write and read as a simulated phone, line by line."""
    from cli import talk

    talk.chat(sender=sender, line=line, wait=wait)


@users.command("pair-code", epilog="Example: trunkline users pair-code --user admin@example.com")
def pair_code(
    user: Annotated[str | None, typer.Option(help="E-mail address. Default: the first user.")] = None,
    output: Form = None,
) -> None:
    """Make a code that pairs a phone with a user: the phone sends /pair CODE."""
    from cli import users as people

    people.pair_code(user, output)


@letters.command("list", epilog="Example: trunkline dead-letters list --state replayed")
def letters_list(
    state: Annotated[str, typer.Option(help="waiting, replayed or discarded.")] = "waiting", output: Form = None
) -> None:
    """List what was given up, the newest first."""
    from cli import dead_letters

    dead_letters.show_list(state, output)


@letters.command("show", epilog="Example: trunkline dead-letters show dl_0192…")
def letters_show(letter: Letter, output: Form = None) -> None:
    """Show one."""
    from cli import dead_letters

    dead_letters.show(letter, output)


@letters.command("replay", epilog="Example: trunkline dead-letters replay dl_0192…")
def letters_replay(letter: Letter, output: Form = None) -> None:
    """Let the stage that failed try again. What was delivered is not sent again."""
    from cli import dead_letters

    dead_letters.replay(letter, output)


@letters.command("discard", epilog='Example: trunkline dead-letters discard dl_0192… --reason "test"')
def letters_discard(
    letter: Letter,
    reason: Annotated[str, typer.Option(help="Why; it stays on record.")],
    output: Form = None,
) -> None:
    """Give one up for good."""
    from cli import dead_letters

    dead_letters.discard(letter, reason, output)


@held.command("list", epilog="Example: trunkline held-parts list --state parked")
def held_list(
    state: Annotated[str | None, typer.Option(help="unknown (Twilio may have it) or parked (24 hours over).")] = None,
    output: Form = None,
) -> None:
    """List parts that wait for a proof from Twilio, or for the person to write again."""
    from cli import dead_letters

    dead_letters.show_held(state, output)


@scheduled.command("run", epilog="Example: trunkline jobs run gap-fill")
def jobs_run(
    name: Annotated[str, typer.Argument(help="gap-fill, privacy, retention or rewrap.")], output: Form = None
) -> None:
    """
    Run a periodic job now.

    gap-fill takes in messages that Twilio has and we never got. rewrap seals everything with the newest keys, and tells which
    older ones are still needed. privacy drops addresses and texts that the companies' settings let nobody keep, and retention what
    is older than they keep anything; the console runs both by itself.
    """
    from cli import jobs

    jobs.run(name, output)


@database.command("upgrade", epilog="Example: TRUNKLINE_DB__URL=postgresql://… trunkline db upgrade")
def db_upgrade(
    contract: Annotated[
        bool, typer.Option("--contract", help="After a roll-out: also take away what only the version before needed.")
    ] = False,
) -> None:
    """Bring the schema up to date, with nothing taken away that the version before needs."""
    from cli import jobs

    jobs.upgrade_database(contract=contract)


@app.command("openapi", epilog="Example: trunkline openapi > docs/openapi.json")
def openapi() -> None:
    """Print the description of the API: OpenAPI 3.1. Needs nothing that runs."""
    from cli import description

    description.show()


@topology.command("apply", epilog="Example: TRUNKLINE_NATS__URL=nats://… trunkline topology apply")
def topology_apply() -> None:
    """Make the streams, or bring them up to date."""
    from cli import jobs

    jobs.apply_topology()


def main(words: Sequence[str] | None = None) -> None:
    """Run the command of these words, else of the process's arguments; every expected failure is one line on stderr."""
    try:
        app(words)
    except CommandFailed as failure:
        note(str(failure))
        sys.exit(failure.status)


if __name__ == "__main__":
    main()
