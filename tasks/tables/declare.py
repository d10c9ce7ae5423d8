"""From `[[sync]]` tables to scheduled tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from config.sources import toml_file
from tasks.errors import TaskDefinitionError
from tasks.services.found import Found, services
from tasks.tables.reading import Read, read_table
from tasks.two_way import TwoWay


def declare(tables: Iterable[Mapping[str, Any]]) -> list[TwoWay]:
    """The tasks of these tables, scheduled.

    Every table is read before the first task is scheduled, so that a mistake leaves none half declared.

    Arguments:
        tables: As TOML gives them.

    Raises:
        TaskDefinitionError: a table has an unknown or missing key, or a value that does not fit; or a service that it
            names is not there or cannot be used.
    """
    found = services()
    read = [_read(table, place, found) for place, table in enumerate(tables, 1)]
    names = [one.table.name for one in read]
    for name in names:
        if names.count(name) > 1:
            raise TaskDefinitionError(f"{toml_file()}: two [[sync]] tables are named {name!r}")
    made = [(one.table, one.task()) for one in read]
    return [table.schedule(task) for table, task in made]


def _read(table: Mapping[str, Any], place: int, found: Mapping[str, Found]) -> Read:
    name = f"{table['name']!r}" if table.get("name") else f"no. {place}"
    try:
        return read_table(table, found)
    except TaskDefinitionError as error:
        raise TaskDefinitionError(f"{toml_file()}, [[sync]] {name}: {error}") from error
