"""Options and arguments that several nouns have."""

from typing import Annotated

import typer

Tenant = Annotated[
    str | None, typer.Option("--tenant", help="Whose. Needed where a platform key sees several tenants.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Name = Annotated[str | None, typer.Option("--name", help="What people call it.")]
Since = Annotated[str | None, typer.Option("--since", help="Not before: 30m, 24h, 7d, or a time with its zone.")]
Until = Annotated[str | None, typer.Option("--until", help="Before: as --since.")]
TokenFile = Annotated[
    str | None, typer.Option("--token-file", help="A file that holds the auth token; - reads it from standard input.")
]
