"""Changes of columns: add, rename, configure, change the type, delete."""

from __future__ import annotations

from typing import Any

from sandbox.notion.columns.columns import OPTION_TYPES, TYPES, Column, Columns, mirror_of
from sandbox.notion.columns.convert import convert_column
from sandbox.notion.columns.formula import normalise_expression
from sandbox.notion.columns.options import find_option, new_option
from sandbox.notion.columns.rollups import FUNCTIONS
from sandbox.notion.parts.parents import UNTITLED
from sandbox.notion.parts.rich_text import title_of
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call
from sandbox.notion.state.ids import TITLE, decode_column_id, new_column_id, new_id
from sandbox.notion.state.stored import Stored

#: Later ones refer to earlier ones by name.
_ORDER = ("relation", "rollup", "formula")
_FRESH_STATUS = (("Not started", "default"), ("In progress", "blue"), ("Done", "green"))
_GROUPS = (("To-do", "gray"), ("In progress", "blue"), ("Complete", "green"))


def create_columns(call: Call, source: Stored, properties: Any, path: str) -> None:
    """Give a new data source its columns; one that names no title gets a `Name`."""
    if not isinstance(properties, dict):
        raise errors.bad_body(path, "an object", properties)
    titles = [
        name for name, value in properties.items() if isinstance(value, dict) and _type_of(value) == "title"
    ]
    if len(titles) > 1:
        raise errors.validation("A data source must have exactly one title property.")
    source.doc["columns"] = {TITLE: Column(TITLE, titles[0] if titles else "Name", "title").doc()}
    call.store.save(source)
    change_columns(call, source, {k: v for k, v in properties.items() if k not in titles}, path)


def change_columns(call: Call, source: Stored, properties: Any, path: str = "properties") -> None:
    """Apply the `properties` of a schema write, and save the data source."""
    if not isinstance(properties, dict):
        raise errors.bad_body(path, "an object", properties)
    columns = Columns(source)
    pending: list[tuple[Column, dict[str, Any], str]] = []
    for key, value in properties.items():
        column = columns.find(key)
        if value is None:
            if column is None:
                raise errors.validation(f"{key} is not a property that exists.")
            _delete(call, columns, column)
            continue
        where = f"{path}.{key}"
        if not isinstance(value, dict):
            raise errors.bad_body(where, "an object or `null`", value)
        if column is None:
            column = _add(columns, key, value, where)
        else:
            _rename(columns, column, value)
        if "description" in value:
            said = value["description"]
            column.description = errors.a_string(said, f"{where}.description") if said else None
        if _type_of(value) is not None:
            pending.append((column, value, where))
    pending.sort(
        key=lambda item: _ORDER.index(_type_of(item[1]) or "") if _type_of(item[1]) in _ORDER else -1
    )
    for column, value, where in pending:
        _configure(call, columns, column, value, where)
        columns.keep()
        call.store.save(source)
    columns.keep()
    call.store.save(source)


def _type_of(value: dict[str, Any]) -> str | None:
    named = value.get("type")
    if isinstance(named, str):
        return named
    return next((key for key in value if key in TYPES), None)


def _add(columns: Columns, key: str, value: dict[str, Any], path: str) -> Column:
    kind = _type_of(value)
    if kind is None:
        raise errors.validation(f"{key} is not a property that exists.")
    if kind not in TYPES:
        raise errors.bad_body(f"{path}.type", "a property type", kind)
    if kind == "title":
        raise errors.validation("Cannot create a new title property: a data source has exactly one.")
    name = errors.a_string(value.get("name") or key, f"{path}.name")
    column = Column(new_column_id(columns.by_id), name, kind, {"new": True})
    columns.by_id[column.id] = column
    return column


