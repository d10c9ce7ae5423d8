"""Filters of rows in Notion's grammar: checked against the columns, made of a short form, and joined. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from itertools import product
from math import prod
from typing import Any
from urllib.parse import unquote

from tasks.errors import TaskDefinitionError
from tasks.services.notion.columns.column import Column

Json = dict[str, Any]

#: How deep `and` and `or` may be nested in a query.
DEPTH = 2

#: Most alternatives that two filters may come to when they are joined.
ALTERNATIVES = 100

_EMPTY = ("is_empty", "is_not_empty")
_EQUAL = ("equals", "does_not_equal")
_CONTAINS = ("contains", "does_not_contain", *_EMPTY)
_TEXT = (*_EQUAL, "contains", "does_not_contain", "starts_with", "ends_with", *_EMPTY)
_ORDER = ("greater_than", "less_than", "greater_than_or_equal_to", "less_than_or_equal_to")
_WEEKS = ("past_week", "past_month", "past_year", "this_week", "next_week", "next_month", "next_year")
_DATE = ("equals", "before", "after", "on_or_before", "on_or_after", *_WEEKS, *_EMPTY)

#: The conditions of each type of property; of a type that is not named here Notion says what it takes.
CONDITIONS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("title", "rich_text", "url", "email", "phone_number"), _TEXT),
    **dict.fromkeys(("number", "unique_id"), (*_EQUAL, *_ORDER, *_EMPTY)),
    **dict.fromkeys(("select", "status"), (*_EQUAL, *_EMPTY)),
    **dict.fromkeys(("multi_select", "people", "created_by", "last_edited_by", "relation"), _CONTAINS),
    **dict.fromkeys(("date", "created_time", "last_edited_time"), _DATE),
    "checkbox": _EQUAL,
    "files": _EMPTY,
}
_TEXTS = ("title", "url", "email", "phone_number")
_STAMPS = ("created_time", "last_edited_time")
_OPTIONS = ("select", "status", "multi_select")

#: Types that the short form can pick by: with which condition, and what the values are.
_PICKED: Mapping[str, tuple[str, type | tuple[type, ...], str]] = {
    **dict.fromkeys(("title", "rich_text", "url", "email", "phone_number"), ("equals", str, "a text")),
    **dict.fromkeys(("select", "status"), ("equals", str, "the name of an option")),
    "multi_select": ("contains", str, "the name of an option"),
    **dict.fromkeys(("people", "relation"), ("contains", str, "an id")),
    "number": ("equals", (int, float), "a number"),
    "checkbox": ("equals", bool, "true or false"),
}


def checked(filter: Any, columns: Mapping[str, Column], where: str) -> Json:
    """The filter with its properties by id, as they go on when they are renamed.

    Args:
        filter: in Notion's grammar, with names or ids of properties.
        columns: by the names under which the task knows them.
        where: what the data source is called in messages.

    Raises:
        TaskDefinitionError: it names a property, a condition or an option that is not there.
    """
    if not isinstance(filter, Mapping) or not filter:
        raise TaskDefinitionError(f"filter: {_shown(filter)} is no condition; it is a table with 'property'")
    for word in ("and", "or"):
        if word in filter:
            parts = filter[word]
            if len(filter) > 1 or not isinstance(parts, Sequence) or isinstance(parts, str) or not parts:
                raise TaskDefinitionError(f"filter: {word!r} stands alone, with a list of conditions")
            return {word: [checked(part, columns, where) for part in parts]}
    if "timestamp" in filter:
        stamp = filter["timestamp"]
        if stamp not in _STAMPS:
            raise TaskDefinitionError(f"filter: timestamp is {' or '.join(_STAMPS)}, not {_shown(stamp)}")
        return {"timestamp": stamp, stamp: _condition(filter, stamp, stamp, str(stamp))}
    column = _column(filter.get("property"), columns, where, "filter")
    kinds = {column.type, "rich_text"} if column.type in _TEXTS else {column.type}
    said = [key for key in filter if key not in ("property", "type")]
    if len(said) != 1 or (said[0] not in kinds and column.type in CONDITIONS):
        raise TaskDefinitionError(
            f"filter: {column.name!r} of {where} is of type {column.type}: its condition stands under "
            f"{column.type!r}, not under {', '.join(map(repr, said)) or 'nothing'}"
        )
    kind = said[0]
    condition = _condition(filter, kind, column.type, column.name)
    for name, value in condition.items():
        if column.type in _OPTIONS and name not in _EMPTY:
            _check_options(column, value, "filter")
    return {"property": unquote(column.id), kind: condition}


def picked(only: Mapping[str, Any], columns: Mapping[str, Column], where: str) -> Json | None:
    """The filter that a short form stands for: of each property the value, or the list of values, that rows have.

    Raises:
        TaskDefinitionError: it names a property or an option that is not there, or one of another type.
    """
    return all_of(*(_any_value(name, held, columns, where) for name, held in only.items()))


def _any_value(name: str, held: Any, columns: Mapping[str, Column], where: str) -> Json:
    column = _column(name, columns, where, "only")
    if column.type not in _PICKED:
        raise TaskDefinitionError(
            f"only: {name!r} of {where} is of type {column.type}, which `only` cannot pick by: use `filter`"
        )
    condition, kind, wanted = _PICKED[column.type]
    values = list(held) if isinstance(held, list | tuple) else [held]
    wrong = [value for value in values if not _is_a(value, kind)]
    if wrong or not values:
        what = ", ".join(map(_shown, wrong)) or "an empty list"
        raise TaskDefinitionError(f"only: {name!r} takes {wanted}, or a list of those, not {what}")
    if column.type in _OPTIONS:
        _check_options(column, values, "only")
    parts = [{"property": unquote(column.id), column.type: {condition: value}} for value in values]
    return parts[0] if len(parts) == 1 else {"or": parts}


def _is_a(value: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _column(name: Any, columns: Mapping[str, Column], where: str, said: str) -> Column:
    by_id = {unquote(column.id): column for column in columns.values()}
    found = columns.get(name) or by_id.get(unquote(name)) if isinstance(name, str) else None
    if found is None:
        raise TaskDefinitionError(
            f"{said}: {where} has no property {_shown(name)}; it has {', '.join(sorted(columns))}"
        )
    return found


def _condition(filter: Mapping[str, Any], kind: str, type_: str, name: str) -> Json:
    condition = filter.get(kind)
    known = CONDITIONS.get(type_)
    if not isinstance(condition, Mapping) or not condition:
        raise TaskDefinitionError(f"filter: under {kind!r} of {name!r} stands a table with one condition")
    if known is not None:
        for word in condition:
            if word not in known:
                raise TaskDefinitionError(
                    f"filter: {word!r} is no condition for {name!r} ({type_}); there are {', '.join(known)}"
                )
    return {word: _as_json(value) for word, value in condition.items()}


def _check_options(column: Column, value: Any, said: str) -> None:
    known = {*column.options, *column.option_names, *column.groups.values()}
    for name in value if isinstance(value, list | tuple) else [value]:
        if not isinstance(name, str) or name not in known:
            raise TaskDefinitionError(
                f"{said}: {column.name!r} has no option {_shown(name)}; it has {', '.join(column.options) or 'none'}"
            )


def _as_json(value: Any) -> Any:
    """A value of a table in TOML as JSON has it: dates and moments are texts there."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _as_json(part) for key, part in value.items()}
    return [_as_json(part) for part in value] if isinstance(value, list | tuple) else value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "…"


