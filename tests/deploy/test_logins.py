"""The services' logins to Postgres."""

import secrets
from pathlib import Path

import psycopg
import pytest

from deploy.logins import let_in
from dev.embedded import PostgresServer


def test_a_login_may_do_what_its_service_may_and_its_password_can_change(
    postgres: PostgresServer, database_url: str
) -> None:
    """
    A second login beside the first lets passwords change without a moment at which neither works.
    """
    place = database_url.rpartition("/")[2]
    for password in (secrets.token_hex(8), secrets.token_hex(8)):
        let_in(database_url, "router-3", password)
        with psycopg.connect(postgres.url_for("router-3", password, place)) as connection:
            connection.execute("select 1 from thread")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("select 1 from credential")


def test_an_owner_who_may_make_roles_is_enough(postgres: PostgresServer, database_url: str) -> None:
    """
    No superuser is needed in a cluster: the owner makes what it grants.
    """
    owner, password = f"owner_{secrets.token_hex(4)}", secrets.token_hex(8)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"create role {owner} login createrole password '{password}'")
        connection.execute(f"grant trunkline_agent to {owner} with admin option")
    place = database_url.rpartition("/")[2]
    let_in(postgres.url_for(owner, password, place), f"agent-{secrets.token_hex(4)}", "p")


def test_a_login_of_no_service_is_refused(database_url: str) -> None:
    """
    A stray file makes no role.
    """
    with pytest.raises(ValueError, match="ingress: logins are named"):
        let_in(database_url, "ingress", "p")


def test_no_statement_holds_a_password(postgres: PostgresServer, database_url: str, tmp_path: Path) -> None:
    """
    The server's log may hold statements; what it is sent is a hash.
    """
    password = secrets.token_hex(8)
    with psycopg.connect(database_url, autocommit=True) as watching:
        watching.execute("create extension if not exists pg_stat_statements")
    let_in(database_url, "egress-3", password)
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select rolpassword from pg_authid where rolname = 'egress-3'").fetchone()
    assert row
    assert row[0].startswith("SCRAM-SHA-256$")
    with psycopg.connect(postgres.url_for("egress-3", password, database_url.rpartition("/")[2])):
        pass
