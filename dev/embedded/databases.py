"""The few statements that we need of a Postgres server."""


def answers(url: str, seconds: int) -> bool:
    """Tell whether a query is answered in time."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=seconds) as connection:
            connection.execute("select 1")
    except psycopg.OperationalError:
        return False
    return True


def create(url: str, name: str, template: str) -> None:
    """Make a database as a copy of another, unless it exists."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("select from pg_database where datname = %s", [name]).fetchone() is None:
            # of its files: a copy row by row, through the log, takes three times as long
            statement = sql.SQL("create database {} template {} strategy file_copy")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def let_in(url: str, login: str, password: str, group: str) -> None:
    """Make a login that may do what its group may, or give the one that is there this password."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("select from pg_roles where rolname = %s", [login]).fetchone()
        statement = sql.SQL("{} role {} login password {}")
        verb = sql.SQL("create" if known is None else "alter")
        connection.execute(statement.format(verb, sql.Identifier(login), sql.Literal(password)))
        connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(group), sql.Identifier(login)))


def drop(url: str, name: str) -> None:
    """Remove a database if it exists, and whoever is connected to it."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
