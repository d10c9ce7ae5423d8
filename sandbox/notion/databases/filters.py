"""Filters of queries: checked against the columns, then a plain test of a row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.notion.columns.columns import Column, Columns
from sandbox.notion.columns.plain_cells import plain_cell
from sandbox.notion.databases import date_filters
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call
from sandbox.notion.state.clock import MINUTE_MS, moment
from sandbox.notion.state.ids import parse_id
from sandbox.notion.state.stored import Stored

RowTest = Callable[[Stored], bool]
ValueTest = Callable[[Any], bool]

_TEXT = frozenset({"title", "rich_text", "url", "email", "phone_number"})
_TIMES = ("created_time", "last_edited_time")
_MAX_DEPTH = 2
_VERIFICATIONS = ("verified", "expired", "none")
_EMPTIES = frozenset({"is_empty", "is_not_empty"})
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda value, operand: value == operand,
    "does_not_equal": lambda value, operand: value != operand,
    "contains": lambda value, operand: operand in value,
    "does_not_contain": lambda value, operand: operand not in value,
    "starts_with": lambda value, operand: value.startswith(operand),
    "ends_with": lambda value, operand: value.endswith(operand),
}
_NUMBER_TESTS: dict[str, Callable[[float, float], bool]] = {
    "equals": lambda value, operand: value == operand,
    "does_not_equal": lambda value, operand: value != operand,
    "greater_than": lambda value, operand: value > operand,
    "less_than": lambda value, operand: value < operand,
    "greater_than_or_equal_to": lambda value, operand: value >= operand,
    "less_than_or_equal_to": lambda value, operand: value <= operand,
}


def compile_filter(call: Call, columns: Columns, value: Any) -> RowTest:
    """The test that a filter stands for; `ApiError` when its grammar or a column is wrong."""
    return _compile(call, columns, value, "filter", 0)


def _compile(call: Call, columns: Columns, value: Any, path: str, depth: int) -> RowTest:
    if not isinstance(value, dict):
        raise errors.bad_body(path, "an object", value)
    for word, combine in (("and", all), ("or", any)):
        if word in value:
            if depth >= _MAX_DEPTH:
                raise errors.not_present(f"{path}.{word}", value[word])
            if not isinstance(value[word], list) or len(value) > 1:
                raise errors.bad_body(f"{path}.{word}", "an array on its own", value[word])
            tests = [
                _compile(call, columns, part, f"{path}.{word}[{index}]", depth + 1)
                for index, part in enumerate(value[word])
            ]
            return lambda row, tests=tests, combine=combine: combine(test(row) for test in tests)  # type: ignore[misc]
    now = moment(call.now())
    if "timestamp" in value:
        return _timestamp(value, now, path)
    key = value.get("property")
    if not isinstance(key, str):
        raise errors.bad_body(f"{path}.property", "a string", key)
    column = columns.named(key)
    kinds = [name for name in value if name not in ("property", "type")]
    if len(kinds) != 1:
        raise errors.validation(f"body failed validation: body.{path} should have exactly one condition.")
    test = value_test(column.type, kinds[0], value[kinds[0]], now, f"{path}.{kinds[0]}")
    return lambda row: test(plain_cell(call, columns, column, row))


def _timestamp(value: dict[str, Any], now: datetime, path: str) -> RowTest:
    kind = value["timestamp"]
    if kind not in _TIMES:
        raise errors.bad_body(f"{path}.timestamp", '"created_time" or "last_edited_time"', kind)
    for key, extra in value.items():
        if key not in ("timestamp", kind):
            raise errors.not_present(f"{path}.{key}", extra)
    test = _dates(value.get(kind), now, f"{path}.{kind}")

    def of_row(row: Stored) -> bool:
        ms = row.created if kind == "created_time" else row.edited
        return test(moment(ms - ms % MINUTE_MS))

    return of_row


def value_test(column_type: str, kind: str, condition: Any, now: datetime, path: str) -> ValueTest:
    """The test of one plain value of a column of this type."""
    fits = kind == column_type or (kind in _TEXT and column_type in _TEXT)
    if not fits or kind not in _TESTS:
        raise errors.validation(f"database property {column_type} does not match filter {kind}")
    return _TESTS[kind](condition, now, path)


def _one(condition: Any, allowed: frozenset[str], path: str) -> tuple[str, Any]:
    if not isinstance(condition, dict):
        raise errors.bad_body(path, "an object", condition)
    if len(condition) != 1 or not set(condition) <= allowed:
        for name, operand in condition.items():
            if name not in allowed:
                raise errors.not_present(f"{path}.{name}", operand)
        raise errors.bad_body(path, "exactly one condition", condition)
    return next(iter(condition.items()))


def _empties(name: str, operand: Any, path: str) -> ValueTest:
    if operand is not True:
        raise errors.bad_body(f"{path}.{name}", "`true`", operand)
    return lambda value: (value in (None, "", [])) == (name == "is_empty")


def _text(condition: Any, _: datetime, path: str) -> ValueTest:
    name, operand = _one(condition, _EMPTIES | set(_TEXT_TESTS), path)
    if name in _EMPTIES:
        return _empties(name, operand, path)
    if not isinstance(operand, str):
        raise errors.bad_body(f"{path}.{name}", "a string", operand)
    wanted, compare = operand.lower(), _TEXT_TESTS[name]
    return lambda value: compare((value or "").lower(), wanted)


def _number(condition: Any, _: datetime, path: str) -> ValueTest:
    name, operand = _one(condition, _EMPTIES | set(_NUMBER_TESTS), path)
    if name in _EMPTIES:
        return _empties(name, operand, path)
    if isinstance(operand, bool) or not isinstance(operand, int | float):
        raise errors.bad_body(f"{path}.{name}", "a number", operand)
    compare = _NUMBER_TESTS[name]
    return lambda value: name == "does_not_equal" if value is None else compare(value, operand)


def _unique_id(condition: Any, now: datetime, path: str) -> ValueTest:
    _one(condition, frozenset(_NUMBER_TESTS), path)
    return _number(condition, now, path)


def _checkbox(condition: Any, _: datetime, path: str) -> ValueTest:
    name, operand = _one(condition, frozenset({"equals", "does_not_equal"}), path)
    if not isinstance(operand, bool):
        raise errors.bad_body(f"{path}.{name}", "a boolean", operand)
    return lambda value: (bool(value) == operand) == (name == "equals")


def _choice(condition: Any, _: datetime, path: str) -> ValueTest:
    name, operand = _one(condition, _EMPTIES | {"equals", "does_not_equal"}, path)
    if name in _EMPTIES:
        return _empties(name, operand, path)
    wanted = _strings(operand, f"{path}.{name}")
    return lambda value: (value in wanted) == (name == "equals")


def _choices(condition: Any, _: datetime, path: str) -> ValueTest:
    name, operand = _one(condition, _EMPTIES | {"contains", "does_not_contain"}, path)
    if name in _EMPTIES:
        return _empties(name, operand, path)
    wanted = _strings(operand, f"{path}.{name}")
    return lambda value: any(part in wanted for part in value or []) == (name == "contains")


def _references(condition: Any, _: datetime, path: str) -> ValueTest:
    name, operand = _one(condition, _EMPTIES | {"contains", "does_not_contain"}, path)
    if name in _EMPTIES:
        return _empties(name, operand, path)
    wanted = parse_id(operand)
    if wanted is None and operand != "me":
        raise errors.bad_body(f"{path}.{name}", "a valid uuid", operand)
    return lambda value: (wanted in (value or [])) == (name == "contains")


def _files(condition: Any, _: datetime, path: str) -> ValueTest:
    return _empties(*_one(condition, _EMPTIES, path), path)


def _dates(condition: Any, now: datetime, path: str) -> ValueTest:
    name, operand = _one(condition, date_filters.CONDITIONS, path)
    return date_filters.date_test(name, operand, now, path)


def _formula(condition: Any, now: datetime, path: str) -> ValueTest:
    kind, inner = _one(condition, frozenset({"string", "checkbox", "number", "date"}), path)
    key = {"string": "rich_text"}.get(kind, kind)
    test = _TESTS[key](inner, now, f"{path}.{kind}")
    result = {"checkbox": "boolean"}.get(kind, kind)

    def of_value(value: tuple[str, Any]) -> bool:
        if value[0] == "unsupported":
            raise errors.validation("Unable to filter based on a formula of unknown type")
        return value[0] == result and test(value[1])

    return of_value


def _rollup(condition: Any, now: datetime, path: str) -> ValueTest:
    quantor, inner = _one(condition, frozenset({"any", "every", "none", "number", "date"}), path)
    if quantor in ("number", "date"):
        test = _TESTS[quantor](inner, now, f"{path}.{quantor}")
        return lambda value: value[0] == quantor and test(value[1])
    if not isinstance(inner, dict) or len(inner) != 1:
        raise errors.bad_body(f"{path}.{quantor}", "exactly one filter", inner)
    kind, conditions = next(iter(inner.items()))
    if kind not in _TESTS:
        raise errors.not_present(f"{path}.{quantor}.{kind}", conditions)
    test = _TESTS[kind](conditions, now, f"{path}.{quantor}.{kind}")

    def of_value(value: tuple[str, Any]) -> bool:
        hits = [test(item) for item in value[1]] if value[0] == "array" else []
        if quantor == "every":
            return bool(hits) and all(hits)
        return any(hits) == (quantor == "any")

    return of_value


def _verification(condition: Any, _: datetime, path: str) -> ValueTest:
    operand = _one(condition, frozenset({"status"}), path)[1]
    if operand not in _VERIFICATIONS:
        raise errors.bad_body(f"{path}.status", '`"verified"`, `"expired"` or `"none"`', operand)
    return lambda value: (value or "none") == operand


def _strings(operand: Any, path: str) -> list[str]:
    wanted = operand if isinstance(operand, list) else [operand]
    if not all(isinstance(part, str) for part in wanted):
        raise errors.bad_body(path, "a string", operand)
    return wanted


_TESTS: dict[str, Callable[[Any, datetime, str], ValueTest]] = {
    **dict.fromkeys(_TEXT, _text),
    "number": _number,
    "unique_id": _unique_id,
    "checkbox": _checkbox,
    "select": _choice,
    "status": _choice,
    "multi_select": _choices,
    "people": _references,
    "created_by": _references,
    "last_edited_by": _references,
    "relation": _references,
    "files": _files,
    "date": _dates,
    "created_time": _dates,
    "last_edited_time": _dates,
    "formula": _formula,
    "rollup": _rollup,
    "verification": _verification,
}


def column_of(columns: Columns, key: str) -> Column:
    """The column that a sort names."""
    found = columns.find(key)
    if found is None:
        raise errors.validation(f"Could not find sort property with name or id: {key}")
    return found
