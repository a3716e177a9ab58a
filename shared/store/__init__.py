"""Postgres: the tables, their migrations, and the unit of work."""