# -- joining ----------------------------------------------------------------------------------------------


def is_filter(found: Any) -> bool:
    """Whether this has the form of a filter, whatever its conditions say."""
    if not isinstance(found, Mapping) or not found:
        return False
    parts = [found[word] for word in ("and", "or") if word in found]
    return all(isinstance(part, list) and part and all(map(is_filter, part)) for part in parts)


def all_of(*filters: Mapping[str, Any] | None) -> Json | None:
    """What fulfils each of these filters; `None` where there is none.

    Raises:
        TaskDefinitionError: they cannot be joined without nesting deeper than Notion takes.
    """
    parts = [part for filter in filters if filter is not None for part in _conjuncts(filter)]
    if not parts:
        return None
    joined = dict(parts[0]) if len(parts) == 1 else {"and": parts}
    if _depth(joined) <= DEPTH:
        return joined
    return {"or": [{"and": choice} for choice in _alternatives(joined)]}


def _conjuncts(filter: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if set(filter) != {"and"}:
        return [filter]
    return [part for condition in filter["and"] for part in _conjuncts(condition)]


def _depth(filter: Mapping[str, Any]) -> int:
    parts = filter.get("and") or filter.get("or") or ()
    return 1 + max(map(_depth, parts)) if parts else 0


def _alternatives(filter: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """The filter as conditions that hold together, of which one list must."""
    if "or" in filter:
        return [choice for part in filter["or"] for choice in _alternatives(part)]
    if "and" in filter:
        sets = [_alternatives(part) for part in filter["and"]]
        number = prod(map(len, sets))
        if number > max(ALTERNATIVES, *map(len, sets)):
            raise TaskDefinitionError(
                f"filter, only and view come to {number:,} alternatives when they are joined: say less in one"
            )
        return [[leaf for part in choice for leaf in part] for choice in product(*sets)]
    return [[filter]]
