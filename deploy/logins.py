"""
Gives each service its login to Postgres: `python -m deploy.logins FOLDER`.

FOLDER holds a file for each login, named as the login, with its password: `router`, or `router-2`, which may be let in beside the
first while passwords change. Each belongs to the role that the migrations made for its service, so they run before. The
owner's address is TRUNKLINE_DB__URL; the owner needs CREATEROLE.
"""

import os
import sys
from pathlib import Path

import psycopg
from psycopg import sql

SERVICES = ("router", "agent", "egress", "console")


def let_in(url: str, login: str, password: str) -> None:
    """
    Make a login, or renew its password. Raises ValueError for a login of no service.

    The password is hashed here, so that no statement and no server log holds it.
    """
    service = login.partition("-")[0]
    if service not in SERVICES:
        raise ValueError(f"{login}: logins are named {', '.join(SERVICES)}, or such as router-2")
    with psycopg.connect(url, autocommit=True) as connection:
        digest = connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
        known = connection.execute("select from pg_roles where rolname = %s", [login]).fetchone()
        statement = sql.SQL(
            "alter role {} login password {}" if known is not None else "create role {} login password {}"
        )
        connection.execute(statement.format(sql.Identifier(login), sql.Literal(digest)))
        group = sql.Identifier(f"trunkline_{service}")
        connection.execute(sql.SQL("grant {} to {}").format(group, sql.Identifier(login)))


def main(folder: Path) -> None:
    """Let in everybody whose password is in `folder`."""
    url = _owner()
    for file in sorted(folder.iterdir()):
        if file.is_file() and not file.name.startswith("."):  # mounted secrets have hidden folders beside them
            let_in(url, file.name, file.read_text(encoding="utf-8").strip())


def _owner() -> str:
    file = os.environ.get("TRUNKLINE_DB__URL_FILE")
    return Path(file).read_text(encoding="utf-8").strip() if file else os.environ["TRUNKLINE_DB__URL"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
