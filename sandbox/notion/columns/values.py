"""Values of columns as written: checked, and brought into the form in which they are kept."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.notion.columns.columns import READ_ONLY, TYPES, Column
from sandbox.notion.columns.options import find_option, new_option
from sandbox.notion.parts import dates, kept_files, rich_text
from sandbox.notion.parts.file_uploads import as_file
from sandbox.notion.parts.rich_text import length
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call
from sandbox.notion.state.clock import minute_text
from sandbox.notion.state.ids import parse_id

MAX_REFERENCES = 100
_LENGTHS = {"url": 2000, "email": 200, "phone_number": 200}


def read_value(call: Call, column: Column, value: Any, path: str) -> Any:
    """What is kept of a written value. New select options go into `column`, which the caller keeps.

    Raises `ApiError` for a value of another type, of a read-only type, or beyond a limit.
    """
    if column.type in ("title", "rich_text") and isinstance(value, list):
        value = {column.type: value}
    if value is None or not isinstance(value, dict):
        raise errors.bad_body(path, "an object", value)
    if column.type not in value:
        given = next((key for key in value if key in TYPES), str(value.get("type")))
        if given in TYPES and given not in READ_ONLY:
            raise errors.validation(f"{column.name} is expected to be {column.type}.")
        if column.type not in READ_ONLY:
            raise errors.bad_body(f"{path}.{column.type}", "defined")
    if column.type in READ_ONLY or column.type not in _READERS:
        raise errors.validation(
            f"{column.name} is a read-only property of type {column.type}: it cannot be set."
        )
    return _READERS[column.type](call, column, value[column.type], f"{path}.{column.type}")


def empty_value(column: Column) -> Any:
    """What a new page has in a column that it does not name."""
    if column.type == "checkbox":
        return False
    if column.type == "status":
        groups = column.config.get("groups") or [{}]
        first = groups[0].get("option_ids") or [option["id"] for option in column.options]
        return first[0] if first else None
    return (
        [] if column.type in ("title", "rich_text", "multi_select", "people", "files", "relation") else None
    )


def _runs(call: Call, _: Column, value: Any, path: str) -> Any:
    return rich_text.normalise(call, [] if value is None else value, path)


def _number(_: Call, __: Column, value: Any, path: str) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise errors.bad_body(path, "a number or `null`", value)
    return value if value is None else _double(value, path)


def _double(value: int | float, path: str) -> int | float:
    """The number as JSON shows a double: the fewest digits that tell it, whole ones without a fraction."""
    try:
        double = float(value)
        whole = double.is_integer() and abs(double) < 1e21
        return int(Decimal(repr(double))) if whole else double
    except OverflowError:
        raise errors.bad_body(path, "a number or `null`", value) from None


def _checkbox(_: Call, __: Column, value: Any, path: str) -> Any:
    if not isinstance(value, bool):
        raise errors.bad_body(path, "a boolean", value)
    return value


def _string(_: Call, column: Column, value: Any, path: str) -> Any:
    if value is not None and not isinstance(value, str):
        raise errors.bad_body(path, "a string or `null`", value)
    if value and length(value) > _LENGTHS[column.type]:
        raise errors.too_long(path, _LENGTHS[column.type], length(value))
    return value or None


def _date(_: Call, __: Column, value: Any, path: str) -> Any:
    return dates.normalise(value, path)


def _select(_: Call, column: Column, value: Any, path: str) -> Any:
    return None if value is None else _option(column, value, path)


def _multi_select(_: Call, column: Column, value: Any, path: str) -> Any:
    chosen = [_option(column, option, f"{path}[{index}]") for index, option in enumerate(_list(value, path))]
    return list(dict.fromkeys(chosen))


def _option(column: Column, value: Any, path: str) -> str:
    if not isinstance(value, dict):
        raise errors.bad_body(path, "an object or `null`", value)
    known = find_option(column, value)
    color = value.get("color")
    if known is not None:
        if color not in (None, known["color"]):
            raise errors.validation(f"Select option color doesn't match existing for option {known['name']}.")
        return str(known["id"])
    if "name" not in value:
        if "id" in value:
            raise errors.validation(f"Select option with id {value['id']} does not exist.")
        raise errors.bad_body(f"{path}.name", "defined")
    option = new_option(value["name"], color, f"{path}.name")
    column.options.append(option)
    return str(option["id"])


def _status(_: Call, column: Column, value: Any, path: str) -> Any:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise errors.bad_body(path, "an object or `null`", value)
    known = find_option(column, value)
    if known is None:
        raise errors.validation(
            f'Invalid status option. Status option "{value.get("name", value.get("id"))}" does not exist.'
        )
    return known["id"]


def _people(call: Call, _: Column, value: Any, path: str) -> Any:
    people = _list(value, path)
    found = []
    for index, person in enumerate(people):
        where = f"{path}[{index}].id"
        given = errors.an_object(person, f"{path}[{index}]").get("id")
        user_id = parse_id(given)
        if user_id is None:
            raise errors.bad_body(where, "a valid uuid", given)
        if call.store.get(user_id) is None:
            raise errors.ApiError(404, "object_not_found", f"Could not find user with ID: {user_id}.")
        found.append(user_id)
    return list(dict.fromkeys(found))


def _files(call: Call, _: Column, value: Any, path: str) -> Any:
    files = []
    for index, file in enumerate(_list(value, path)):
        where = f"{path}[{index}]"
        if not isinstance(file, dict):
            raise errors.bad_body(where, "an object", file)
        kind = next((kind for kind in ("external", "file", "file_upload") if kind in file), None)
        if kind is None:
            raise errors.bad_body(f"{where}.external", "defined")
        content, name = kept_files.as_kept(file[kind]), file.get("name")
        if kind == "file_upload":
            content, uploaded = as_file(call, content, f"{where}.file_upload")
            kind, name = "file", name or uploaded
        address = content.get("url") if isinstance(content, dict) else None
        if not isinstance(address, str):
            raise errors.bad_body(f"{where}.{kind}.url", "a string", address)
        name = errors.a_string(name, f"{where}.name") if name else address.rsplit("/", 1)[-1]
        if length(name) > 100:
            raise errors.too_long(f"{where}.name", 100, length(name))
        files.append({"name": name, "type": kind, kind: content})
    return files


def _relation(call: Call, _: Column, value: Any, path: str) -> Any:
    found = []
    for index, page in enumerate(_list(value, path)):
        target = page.get("id") if isinstance(page, dict) else None
        found.append(call.find_in_body("page", f"{path}[{index}].id", target).id)
    return list(dict.fromkeys(found))


def _place(_: Call, __: Column, value: Any, path: str) -> Any:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise errors.bad_body(path, "an object or `null`", value)
    for key in ("lat", "lon"):
        if not isinstance(value.get(key), int | float):
            raise errors.bad_body(f"{path}.{key}", "a number", value.get(key))
    keys = ("lat", "lon", "name", "address", "aws_place_id", "google_place_id")
    return {key: value.get(key) for key in keys}


def _verification(call: Call, _: Column, value: Any, path: str) -> Any:
    state = value.get("state") if isinstance(value, dict) else None
    if state not in ("verified", "unverified"):
        raise errors.bad_body(f"{path}.state", '`"verified"` or `"unverified"`', state)
    if state == "unverified":
        return None
    day = {"start": minute_text(call.now()), "end": None, "time_zone": None}
    return {"state": state, "verified_by": {"object": "user", "id": call.user.id}, "date": day}


def _list(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise errors.bad_body(path, "an array", value)
    if len(value) > MAX_REFERENCES:
        raise errors.too_long(path, MAX_REFERENCES, len(value))
    return value


_READERS: dict[str, Callable[[Call, Column, Any, str], Any]] = {
    "title": _runs,
    "rich_text": _runs,
    "number": _number,
    "checkbox": _checkbox,
    "url": _string,
    "email": _string,
    "phone_number": _string,
    "date": _date,
    "select": _select,
    "multi_select": _multi_select,
    "status": _status,
    "people": _people,
    "files": _files,
    "relation": _relation,
    "place": _place,
    "verification": _verification,
}
