"""Columns that many tables have."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Identity, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field


def now() -> Any:  # noqa: ANN401 - SQLModel's Field stands for the column's type
    """When the row was inserted."""
    return Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})


def moment() -> Any:  # noqa: ANN401
    """A time that comes later, if ever."""
    return Field(None, sa_type=DateTime(timezone=True))


def big(default: int = 0) -> Any:  # noqa: ANN401
    """A large number."""
    return Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text(str(default))})


def sealed(*, nullable: bool = False) -> Any:  # noqa: ANN401
    """Vault ciphertext."""
    return Field(None if nullable else ..., sa_type=LargeBinary, nullable=nullable)


def counted(default: int = 0) -> Any:  # noqa: ANN401
    """A number that begins at `default`."""
    return Field(sa_column_kwargs={"server_default": text(str(default))})


def version() -> Any:  # noqa: ANN401
    """The number of changes that the API made, from 1."""
    return Field(sa_column_kwargs={"server_default": text("1")})


def told(default: str) -> Any:  # noqa: ANN401
    """A word of a few."""
    return Field(sa_column_kwargs={"server_default": text(f"'{default}'")})


def flag(*, default: bool = False) -> Any:  # noqa: ANN401
    """Yes or no."""
    return Field(sa_column_kwargs={"server_default": text(str(default).lower())})


def moments() -> Any:  # noqa: ANN401
    """Times, none at first."""
    return Field(sa_column=Column(ARRAY(DateTime(timezone=True)), nullable=False, server_default=text("'{}'")))


def document() -> Any:  # noqa: ANN401
    """A JSON object, empty at first."""
    return Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb")))


def texts() -> Any:  # noqa: ANN401
    """Words, none at first."""
    return Field(sa_column=Column(ARRAY(String), nullable=False, server_default=text("'{}'")))


def identity() -> Any:  # noqa: ANN401
    """The key, counted by the database."""
    return Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
