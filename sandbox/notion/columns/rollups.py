"""Rollups: what a column of the related pages comes to."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from sandbox.notion.columns.columns import Column, Columns, rollup_target
from sandbox.notion.columns.kept import ShowCell
from sandbox.notion.parts import dates
from sandbox.notion.requests.call import Call
from sandbox.notion.state.stored import Stored

_DATE_FUNCTIONS = frozenset({"earliest_date", "latest_date", "date_range"})
#: Longer lists of related pages are not read to the end.
MAX_REFERENCES = 25
#: Rollups within rollups are followed this deep.
MAX_DEPTH = 2
_depth: ContextVar[int] = ContextVar("depth of rollups", default=0)


def rollup_value(
    call: Call, columns: Columns, column: Column, page: Stored, show: ShowCell, *, whole: bool = False
) -> dict[str, Any]:
    """The value of a rollup as answers show it, over all related pages if `whole`."""
    function = column.config["function"]
    if not _can_be_worked_out(call, columns, column):
        return {"type": "unsupported", "unsupported": {}, "function": function}
    if function == "count":
        page_ids = page.doc["values"].get(column.config["relation"], [])
        return {"type": "number", "number": len(page_ids), "function": function}
    return _apply(function, rolled_up(call, columns, column, page, show, whole=whole)) | {
        "function": function
    }


def rolled_up(
    call: Call, columns: Columns, column: Column, page: Stored, show: ShowCell, *, whole: bool
) -> list[dict[str, Any]]:
    """The cells that a rollup looks at, each with its type; of the first related pages unless `whole`."""
    target = rollup_target(call, columns, column)
    relation = columns.by_id.get(column.config["relation"])
    if target is None or relation is None or not _can_be_worked_out(call, columns, column):
        return []
    page_ids = page.doc["values"].get(relation.id, [])[: None if whole else MAX_REFERENCES]
    there = Columns(call.find("data_source", relation.config["data_source_id"]))
    pages = call.store.get_many(page_ids)
    mark = _depth.set(_depth.get() + 1)
    try:
        return [
            {"type": target.type} | show(call, there, target, pages[page_id], whole=whole)
            for page_id in page_ids
            if page_id in pages
        ]
    finally:
        _depth.reset(mark)


def _can_be_worked_out(call: Call, columns: Columns, column: Column) -> bool:
    return rollup_target(call, columns, column) is not None and _depth.get() < MAX_DEPTH


def _apply(function: str, cells: list[dict[str, Any]]) -> dict[str, Any]:
    if function == "show_original":
        return {"type": "array", "array": cells}
    values = [plain_value(cell) for cell in cells]
    present = [value for value in values if value not in (None, "", [], False)]
    if function == "show_unique":
        unique: list[dict[str, Any]] = []
        for cell in cells:
            if cell not in unique:
                unique.append(cell)
        return {"type": "array", "array": unique}
    if function in _DATE_FUNCTIONS:
        return {"type": "date", "date": _date(function, [cell for cell in cells if cell["type"] == "date"])}
    if function in _COUNTS:
        return {"type": "number", "number": _COUNTS[function](values, present)}
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return {
        "type": "number",
        "number": _NUMBERS[function](numbers) if numbers and function in _NUMBERS else None,
    }


def plain_value(cell: dict[str, Any]) -> Any:
    """A shown cell without its wrapping: text, number, boolean, date text, or a list of names or ids."""
    value = cell[cell["type"]]
    if cell["type"] in ("title", "rich_text"):
        return "".join(run["plain_text"] for run in value)
    if cell["type"] in ("formula", "rollup"):
        return value[value["type"]]
    if isinstance(value, dict) and "name" in value:
        return value["name"]
    if isinstance(value, dict) and "start" in value:
        return value["start"]
    if isinstance(value, list):
        return [item.get("name") or item.get("id") for item in value]
    return value


def _date(function: str, cells: list[dict[str, Any]]) -> dict[str, Any] | None:
    found = sorted(
        (cell["date"] for cell in cells if cell["date"]),
        key=lambda value: dates.as_moment(dates.parse(value["start"]) or datetime.min),
    )
    if not found:
        return None
    if function == "date_range":
        return {"start": found[0]["start"], "end": found[-1]["end"] or found[-1]["start"], "time_zone": None}
    chosen: dict[str, Any] = found[0] if function == "earliest_date" else found[-1]
    return chosen


def _percent(part: int, whole: int) -> float:
    return part / whole if whole else 0


_COUNTS: dict[str, Callable[[list[Any], list[Any]], float]] = {
    "count_values": lambda _, present: sum(len(v) if isinstance(v, list) else 1 for v in present),
    "empty": lambda values, present: len(values) - len(present),
    "not_empty": lambda _, present: len(present),
    "unique": lambda _, present: len({str(value) for value in present}),
    "percent_empty": lambda values, present: _percent(len(values) - len(present), len(values)),
    "percent_not_empty": lambda values, present: _percent(len(present), len(values)),
    "checked": lambda values, _: sum(value is True for value in values),
    "unchecked": lambda values, _: sum(value is not True for value in values),
    "percent_checked": lambda values, _: _percent(sum(value is True for value in values), len(values)),
    "percent_unchecked": lambda values, _: _percent(sum(value is not True for value in values), len(values)),
}
_NUMBERS: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "average": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
    "range": lambda numbers: max(numbers) - min(numbers),
}

FUNCTIONS = frozenset({*_COUNTS, *_NUMBERS, *_DATE_FUNCTIONS, "count", "show_original", "show_unique"})