def _rename(columns: Columns, column: Column, value: dict[str, Any]) -> None:
    name = value.get("name")
    if name is None or name == column.name:
        return
    if not isinstance(name, str) or not name:
        raise errors.bad_body(f"properties.{column.name}.name", "a non-empty string", name)
    if any(other.name == name for other in columns.by_id.values()):
        raise errors.validation(
            f"Cannot rename property to {name}: a property with this name exists already."
        )
    column.name = name


def _delete(call: Call, columns: Columns, column: Column) -> None:
    if column.id == TITLE:
        raise errors.validation("Cannot delete the title property.")
    _release_mirror(call, columns, column)
    del columns.by_id[column.id]


def _release_mirror(call: Call, columns: Columns, column: Column) -> None:
    """The other end of a two-way relation stays, one-way."""
    mirror = mirror_of(call, column) if column.type == "relation" else None
    if mirror is None:
        return
    source, other = mirror
    if source.id == columns.source.id:
        columns.by_id[other.id].config.pop("synced", None)
        return
    there = Columns(source)
    there.by_id[other.id].config.pop("synced", None)
    there.keep()
    call.store.save(source)


def _configure(call: Call, columns: Columns, column: Column, value: dict[str, Any], path: str) -> None:
    kind = _type_of(value) or column.type
    fresh = column.config.pop("new", False)
    if kind not in TYPES:
        raise errors.bad_body(f"{path}.type", "a property type", kind)
    given = value.get(kind)
    if given is not None and not isinstance(given, dict):
        raise errors.bad_body(f"{path}.{kind}", "an object", given)
    wanted: dict[str, Any] = given or {}
    before = Column(column.id, column.name, column.type, column.config)
    if kind != column.type:
        if "title" in (kind, column.type):
            raise errors.validation("Cannot change the type of, or to, the title property.")
        _release_mirror(call, columns, column)
        column.type, column.config = kind, {}
        fresh = True
    if kind == "number":
        column.config = {"format": wanted.get("format") or column.config.get("format") or "number"}
    elif kind in OPTION_TYPES:
        _set_options(column, wanted, path, fresh=fresh)
    elif kind == "relation":
        _set_relation(call, columns, column, wanted, path)
    elif kind == "rollup":
        _set_rollup(call, columns, column, wanted, path)
    elif kind == "formula":
        column.config = {"expression": normalise_expression(columns, wanted.get("expression", ""), path)}
    elif kind == "unique_id":
        prefix = wanted.get("prefix", column.config.get("prefix"))
        column.config = {"prefix": errors.a_string(prefix, f"{path}.unique_id.prefix") if prefix else None}
    if before.type != kind:
        convert_column(call, columns.source, before, column)


def _set_options(column: Column, wanted: dict[str, Any], path: str, *, fresh: bool) -> None:
    if fresh and column.type == "status" and not wanted.get("options"):
        wanted = {"options": [{"name": name, "color": color} for name, color in _FRESH_STATUS]}
        column.config["spread"] = True
    if "options" in wanted:
        if not isinstance(wanted["options"], list):
            raise errors.bad_body(f"{path}.{column.type}.options", "an array", wanted["options"])
        column.config["options"] = [
            _option(column, option, f"{path}.{column.type}.options[{index}]")
            for index, option in enumerate(wanted["options"])
        ]
    else:
        column.config.setdefault("options", [])
    if column.type == "status":
        _regroup(column)


def _option(column: Column, option: Any, path: str) -> dict[str, Any]:
    if not isinstance(option, dict):
        raise errors.bad_body(path, "an object", option)
    known = find_option(column, option)
    if known is not None:
        if option.get("color") not in (None, known["color"]):
            raise errors.validation(f"Cannot update color of select with id {known['id']}.")
        renamed = option.get("name") if column.type != "status" else None
        return known | {"name": renamed or known["name"]} | _described(option)
    return new_option(option.get("name"), option.get("color"), f"{path}.name") | _described(option)


def _described(option: dict[str, Any]) -> dict[str, Any]:
    return {"description": option["description"] or None} if "description" in option else {}


