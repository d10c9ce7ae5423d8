"""How a view looks: what each type of view can be told, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.notion.columns.columns import Column, Columns
from sandbox.notion.requests import errors
from sandbox.notion.state.ids import decode_column_id, encode_column_id

Json = dict[str, Any]
#: Gives a value as it is kept; `ApiError` 400 when it is none.
Check = Callable[[Columns, Any, str], Any]


def read(columns: Columns, kind: str, before: Json, given: Any) -> Json:
    """The configuration of a view after a write: what is given replaces what was there, null takes it away."""
    path = "configuration"
    told = errors.an_object(given, path)
    wanted = told.get("type")
    if not isinstance(wanted, str) or wanted not in _KEYS:
        raise errors.bad_body(f"{path}.type", " or ".join(f'`"{name}"`' for name in _KEYS), wanted)
    if wanted != kind:
        raise errors.validation(f'Configuration type "{wanted}" does not match view type "{kind}"')
    for key in _REQUIRED.get(kind, ()):
        if told.get(key) is None:
            raise errors.bad_body(f"{path}.{key}", "defined")
    kept = dict(before)
    for key, value in told.items():
        if key == "type":
            continue
        if key not in _KEYS[kind]:
            raise errors.not_present(f"{path}.{key}", value)
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = _KEYS[kind][key](columns, value, f"{path}.{key}")
    return kept


def default(columns: Columns, kind: str) -> Json:
    """The configuration of a new view that is told nothing: where it needs a column, the first one that fits."""
    if kind == "board":
        column = _first(columns, "status", "select", "multi_select", "people")
        return {"group_by": _grouped(column)} if column else {}
    if kind in ("calendar", "timeline"):
        column = _first(columns, "date", "created_time", "last_edited_time")
        return {"date_property_id": encode_column_id(column.id)} if column else {}
    if kind == "map":
        column = _first(columns, "place")
        return {"map_by": encode_column_id(column.id)} if column else {}
    if kind == "chart":
        return {"chart_type": "column"}
    return {"rows": []} if kind == "dashboard" else {}


def show(columns: Columns, kind: str, kept: Json) -> Json:
    """A configuration as answers show it: columns with their names of now."""

    def named(value: Json) -> Json:
        column = columns.by_id.get(decode_column_id(str(value.get("property_id"))))
        return value | ({"property_name": column.name} if column else {})

    shown: Json = {"type": kind}
    for key, value in kept.items():
        if key in ("group_by", "sub_group_by", "x_axis", "stack_by"):
            shown[key] = named(value)
        elif key in ("properties", "table_properties"):
            shown[key] = [named(entry) for entry in value]
        else:
            shown[key] = value
        name = _NAMES.get(key)
        column = columns.by_id.get(decode_column_id(value)) if name else None
        if name and column:
            shown[name] = column.name
    return shown


_NAMES = {
    "date_property_id": "date_property_name",
    "end_date_property_id": "end_date_property_name",
    "map_by": "map_by_property_name",
}


def _first(columns: Columns, *kinds: str) -> Column | None:
    found = [column for kind in kinds for column in columns if column.type == kind]
    return found[0] if found else None


def _grouped(column: Column) -> Json:
    by = {"status": {"group_by": "option"}}.get(column.type, {})
    kind = {"people": "person"}.get(column.type, column.type)
    return {"type": kind, "property_id": encode_column_id(column.id), **by, "sort": {"type": "manual"}}


# -- what a key can hold ----------------------------------------------------------------------------------


def _one_of(*allowed: Any) -> Check:
    def check(_: Columns, value: Any, path: str) -> Any:
        if isinstance(value, bool) or value not in allowed:
            raise errors.bad_body(path, " or ".join(errors.shown(each) for each in allowed), value)
        return value

    return check


def _boolean(_: Columns, value: Any, path: str) -> Any:
    if not isinstance(value, bool):
        raise errors.bad_body(path, "a boolean", value)
    return value


def _number(_: Columns, value: Any, path: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise errors.bad_body(path, "a number", value)
    return value


def _string(_: Columns, value: Any, path: str) -> Any:
    return errors.a_string(value, path)


def _column(columns: Columns, value: Any, path: str) -> Any:
    return encode_column_id(columns.named(errors.a_string(value, path)).id)


def _object(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    def check(columns: Columns, value: Any, path: str) -> Any:
        given = errors.an_object(value, path)
        for key in required:
            if key not in given:
                raise errors.bad_body(f"{path}.{key}", "defined")
        known = required | (optional or {})
        for key in given:
            if key not in known:
                raise errors.not_present(f"{path}.{key}", given[key])
        return {key: known[key](columns, part, f"{path}.{key}") for key, part in given.items()}

    return check


def _list(entry: Check) -> Check:
    def check(columns: Columns, value: Any, path: str) -> Any:
        entries = errors.an_array(value, path)
        return [entry(columns, part, f"{path}[{index}]") for index, part in enumerate(entries)]

    return check


_SORT = _object({"type": _one_of("manual", "ascending", "descending")})
_TEXT_GROUPS = _one_of("exact", "alphabet_prefix")
_DATE_GROUPS = _one_of("relative", "day", "week", "month", "year")
_WEEK: dict[str, Check] = {"start_day_of_week": _one_of(0, 1)}
_RANGE: dict[str, Check] = {"range_start": _number, "range_end": _number, "range_size": _number}
_SUB_GROUPS = {
    "date": _object({"type": _string, "group_by": _DATE_GROUPS, "sort": _SORT}, _WEEK),
    "text": _object({"type": _string, "group_by": _TEXT_GROUPS, "sort": _SORT}),
    "number": _object({"type": _string, "sort": _SORT}, _RANGE),
    "checkbox": _object({"type": _string, "sort": _SORT}),
}


def _typed(kinds: dict[str, Check]) -> Check:
    """One of several kinds of objects, told by `type`."""

    def check(columns: Columns, value: Any, path: str) -> Any:
        kind = errors.an_object(value, path).get("type")
        if not isinstance(kind, str) or kind not in kinds:
            raise errors.bad_body(f"{path}.type", " or ".join(f'`"{name}"`' for name in kinds), kind)
        return kinds[kind](columns, value, path)

    return check


def _group(by: Check | None = None, more: dict[str, Check] | None = None, *, sort: bool = True) -> Check:
    required: dict[str, Check] = {"type": _string, "property_id": _column}
    required |= {"sort": _SORT} if sort else {}
    required |= {"group_by": by} if by else {}
    return _object(required, {"hide_empty_groups": _boolean, **(more or {})})


_GROUPS = {
    **dict.fromkeys(("select", "multi_select", "person", "created_by", "last_edited_by"), _group()),
    **dict.fromkeys(("relation", "checkbox"), _group()),
    "status": _group(_one_of("group", "option")),
    **dict.fromkeys(("date", "created_time", "last_edited_time"), _group(_DATE_GROUPS, _WEEK)),
    **dict.fromkeys(("text", "title", "url", "email", "phone_number"), _group(_TEXT_GROUPS)),
    "number": _group(None, _RANGE),
    "formula": _group(_typed(_SUB_GROUPS), sort=False),
}
#: What a type of group is called where it is called otherwise as a type of column.
_COLUMN_TYPES = {"person": "people", "text": "rich_text"}


def _group_by(columns: Columns, value: Any, path: str) -> Any:
    kept = _typed(_GROUPS)(columns, value, path)
    column = columns.named(kept["property_id"])
    if column.type != _COLUMN_TYPES.get(kept["type"], kept["type"]):
        raise errors.validation(
            f"body failed validation: body.{path}.type is {errors.shown(kept['type'])}, but {column.name} is of type"
            f" {column.type}."
        )
    return kept


_SIZES = _one_of("small", "medium", "large", "extra_large")
_PROPERTIES = _list(
    _object(
        {"property_id": _column},
        {
            "visible": _boolean,
            "width": _number,
            "wrap": _boolean,
            "status_show_as": _one_of("select", "checkbox"),
            "card_property_width_mode": _one_of("full_line", "inline"),
            "date_format": _one_of(
                "full", "short", "month_day_year", "day_month_year", "year_month_day", "relative"
            ),
            "time_format": _one_of("12_hour", "24_hour", "hidden"),
        },
    )
)
_SUBTASKS = _object(
    {},
    {
        "property_id": _column,
        "display_mode": _one_of("show", "hidden", "flattened", "disabled"),
        "filter_scope": _one_of("parents", "parents_and_subitems", "subitems"),
        "toggle_column_id": _column,
    },
)
_ZOOM = _one_of("hours", "day", "week", "bi_week", "month", "quarter", "year", "5_years")
_AGGREGATORS = (
    *(
        "count",
        "count_values",
        "sum",
        "average",
        "median",
        "min",
        "max",
        "range",
        "unique",
        "empty",
        "not_empty",
    ),
    *("percent_empty", "percent_not_empty", "checked", "unchecked", "percent_checked", "percent_unchecked"),
    *("earliest_date", "latest_date", "date_range"),
)
_AGGREGATION = _object({"aggregator": _one_of(*_AGGREGATORS)}, {"property_id": _column})
_LINE_COLORS = ("gray", "lightgray", "brown", "yellow", "orange", "green", "blue", "purple", "pink", "red")
_LINES = _list(
    _object(
        {
            "value": _number,
            "label": _string,
            "color": _one_of(*_LINE_COLORS),
            "dash_style": _one_of("solid", "dash"),
        },
        {"id": _string},
    )
)
_CARDS: dict[str, Check] = {
    "properties": _PROPERTIES,
    "cover": _object({"type": _one_of("page_cover", "page_content", "property")}, {"property_id": _column}),
    "cover_size": _one_of("small", "medium", "large"),
    "cover_aspect": _one_of("contain", "cover"),
    "card_layout": _one_of("list", "compact"),
}
_THEMES = ("gray", "blue", "yellow", "green", "purple", "teal", "orange", "pink", "red", "auto", "colorful")
_CHART: dict[str, Check] = {
    "chart_type": _one_of("column", "bar", "line", "donut", "number"),
    "x_axis": _group_by,
    "y_axis": _AGGREGATION,
    "x_axis_property_id": _column,
    "y_axis_property_id": _column,
    "value": _AGGREGATION,
    "sort": _one_of("manual", "x_ascending", "x_descending", "y_ascending", "y_descending"),
    "color_theme": _one_of(*_THEMES),
    "height": _SIZES,
    "legend_position": _one_of("off", "bottom", "side"),
    "axis_labels": _one_of("none", "x_axis", "y_axis", "both"),
    "grid_lines": _one_of("none", "horizontal", "vertical", "both"),
    "group_style": _one_of("normal", "percent", "side_by_side"),
    "y_axis_min": _number,
    "y_axis_max": _number,
    "donut_labels": _one_of("none", "value", "name", "name_and_value"),
    "stack_by": _group_by,
    "reference_lines": _LINES,
    "caption": _string,
    **dict.fromkeys(("hide_empty_groups", "show_data_labels", "cumulative", "smooth_line"), _boolean),
    **dict.fromkeys(("hide_line_fill_area", "hide_title", "color_by_value"), _boolean),
}
#: What each type of view can be told; a dashboard has rows, which are told otherwise.
_KEYS: dict[str, dict[str, Check]] = {
    "table": {
        "properties": _PROPERTIES,
        "group_by": _group_by,
        "subtasks": _SUBTASKS,
        "wrap_cells": _boolean,
        "frozen_column_index": _number,
        "show_vertical_lines": _boolean,
    },
    "board": {"group_by": _group_by, "sub_group_by": _group_by, **_CARDS},
    "calendar": {
        "date_property_id": _column,
        "properties": _PROPERTIES,
        "view_range": _one_of("week", "month"),
        "show_weekends": _boolean,
    },
    "timeline": {
        "date_property_id": _column,
        "end_date_property_id": _column,
        "properties": _PROPERTIES,
        "show_table": _boolean,
        "table_properties": _PROPERTIES,
        "preference": _object({"zoom_level": _ZOOM}, {"center_timestamp": _number}),
        "arrows_by": _object({}, {"property_id": _column}),
        "color_by": _boolean,
    },
    "gallery": _CARDS,
    "list": {"properties": _PROPERTIES},
    "map": {"height": _SIZES, "map_by": _column, "properties": _PROPERTIES},
    "form": {
        "is_form_closed": _boolean,
        "anonymous_submissions": _boolean,
        "submission_permissions": _one_of("none", "comment_only", "reader", "read_and_write", "editor"),
    },
    "chart": _CHART,
}
_REQUIRED = {
    "board": ("group_by",),
    "calendar": ("date_property_id",),
    "timeline": ("date_property_id",),
    "chart": ("chart_type",),
}
