"""`trunkline jobs`, `db`, `topology` and `config`: what is done once per deployment, or from time to time."""

from typing import Annotated

import typer

from cli.commands.declaring import LOCAL, SHOWING, Noun

noun = Noun("jobs", "Periodic work.")
database = Noun("db", "The schema.")
topology = Noun("topology", "The streams.")
config = Noun("config", "The variables that services are configured with.")


@noun.verb("run", "gap-fill")
def jobs_run(
    name: Annotated[str, typer.Argument(help="canary, gap-fill, privacy, provisioning, retention or rewrap.")],
) -> None:
    """
    Run a periodic job now.

    canary writes to every line that has one switched on, and tells whether it was answered.
    gap-fill takes in messages that Twilio has and we never got. provisioning sets up at Twilio what has drifted. rewrap seals
    everything with the newest keys, and tells which older ones are still needed. privacy drops addresses and texts that the
    companies' settings let nobody keep, and retention what is older than they keep anything; the console runs both by itself.
    """
    from cli import jobs

    jobs.run(name)


@database.verb("upgrade", "TRUNKLINE_DB__URL=postgresql://… trunkline db upgrade", LOCAL)
def db_upgrade(
    contract: Annotated[
        bool, typer.Option("--contract", help="After a roll-out: also take away what only the version before needed.")
    ] = False,
) -> None:
    """Bring the schema up to date, with nothing taken away that the version before needs."""
    from cli import jobs

    jobs.upgrade_database(contract=contract)


@database.verb("status", "TRUNKLINE_DB__URL=postgresql://… trunkline db status", SHOWING)
def db_status() -> None:
    """Tell which migrations the database has not seen. The status is 1 where a roll-out has to wait for one."""
    from cli import jobs

    jobs.show_database()


@topology.verb("apply", "TRUNKLINE_NATS__URL=nats://… trunkline topology apply", LOCAL)
def topology_apply(
    replicas: Annotated[int, typer.Option(min=1, max=5, help="Servers that hold each stream: 3 in a cluster.")] = 1,
) -> None:
    """Make the streams, or bring them up to date."""
    from cli import jobs

    jobs.apply_topology(replicas)


@config.verb("check", "router", SHOWING)
def config_check(service: Annotated[str, typer.Argument(help="ingress, router, agent, egress or console.")]) -> None:
    """Tell what is wrong with the variables that a service would be started with: here, and now."""
    from cli import configuration

    configuration.check(service)


@config.verb("reference", "> docs/configuration.md", LOCAL)
def config_reference() -> None:
    """Print every variable with its default and meaning."""
    from cli import configuration

    configuration.show_reference()
