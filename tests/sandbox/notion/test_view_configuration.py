"""What a view says of its looks, and what it can be told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.notion.api import Api, Json

COLUMNS: Json = {
    "Status": {"status": {}},
    "Select": {"select": {"options": [{"name": "a"}]}},
    "Day": {"date": {}},
    "Where": {"place": {}},
    "N": {"number": {}},
    "Text": {"rich_text": {}},
    "Who": {"people": {}},
    "Fx": {"formula": {"expression": 'prop("N") + 1'}},
}
MANUAL = {"type": "manual"}


class Views:
    """Views of one data source; columns of configurations are written by name, as `$Name`."""

    def __init__(self, api: Api, columns: Json) -> None:
        self.api = api
        self.source = api.source(columns)
        shown = api.ok("GET", f"data_sources/{self.source}")
        self.database = shown["parent"]["database_id"]
        self.ids = {f"${name}": column["id"] for name, column in shown["properties"].items()}

    def body(self, kind: str, configuration: Any = None) -> Json:
        body = {"database_id": self.database, "data_source_id": self.source, "type": kind, "name": "V"}
        return body | ({} if configuration is None else {"configuration": self.told(configuration)})

    def make(self, kind: str, configuration: Any = None) -> Json:
        return self.api.ok("POST", "views", self.body(kind, configuration))

    def refused(self, kind: str, configuration: Any) -> str:
        return self.api.refused("POST", "views", self.body(kind, configuration))

    def change(self, view: Json, configuration: Any) -> Json:
        body = {"configuration": self.told(configuration)}
        return self.api.ok("PATCH", f"views/{view['id']}", body)["configuration"]

    def told(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.told(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.told(part) for part in value]
        return self.ids.get(value, value) if isinstance(value, str) else value


@pytest.fixture
def views(api: Api) -> Views:
    return Views(api, COLUMNS)


def status(group_by: str = "option") -> Json:
    return {"type": "status", "property_id": "$Status", "group_by": group_by, "sort": MANUAL}


def test_the_first_table_has_one(views: Views) -> None:
    (reference,) = views.api.ok("GET", "views", database_id=views.database)["results"]
    assert views.api.ok("GET", f"views/{reference['id']}")["configuration"] == {"type": "table"}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("table", {}),
        ("list", {}),
        ("gallery", {}),
        ("form", {}),
        ("board", {"group_by": status() | {"property_name": "Status"}}),
        ("calendar", {"date_property_id": "$Day", "date_property_name": "Day"}),
        ("timeline", {"date_property_id": "$Day", "date_property_name": "Day"}),
        ("map", {"map_by": "$Where", "map_by_property_name": "Where"}),
        ("chart", {"chart_type": "column"}),
        ("dashboard", {"rows": []}),
    ],
)
def test_a_new_view_that_is_told_nothing(views: Views, kind: str, expected: Json) -> None:
    made = views.make(kind)
    assert made["configuration"] == {"type": kind} | views.told(expected)
    assert views.api.ok("GET", f"views/{made['id']}")["configuration"] == made["configuration"]


def test_without_a_column_that_fits_nothing_is_made_up(api: Api) -> None:
    bare = Views(api, {})
    for kind in ("board", "calendar", "timeline", "map"):
        assert bare.make(kind)["configuration"] == {"type": kind}


@pytest.mark.parametrize(
    "configuration",
    [
        {"type": "table", "wrap_cells": True, "frozen_column_index": 1, "show_vertical_lines": False},
        {"type": "table", "properties": [{"property_id": "$N", "visible": False, "width": 100}]},
        {"type": "table", "subtasks": {"display_mode": "flattened", "filter_scope": "parents"}},
        {"type": "board", "group_by": status("group"), "cover_size": "small", "card_layout": "list"},
        {
            "type": "board",
            "group_by": {
                "type": "select",
                "property_id": "$Select",
                "sort": MANUAL,
                "hide_empty_groups": True,
            },
            "sub_group_by": {"type": "person", "property_id": "$Who", "sort": {"type": "ascending"}},
        },
        {"type": "calendar", "date_property_id": "$Day", "view_range": "week", "show_weekends": False},
        {
            "type": "timeline",
            "date_property_id": "$Day",
            "end_date_property_id": "$Day",
            "preference": {"zoom_level": "month", "center_timestamp": 1778499130855.789},
            "table_properties": [{"property_id": "$Text"}],
        },
        {"type": "gallery", "cover": {"type": "property", "property_id": "$Text"}, "cover_aspect": "cover"},
        {"type": "list", "properties": [{"property_id": "$Day", "date_format": "relative"}]},
        {"type": "map", "map_by": "$Where", "height": "large"},
        {"type": "form", "is_form_closed": True, "submission_permissions": "none"},
        {
            "type": "chart",
            "chart_type": "bar",
            "x_axis": {
                "type": "date",
                "property_id": "$Day",
                "group_by": "week",
                "sort": MANUAL,
                "start_day_of_week": 1,
            },
            "y_axis": {"aggregator": "sum", "property_id": "$N"},
            "y_axis_min": 0.5,
        },
        {
            "type": "chart",
            "chart_type": "donut",
            "stack_by": {
                "type": "formula",
                "property_id": "$Fx",
                "group_by": {"type": "number", "sort": MANUAL, "range_size": 10},
            },
        },
    ],
    ids=lambda configuration: str(configuration["type"]),
)
def test_what_is_told_reads_back(views: Views, configuration: Json) -> None:
    def without_names(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: without_names(part) for key, part in value.items() if not key.endswith("property_name")
            }
        return [without_names(part) for part in value] if isinstance(value, list) else value

    made = views.make(configuration["type"], configuration)["configuration"]
    assert without_names(made) == views.told(configuration)


def test_a_change_adds_replaces_and_takes_away(views: Views) -> None:
    table = views.make("table", {"type": "table", "wrap_cells": True, "frozen_column_index": 2})
    grouped = views.change(table, {"type": "table", "group_by": status(), "frozen_column_index": 1})
    assert grouped == {
        "type": "table",
        "wrap_cells": True,
        "frozen_column_index": 1,
        "group_by": views.told(status()) | {"property_name": "Status"},
    }
    assert views.change(table, {"type": "table", "group_by": None}) == {
        "type": "table",
        "wrap_cells": True,
        "frozen_column_index": 1,
    }
    assert views.api.ok("PATCH", f"views/{table['id']}", {"name": "W"})["configuration"]["wrap_cells"] is True


def test_columns_are_kept_by_id_and_named_as_they_are_called_now(views: Views) -> None:
    by_name = {"type": "board", "group_by": status() | {"property_id": "Status"}}
    board = views.make("board", by_name)
    assert board["configuration"]["group_by"]["property_id"] == views.ids["$Status"]
    renamed = {"properties": {"Status": {"name": "State"}}}
    views.api.ok("PATCH", f"data_sources/{views.source}", renamed)
    shown = views.api.ok("GET", f"views/{board['id']}")["configuration"]["group_by"]
    assert (shown["property_id"], shown["property_name"]) == (views.ids["$Status"], "State")
    views.api.ok("PATCH", f"data_sources/{views.source}", {"properties": {"State": None}})
    gone = views.api.ok("GET", f"views/{board['id']}")["configuration"]["group_by"]
    assert "property_name" not in gone


@pytest.mark.parametrize(
    ("kind", "configuration", "message"),
    [
        ("table", {"type": "gallery"}, 'Configuration type "gallery" does not match view type "table"'),
        ("table", {}, "body.configuration.type should be"),
        ("table", [], "body.configuration should be an object"),
        ("dashboard", {"type": "dashboard", "rows": []}, "body.configuration.type should be"),
        ("table", {"type": "table", "colour": "red"}, "body.configuration.colour should be not present"),
        ("table", {"type": "table", "wrap_cells": "yes"}, "configuration.wrap_cells should be a boolean"),
        ("table", {"type": "table", "frozen_column_index": True}, "frozen_column_index should be a number"),
        (
            "table",
            {"type": "table", "properties": [{"visible": True}]},
            "properties[0].property_id should be defined",
        ),
        ("table", {"type": "table", "properties": [{"property_id": "X"}]}, "property with name or id: X"),
        ("board", {"type": "board"}, "configuration.group_by should be defined"),
        ("board", {"type": "board", "group_by": None}, "configuration.group_by should be defined"),
        ("board", {"type": "board", "group_by": {"type": "mood"}}, "group_by.type should be"),
        ("board", {"type": "board", "group_by": status("colour")}, "group_by.group_by should be"),
        (
            "board",
            {"type": "board", "group_by": {"type": "select", "property_id": "$Status", "sort": MANUAL}},
            "Status is of type status",
        ),
        ("calendar", {"type": "calendar"}, "configuration.date_property_id should be defined"),
        ("timeline", {"type": "timeline"}, "configuration.date_property_id should be defined"),
        ("chart", {"type": "chart"}, "configuration.chart_type should be defined"),
        ("chart", {"type": "chart", "chart_type": "pie"}, "configuration.chart_type should be"),
        ("gallery", {"type": "gallery", "cover_size": "huge"}, "configuration.cover_size should be"),
        ("form", {"type": "form", "properties": []}, "configuration.properties should be not present"),
    ],
)
def test_wrong_configurations(views: Views, kind: str, configuration: Any, message: str) -> None:
    assert message in views.refused(kind, configuration)
    assert len(views.api.ok("GET", "views", database_id=views.database)["results"]) == 1


def test_a_view_stays_of_its_type(views: Views) -> None:
    table = views.make("table")
    assert views.api.ok("PATCH", f"views/{table['id']}", {"type": "gallery"})["type"] == "table"
    wrong = {"configuration": {"type": "gallery"}}
    assert views.api.refused("PATCH", f"views/{table['id']}", wrong) == (
        'Configuration type "gallery" does not match view type "table"'
    )
    assert "should be an object" in views.api.refused(
        "PATCH", f"views/{table['id']}", {"configuration": None}
    )
