"""Setting a table of a database up by asking: the address, and the tables and views there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from config.drivers import drivers_words
from tasks.errors import SideError, TaskDefinitionError
from tasks.services.sql.connection import Database, parsed
from tasks.sides import Answers, Place, Question, SetUp, Tell

#: Schemas of the server's own.
_OWN = ("information_schema", "pg_catalog", "pg_toast")


def _variable(answers: Answers) -> str:
    return answers.get("url_variable", "SQL_URL")


def _questions(answers: Answers) -> Sequence[Question]:
    if answers.get("url"):
        return ()
    told = "sqlite:///path/to/file.db or postgresql://user:password@host/name."
    return (Question(_variable(answers), "Address of the database", told, secret=True),)


def _places(answers: Answers, tell: Tell) -> list[Place]:
    address = parsed(answers.get("url") or answers[_variable(answers)])
    password = answers.get("password") or answers.get("SQL_PASSWORD")
    if password and address.password is None:
        address = address.set(password=password)
    database = Database(address, "the list of tables")
    try:
        with database.reading() as connection:
            found = list(_tables(sa.inspect(connection)))
    except SQLAlchemyError as error:
        raise SideError(f"{database.place} does not list its tables: {drivers_words(error)}") from None
    finally:
        database.close()
    if not found:
        raise TaskDefinitionError(f"{database.place} has no table that this user may see: make one")
    return found


def _tables(inspector: sa.Inspector) -> Iterator[Place]:
    usual = inspector.default_schema_name
    for schema in inspector.get_schema_names():
        if schema in _OWN:
            continue
        here = {} if schema == usual else {"schema": schema}
        for noun, names in (
            ("table", inspector.get_table_names(schema)),
            ("view", inspector.get_view_names(schema)),
        ):
            yield from (Place(name, {"table": name, **here}, f"{noun} in {schema}") for name in sorted(names))


SET_UP = SetUp(_questions, _places, "table")
