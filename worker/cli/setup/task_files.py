"""The files of a new task: its table, the variables that it needs, and the schema for editors."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config import get_settings
from config.dotenv_file import with_variables
from config.private_files import private_directory
from config.sources import DOTENV_FILE, read_dotenv
from config.texts import decoded
from tasks.sides import End
from tasks.tables import ends
from worker.cli.setup.asking import Asker
from worker.cli.setup.end_asked import ChosenEnd
from worker.cli.setup.schema import schema
from worker.cli.setup.toml_text import with_table
from worker.cli.written import NewFile, write_all
from worker.telling.failures import CommandError


def table_of(
    name: str, every: str, chosen: Mapping[End, ChosenEnd], pairs: Mapping[str, Any]
) -> dict[str, Any]:
    """The task as a table of the file."""
    table: dict[str, Any] = {"name": name, "every": every}
    for one in chosen.values():
        options = dict(one.options)
        if one.word in ends.SAME:
            table.setdefault(one.service.name, []).append(options)
        else:
            table[one.service.name] = options
    return {**table, "map": dict(pairs)}


def write(asker: Asker, toml: Path, table: Mapping[str, Any], chosen: Mapping[End, ChosenEnd]) -> None:
    """Add the table to the file and the variables to `.env`, and put the schema for editors beside.

    Raises:
        CommandError: a file cannot be read or written, or takes no more tables.
        SettingsError: a value cannot stand in `.env`.
    """
    state = get_settings().state_dir
    try:
        private_directory(state)
    except OSError as error:
        raise CommandError(f"{state} cannot be made: {error.strerror}") from None
    schema_file = state / "schema.json"
    named = os.path.relpath(schema_file.resolve(), toml.resolve().parent)
    there = read_dotenv()
    variables = {
        name: value
        for each in chosen.values()
        for name, value in each.variables.items()
        if there.get(name) != value
    }
    files = [
        NewFile(schema_file, json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", private=True),
        NewFile(toml, with_table(_text(toml), table, _remarks(chosen), f"./{named}")),
    ]
    env = _text(DOTENV_FILE)
    if variables or env:
        files.insert(0, NewFile(DOTENV_FILE, with_variables(env, variables), private=True))
    write_all(files)
    asker.tell(f"{toml}: the task {table['name']!r} is written.")
    if variables:
        asker.tell(f".env, which only you can read: {', '.join(variables)}")


def _remarks(chosen: Mapping[End, ChosenEnd]) -> dict[str, str]:
    """What people call the places, by the tables that name them by their ids."""
    return {
        f"{one.service.name} {ends.SAME.index(one.word)}"
        if one.word in ends.SAME
        else one.service.name: one.title
        for one in chosen.values()
        if one.title.isprintable() and one.title and one.title not in " ".join(map(str, one.options.values()))
    }


def _text(path: Path) -> str:
    """What a file holds, its ends of lines as they are; nothing where it is not there.

    Raises:
        CommandError: it cannot be read.
        SettingsError: it is not in UTF-8.
    """
    try:
        return decoded(path.read_bytes(), str(path))
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}") from None
