"""Formulas: expressions are kept with columns named by id, and worked out for every page that is shown."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from sandbox.notion.columns.columns import OPTION_TYPES, Column, Columns
from sandbox.notion.columns.formula.evaluate import Scope, evaluate, finite, result_type
from sandbox.notion.columns.formula.functions import Span, as_text
from sandbox.notion.columns.formula.syntax import FormulaError, Node, Reference, parse, write
from sandbox.notion.columns.kept import ShowCell, kept
from sandbox.notion.columns.rollups import plain_value, rollup_value
from sandbox.notion.parts import dates
from sandbox.notion.requests import errors
from sandbox.notion.requests.call import Call
from sandbox.notion.state.clock import moment
from sandbox.notion.state.ids import WORKSPACE_ID, encode_column_id
from sandbox.notion.state.stored import Stored

#: Values of computed columns by id; None while one is being worked out.
Known = dict[str, dict[str, Any] | None]
_LISTS = frozenset({"multi_select", "people", "relation", "files"})
_DATES = frozenset({"date", "created_time", "last_edited_time"})


def normalise_expression(columns: Columns, expression: Any, path: str) -> str:
    """The expression as it is kept; `ApiError` when it is no formula or names an unknown column."""
    if not isinstance(expression, str):
        raise errors.bad_body(f"{path}.formula.expression", "a string", expression)

    def resolve(name: str) -> str | None:
        found = columns.find(name)
        return found.id if found else None

    def reference(node: Reference) -> str:
        shown = encode_column_id(node.column)
        return node.known or f"{{{{notion:block_property:{shown}:{columns.source.id}:{WORKSPACE_ID}}}}}"

    try:
        return write(parse(expression, resolve), reference)
    except RecursionError:
        raise errors.validation("Type error with formula: it is nested too deeply.") from None
    except FormulaError as problem:
        raise errors.validation(f"Type error with formula: {problem}.") from None


@lru_cache(maxsize=500)
def _parsed(expression: str) -> Node:
    return parse(expression, unquote)


def formula_value(
    call: Call, columns: Columns, column: Column, page: Stored, show: ShowCell, known: Known | None = None
) -> dict[str, Any]:
    """The value of a formula as answers show it; `unsupported` where it cannot be worked out here.

    `known` holds what other computed columns of the page came to, so that each is worked out once.
    """
    known = {} if known is None else known
    known[column.id] = None
    scope = Scope(
        cell=lambda key: _cell(call, columns, key, page, show, known),
        type_of=lambda key: _type(call, columns, key, page, show, known),
        now=moment(call.now()),
    )
    try:
        node = _parsed(column.config["expression"])
        value, kind = evaluate(node, scope), result_type(node, scope)
    except (FormulaError, RecursionError, KeyError):
        return {"type": "unsupported", "unsupported": {}}
    if kind == "item":
        kind = _type_of_value(value)
    match kind:
        case "number":
            return {"type": "number", "number": None if value is None else finite(value)}
        case "boolean":
            return {"type": "boolean", "boolean": bool(value)}
        case "date":
            return {"type": "date", "date": _date(value)}
        case _:
            return {"type": "string", "string": as_text(value) or None}


def _type_of_value(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "date" if isinstance(value, Span) else "string"


def _date(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Span):
        return None
    end = None if value.end is None else dates.show(value.end)
    return {"start": dates.show(value.start), "end": end, "time_zone": None}


def _type(call: Call, columns: Columns, key: str, page: Stored, show: ShowCell, known: Known) -> str:
    column = columns.by_id[key]
    if column.type in ("formula", "rollup"):
        return str(_computed(call, columns, column, page, show, known)["type"]).replace("array", "list")
    if column.type in _DATES:
        return "date"
    if column.type in _LISTS:
        return "list"
    return {"number": "number", "checkbox": "boolean"}.get(column.type, "string")


def _computed(
    call: Call, columns: Columns, column: Column, page: Stored, show: ShowCell, known: Known
) -> dict[str, Any]:
    if column.id in known:
        value = known[column.id]
        if value is None:
            raise FormulaError(f"{column.name} refers to itself")
        return value
    if column.type == "rollup":
        value = rollup_value(call, columns, column, page, show)
    else:
        value = formula_value(call, columns, column, page, show, known)
    known[column.id] = value
    return value


def _cell(call: Call, columns: Columns, key: str, page: Stored, show: ShowCell, known: Known) -> Any:
    column = columns.by_id[key]
    if column.type in ("formula", "rollup"):
        shown = _computed(call, columns, column, page, show, known)
        value = shown[shown["type"]]
        if shown["type"] == "unsupported":
            raise FormulaError(f"{column.name} cannot be worked out")
        if shown["type"] == "array":
            return [plain_value(item) for item in value]
        return _span(value) if shown["type"] == "date" else value
    if column.type in ("created_time", "last_edited_time"):
        ms = page.created if column.type == "created_time" else page.edited
        return Span(moment(ms - ms % 60_000))
    if column.type == "date":
        return _span(kept(column, page))
    if column.type == "unique_id":
        prefix = column.config.get("prefix")
        return f"{prefix}-{page.doc.get('number')}" if prefix else str(page.doc.get("number"))
    shown = {"type": column.type} | show(call, columns, column, page)
    value = plain_value(shown)
    return value or ("" if column.type in OPTION_TYPES and column.type not in _LISTS else value)


def _span(value: dict[str, Any] | None) -> Span | None:
    start = dates.start_of(value)
    if value is None or start is None:
        return None
    return Span(start, dates.parse(value["end"]) if value["end"] else None)
