"""The services' variables: whether they are right here, and what there are."""

import os

from cli.outcome import Exit, fail, is_table, note, say, say_json


def check(service: str) -> None:
    """Read a service's variables as it would, and print what is wrong with them, by their names and never with values."""
    from dev.configuration import SERVICES
    from shared.settings import faults_of

    if service not in SERVICES:
        fail(Exit.NOT_FOUND, f"{service} is none of {', '.join(SERVICES)}")
    faults = faults_of(SERVICES[service], os.environ)
    if not is_table():
        say_json({"service": service, "faults": faults})
    else:
        for fault in faults:
            say(fault)
    if faults:
        fail(Exit.CONFIGURATION, f"{service} would not start: {len(faults)} of its variables are wrong.")
    note(f"{service} would start with these variables.")


def show_reference() -> None:
    """Print the page about all of them."""
    from dev.configuration import reference

    say(reference().rstrip("\n"))
