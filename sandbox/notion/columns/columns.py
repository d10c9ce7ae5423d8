"""The columns of a data source: how they are kept, found and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call
from sandbox.notion.state.ids import TITLE, decode_column_id, encode_column_id
from sandbox.notion.state.stored import Stored

READ_ONLY = frozenset(
    {
        "formula",
        "rollup",
        "created_time",
        "created_by",
        "last_edited_time",
        "last_edited_by",
        "unique_id",
        "button",
    }
)
OPTION_TYPES = frozenset({"select", "multi_select", "status"})
TYPES = (
    READ_ONLY
    | OPTION_TYPES
    | {
        "title",
        "rich_text",
        "number",
        "date",
        "people",
        "files",
        "checkbox",
        "url",
        "email",
        "phone_number",
        "relation",
        "place",
        "verification",
        "location",
        "last_visited_time",
    }
)


@dataclass
class Column:
    """One column; `id` is decoded, `config` is what its type needs."""

    id: str
    name: str
    type: str
    config: dict[str, Any] = field(default_factory=dict)
    description: str | None = None

    @property
    def options(self) -> list[dict[str, Any]]:
        """The options of a select, multi-select or status column."""
        options: list[dict[str, Any]] = self.config.setdefault("options", [])
        return options

    def doc(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {"name": self.name, "type": self.type, "config": self.config, "description": self.description}


class Columns:
    """All columns of one data source, by decoded id."""

    def __init__(self, source: Stored) -> None:
        self.source = source
        self.by_id: dict[str, Column] = {
            key: Column(key, doc["name"], doc["type"], doc["config"], doc.get("description"))
            for key, doc in source.doc["columns"].items()
        }

    def __iter__(self) -> Any:
        """In the order of answers: by id, the title last."""
        return iter(sorted(self.by_id.values(), key=lambda column: (len(column.id) > 4, column.id)))

    def find(self, key: str) -> Column | None:
        """By name, or by id as answers show it or decoded."""
        for column in self.by_id.values():
            if column.name == key:
                return column
        return self.by_id.get(key) or self.by_id.get(decode_column_id(key))

    def named(self, key: str) -> Column:
        """By name or id; `ApiError` when there is none."""
        column = self.find(key)
        if column is None:
            raise errors.no_such_column(key)
        return column

    def free_name(self, name: str) -> str:
        """The name, or the name with a number when it is taken."""
        taken = {column.name for column in self.by_id.values()}
        number = 0
        free = name
        while free in taken:
            number += 1
            free = f"{name} {number}"
        return free

    @property
    def title(self) -> Column:
        """The one title column."""
        return self.by_id[TITLE]

    def keep(self) -> None:
        """Put the columns back into the data source, which the caller saves."""
        self.source.doc["columns"] = {column.id: column.doc() for column in self.by_id.values()}


def mirror_of(call: Call, column: Column) -> tuple[Stored, Column] | None:
    """The other end of a two-way relation: its data source and column."""
    synced = column.config.get("synced")
    source = call.store.get(column.config["data_source_id"]) if synced else None
    if source is None or synced is None:
        return None
    found = Columns(source).by_id.get(synced)
    return (source, found) if found else None


def show_columns(call: Call, source: Stored) -> dict[str, Any]:
    """The `properties` of a data source, without relations to what is not shared with the caller."""
    columns = Columns(source)
    return {
        column.name: show_column(call, columns, column)
        for column in columns
        if not call.store.hides(column.config.get("data_source_id"))
    }


def show_column(call: Call, columns: Columns, column: Column) -> dict[str, Any]:
    """One column with its configuration."""
    shown = {
        "id": encode_column_id(column.id),
        "name": column.name,
        "description": column.description,
        "type": column.type,
    }
    if column.type == "relation":
        return shown | {"relation": _show_relation(call, column)}
    if column.type == "rollup":
        return shown | {"rollup": _show_rollup(call, columns, column)}
    return shown | {column.type: column.config}


def _show_relation(call: Call, column: Column) -> dict[str, Any]:
    config = column.config
    target = call.store.get(config["data_source_id"])
    shown: dict[str, Any] = {"database_id": target.parent if target else config.get("database_id")}
    if call.has_data_sources:
        shown["data_source_id"] = config["data_source_id"]
    mirror = mirror_of(call, column)
    if mirror is not None:
        _, other = mirror
        dual = {"synced_property_name": other.name, "synced_property_id": encode_column_id(other.id)}
        return shown | {"type": "dual_property", "dual_property": dual}
    known: Mapping[str, Any] | None = config.get("dual")
    if known is not None:
        return shown | {"type": "dual_property", "dual_property": dict(known)}
    return shown | {"type": "single_property", "single_property": {}}


def _show_rollup(call: Call, columns: Columns, column: Column) -> dict[str, Any]:
    config = column.config
    relation = columns.by_id.get(config["relation"])
    target = rollup_target(call, columns, column)
    return {
        "rollup_property_name": target.name if target else config.get("target_name"),
        "relation_property_name": relation.name if relation else None,
        "rollup_property_id": config["target"],
        "relation_property_id": config["relation"],
        "function": config["function"],
    }


def rollup_target(call: Call, columns: Columns, column: Column) -> Column | None:
    """The column over there that a rollup looks at."""
    relation = columns.by_id.get(column.config["relation"])
    if relation is None or relation.type != "relation":
        return None
    source = call.store.get(relation.config["data_source_id"])
    return Columns(source).by_id.get(column.config["target"]) if source else None
