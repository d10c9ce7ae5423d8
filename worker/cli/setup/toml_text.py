"""A `[[sync]]` table more in the text of a `lockstep.toml`, all else byte for byte as it was. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.items import Table

from config.texts import line_end, parted
from worker.telling.failures import CommandError

#: The first line of a file whose form an editor is to know.
SCHEMA = "#:schema"


def with_table(text: str, table: Mapping[str, Any], remarks: Mapping[str, str], schema: str = "") -> str:
    """The text with one `[[sync]]` table more, at its end.

    Args:
        text: what the file holds.
        table: the table.
        remarks: by key of a table within, such as `notion`, what is said beside its first line.
        schema: what the first line is to name, unless one does already.

    Raises:
        CommandError: the file has its tasks in a form to which none can be added.
    """
    mark, text = parted(text)
    end = line_end(text)
    before = tomllib.loads(text)
    block = _block(table, remarks).replace("\n", end)
    there = before.get("sync", [])
    if "sync" in before and isinstance(there, list) and "[[sync]]" not in "".join(text.split()):
        made = _in_line(text, table)
    else:
        gap = "" if not text else end if text.endswith(("\n", "\r")) else end * 2
        made = f"{text}{gap}{block}"
    if schema and SCHEMA not in text:
        made = f"{SCHEMA} {schema}{end}{made if text else end + made}"
    expected = {**before, "sync": [*there, dict(table)] if isinstance(there, list) else None}
    try:
        same = tomllib.loads(made) == expected
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise CommandError(f"no table can be added to this file by itself: write this at its end\n{block}")
    return mark + made


def _in_line(text: str, table: Mapping[str, Any]) -> str:
    """Tasks in the form `sync = [{…}]`: one more between the brackets."""
    document = tomlkit.parse(text)
    document["sync"].append(_inline(table))
    return tomlkit.dumps(document)


def _inline(value: Any) -> Any:
    if isinstance(value, Mapping):
        made = tomlkit.inline_table()
        for key, one in value.items():
            made[key] = _inline(one)
        return made
    return [_inline(one) for one in value] if isinstance(value, list) else value


def _block(table: Mapping[str, Any], remarks: Mapping[str, str]) -> str:
    """The table as people write it: what is plain first, then the services and the map."""
    one = tomlkit.table()
    for key, value in table.items():
        if not isinstance(value, Mapping) and not _is_of_tables(value):
            one[key] = value
    for key, value in table.items():
        if isinstance(value, Mapping):
            one[key] = _table(value, remarks.get(key, ""))
        elif _is_of_tables(value):
            several = tomlkit.aot()
            for number, each in enumerate(value):
                several.append(_table(each, remarks.get(f"{key} {number}", "")))
            one[key] = several
    whole = tomlkit.aot()
    whole.append(one)
    document = tomlkit.document()
    document["sync"] = whole
    # One line between two tables, none at the end; no value holds a bare end of a line.
    return re.sub(r"\n{3,}", "\n\n", tomlkit.dumps(document)).rstrip("\n") + "\n"


def _table(values: Mapping[str, Any], remark: str) -> Table:
    made = tomlkit.table()
    for key, value in values.items():
        made[key] = _inline(value)
    if remark and values:
        made[next(iter(values))].comment(remark)
    made.add(tomlkit.nl())
    return made


def _is_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)