def _regroup(column: Column) -> None:
    """New status options go to the first group; those of a fresh standard column to one group each."""
    groups = column.config.setdefault(
        "groups",
        [{"id": new_id(), "name": name, "color": color, "option_ids": []} for name, color in _GROUPS],
    )
    ids = [option["id"] for option in column.options]
    for group in groups:
        group["option_ids"] = [key for key in group["option_ids"] if key in ids]
    placed = {key for group in groups for key in group["option_ids"]}
    spread = column.config.pop("spread", False)
    for index, key in enumerate(ids):
        if key not in placed:
            groups[index if spread else 0]["option_ids"].append(key)


def _set_relation(call: Call, columns: Columns, column: Column, wanted: dict[str, Any], path: str) -> None:
    target = _related_source(call, wanted, f"{path}.relation")
    dual = wanted.get("type") == "dual_property" or ("dual_property" in wanted and wanted.get("type") is None)
    old = column.config
    same = old.get("data_source_id") == target.id
    if same and dual and mirror_of(call, column) is not None:
        return
    if old.get("synced"):
        if dual and not same:
            _drop_mirror(call, columns, column)
        else:
            _release_mirror(call, columns, column)
    column.config = {"data_source_id": target.id}
    if dual:
        _add_mirror(call, columns, column, target, wanted.get("dual_property") or {})


def _related_source(call: Call, wanted: dict[str, Any], path: str) -> Stored:
    if "data_source_id" in wanted:
        return call.find_in_body("data_source", f"{path}.data_source_id", wanted["data_source_id"])
    database = call.find_in_body("database", f"{path}.data_source_id", wanted.get("database_id"))
    return call.store.children(database.id, ("data_source",), trashed=True)[0]


def _add_mirror(call: Call, columns: Columns, column: Column, target: Stored, dual: dict[str, Any]) -> None:
    there = columns if target.id == columns.source.id else Columns(target)
    here = title_of(columns.source) or UNTITLED
    name = dual.get("synced_property_name") or f"Related to {here} ({column.name})"
    other = Column(
        new_column_id(there.by_id),
        there.free_name(name),
        "relation",
        {"data_source_id": columns.source.id, "synced": column.id},
    )
    there.by_id[other.id] = other
    column.config["synced"] = other.id
    if there is not columns:
        there.keep()
        call.touch(target)
        call.store.save(target)


def _drop_mirror(call: Call, columns: Columns, column: Column) -> None:
    mirror = mirror_of(call, column)
    if mirror is None:
        return
    source, other = mirror
    there = columns if source.id == columns.source.id else Columns(source)
    there.by_id.pop(other.id, None)
    if there is not columns:
        there.keep()
        call.store.save(source)


def _set_rollup(call: Call, columns: Columns, column: Column, wanted: dict[str, Any], path: str) -> None:
    relation = _named(columns, wanted, "relation_property", path)
    if relation.type != "relation":
        raise errors.validation(f"{relation.name} is expected to be relation.")
    source = call.find("data_source", relation.config["data_source_id"])
    there = columns if source.id == columns.source.id else Columns(source)
    target = _named(there, wanted, "rollup_property", path)
    function = wanted.get("function")
    if not isinstance(function, str) or function not in FUNCTIONS:
        raise errors.bad_body(f"{path}.rollup.function", "a rollup function", function)
    column.config = {"relation": relation.id, "target": target.id, "function": function}


def _named(columns: Columns, wanted: dict[str, Any], what: str, path: str) -> Column:
    key = wanted.get(f"{what}_id") or wanted.get(f"{what}_name")
    if not isinstance(key, str):
        raise errors.bad_body(f"{path}.rollup.{what}_name", "a string", key)
    found = columns.by_id.get(decode_column_id(key)) if wanted.get(f"{what}_id") else columns.find(key)
    if found is None:
        raise errors.no_such_column(key)
    return found
