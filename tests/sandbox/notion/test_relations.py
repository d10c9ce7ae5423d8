"""Relations, rollups, formulas, and the way to long lists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.notion.api import Api, Json, text


@pytest.fixture
def linked(api: Api) -> tuple[str, str]:
    """Two data sources; `Link` of the first and `Back` of the second mirror each other."""
    there = api.source({"N": {"number": {}}, "D": {"date": {}}, "C": {"checkbox": {}}}, title="There")
    here = api.source({"Link": {"relation": {"data_source_id": there, "dual_property": {}}}}, title="Here")
    rename = {"Related to Here (Link)": {"name": "Back"}}
    api.ok("PATCH", f"data_sources/{there}", {"properties": rename})
    return here, there


def related(api: Api, page: Json, column: str) -> list[str]:
    cell = api.ok("GET", f"pages/{page['id']}")["properties"][column]
    return [item["id"] for item in cell["relation"]]


def test_two_way_relations_mirror(api: Api, linked: tuple[str, str]) -> None:
    here, there = linked
    a, b = api.page(there, "a"), api.page(there, "b")
    page = api.page(here, "x", Link={"relation": [{"id": a["id"]}, {"id": b["id"]}], "has_more": False})
    assert related(api, a, "Back") == related(api, b, "Back") == [page["id"]]
    api.edit(page, Link={"relation": [{"id": b["id"]}]})
    assert (related(api, a, "Back"), related(api, b, "Back")) == ([], [page["id"]])
    api.edit(a, Back={"relation": [{"id": page["id"]}]})
    assert related(api, page, "Link") == [b["id"], a["id"]]
    api.edit(page, Link={"relation": []})
    assert related(api, b, "Back") == []


def test_relation_on_the_same_data_source(api: Api) -> None:
    source = api.source()
    change = {"Parent": {"relation": {"data_source_id": source, "single_property": {}}}}
    api.ok("PATCH", f"data_sources/{source}", {"properties": change})
    page = api.page(source, "a")
    assert related(api, api.edit(page, Parent={"relation": [{"id": page["id"]}]}), "Parent") == [page["id"]]


def test_relation_filter(api: Api, linked: tuple[str, str]) -> None:
    here, there = linked
    a = api.page(there, "a")
    api.page(here, "x", Link={"relation": [{"id": a["id"]}]})
    api.page(here, "y")
    assert api.query(here, {"property": "Link", "relation": {"contains": a["id"]}}) == ["x"]
    assert api.query(here, {"property": "Link", "relation": {"does_not_contain": a["id"]}}) == ["y"]
    assert api.query(here, {"property": "Link", "relation": {"is_empty": True}}) == ["y"]


def test_long_relations_are_cut_and_read_item_by_item(api: Api, linked: tuple[str, str]) -> None:
    here, there = linked
    ids = [api.page(there, str(number))["id"] for number in range(30)]
    page = api.page(here, "x", Link={"relation": [{"id": page_id} for page_id in ids]})
    cell = page["properties"]["Link"]
    assert [item["id"] for item in cell["relation"]] == ids[:25]
    assert cell["has_more"] is True
    path = f"pages/{page['id']}/properties/{cell['id']}"
    first = api.ok("GET", path, page_size=20)
    rest = api.ok("GET", path, page_size=20, start_cursor=first["next_cursor"])
    assert [item["relation"]["id"] for item in first["results"] + rest["results"]] == ids
    assert first["property_item"]["next_url"]
    assert rest["property_item"] == {"id": cell["id"], "next_url": None, "type": "relation", "relation": {}}
    too_many = {"Link": {"relation": [{"id": ids[0]}] * 101}}
    assert "should be ≤ `100`" in api.refused("PATCH", f"pages/{page['id']}", {"properties": too_many})


def test_property_items_of_single_values(api: Api) -> None:
    page = api.page(api.source({"N": {"number": {}}}), "a", N={"number": 7})
    cell = page["properties"]["N"]
    item = api.ok("GET", f"pages/{page['id']}/properties/{cell['id']}")
    del item["request_id"]
    assert item == {"object": "property_item", "type": "number", "id": cell["id"], "number": 7}
    title = api.ok("GET", f"pages/{page['id']}/properties/title")
    assert title["results"][0]["title"]["plain_text"] == "a"
    assert "Could not find property" in api.refused("GET", f"pages/{page['id']}/properties/none")


def test_related_page_must_be_there(api: Api, linked: tuple[str, str]) -> None:
    body = {"Link": {"relation": [{"id": "00000000-0000-0000-0000-000000000000"}]}}
    page = api.page(linked[0], "x")
    assert api.send("PATCH", f"pages/{page['id']}", {"properties": body}).status_code == 404


@pytest.mark.parametrize(
    ("function", "column", "expected"),
    [
        ("count", "N", {"type": "number", "number": 3}),
        ("sum", "N", {"type": "number", "number": 6}),
        ("average", "N", {"type": "number", "number": 3}),
        ("min", "N", {"type": "number", "number": 2}),
        ("range", "N", {"type": "number", "number": 2}),
        ("empty", "N", {"type": "number", "number": 1}),
        ("checked", "C", {"type": "number", "number": 1}),
        ("percent_unchecked", "C", {"type": "number", "number": pytest.approx(2 / 3)}),
        ("unique", "Name", {"type": "number", "number": 3}),
        (
            "earliest_date",
            "D",
            {"type": "date", "date": {"start": "2026-01-01", "end": None, "time_zone": None}},
        ),
        (
            "date_range",
            "D",
            {"type": "date", "date": {"start": "2026-01-01", "end": "2026-01-05", "time_zone": None}},
        ),
    ],
)
def test_rollups(api: Api, linked: tuple[str, str], function: str, column: str, expected: Json) -> None:
    here, there = linked
    wanted = {"relation_property_name": "Link", "rollup_property_name": column, "function": function}
    api.ok("PATCH", f"data_sources/{here}", {"properties": {"R": {"rollup": wanted}}})
    rows = [
        api.page(there, "a", N={"number": 2}, D={"date": {"start": "2026-01-05"}}, C={"checkbox": True}),
        api.page(there, "b", N={"number": 4}, D={"date": {"start": "2026-01-01"}}),
        api.page(there, "c"),
    ]
    page = api.page(here, "x", Link={"relation": [{"id": row["id"]} for row in rows]})
    assert page["properties"]["R"]["rollup"] == expected | {"function": function}


def rolled(api: Api, linked: tuple[str, str], function: str, column: str, rows: list[Json]) -> str:
    """The path of the property endpoint for a rollup over these pages."""
    here, _ = linked
    wanted = {"relation_property_name": "Link", "rollup_property_name": column, "function": function}
    api.ok("PATCH", f"data_sources/{here}", {"properties": {"R": {"rollup": wanted}}})
    page = api.page(here, "x", Link={"relation": [{"id": row["id"]} for row in rows]})
    return f"pages/{page['id']}/properties/{page['properties']['R']['id']}"


@pytest.mark.parametrize("version", ["2022-06-28", "2025-09-03", "2026-03-11"])
def test_a_calculated_rollup_lists_its_relations_and_ends_with_the_result(
    api: Api, linked: tuple[str, str], version: str
) -> None:
    here, there = linked
    rows = [api.page(there, str(number), N={"number": number}) for number in range(30)]
    path = rolled(api, linked, "sum", "N", rows)
    link = api.ok("GET", f"data_sources/{here}")["properties"]["Link"]["id"]
    asked = api.with_version(version)
    first = asked.ok("GET", path, page_size=20)
    rest = asked.ok("GET", path, page_size=20, start_cursor=first["next_cursor"])
    assert first["results"] + rest["results"] == [
        {"object": "property_item", "type": "relation", "id": link, "relation": {"id": row["id"]}}
        for row in rows
    ]
    assert (first["object"], first["type"], first["has_more"]) == ("list", "property_item", True)
    column = path.rpartition("/")[2]
    incomplete = {"type": "incomplete", "incomplete": {}, "function": "sum"}
    assert first["property_item"] == {
        "id": column,
        "next_url": first["property_item"]["next_url"],
        "type": "rollup",
        "rollup": incomplete,
    }
    assert first["next_cursor"] in first["property_item"]["next_url"]
    # A page shows what the first 25 come to; here all of them count.
    result = {"type": "number", "number": sum(range(30)), "function": "sum"}
    assert rest["property_item"] == {"id": column, "next_url": None, "type": "rollup", "rollup": result}
    shown = asked.ok("GET", path.partition("/properties")[0])["properties"]["R"]["rollup"]
    assert shown == result | {"number": sum(range(25))}


@pytest.mark.parametrize("function", ["show_original", "show_unique", "unique", "median"])
def test_a_rollup_that_is_not_calculated_lists_its_items(
    api: Api, linked: tuple[str, str], function: str
) -> None:
    _, there = linked
    rows = [api.page(there, "", N={"number": number}) for number in (4, 4, 2)]
    answer = api.ok("GET", rolled(api, linked, function, "N", rows))
    column = api.ok("GET", f"data_sources/{there}")["properties"]["N"]["id"]
    assert answer["results"] == [
        {"object": "property_item", "type": "number", "id": column, "number": number} for number in (4, 4, 2)
    ]
    assert answer["property_item"]["rollup"] == {"type": "array", "array": [], "function": function}


def test_lists_in_a_rollup_are_listed_one_after_the_other(api: Api, linked: tuple[str, str]) -> None:
    _, there = linked
    rows = [api.page(there, name) for name in ("a", "", "b")]
    api.edit(rows[2], Name={"title": text("b") + text("c")})
    answer = api.ok("GET", rolled(api, linked, "show_original", "Name", rows))
    shown = [(item["id"], item["type"], item["title"]["plain_text"]) for item in answer["results"]]
    assert shown == [("title", "title", name) for name in "abc"]


def test_rollups_over_nothing(api: Api, linked: tuple[str, str]) -> None:
    for function, result in (("count", {"type": "number", "number": 0}), ("show_original", None)):
        answer = api.ok("GET", rolled(api, linked, function, "N", []))
        assert (answer["results"], answer["has_more"], answer["next_cursor"]) == ([], False, None)
        expected = (result or {"type": "array", "array": []}) | {"function": function}
        assert answer["property_item"]["rollup"] == expected


def test_rollup_filters(api: Api, linked: tuple[str, str]) -> None:
    here, there = linked
    names = {"relation_property_name": "Link", "rollup_property_name": "N"}
    rollups = {
        "Max": {"rollup": names | {"function": "max"}},
        "All": {"rollup": names | {"function": "show_original"}},
    }
    api.ok("PATCH", f"data_sources/{here}", {"properties": rollups})
    row = api.page(there, "a", N={"number": 2})
    api.page(here, "x", Link={"relation": [{"id": row["id"]}]})
    api.page(here, "y")

    def found(**rollup: Any) -> list[str]:
        column = "Max" if "number" in rollup else "All"
        return sorted(api.query(here, {"property": column, "rollup": rollup}))

    assert found(number={"equals": 2}) == ["x"]
    assert found(number={"is_empty": True}) == ["y"]
    assert found(any={"number": {"greater_than": 1}}) == ["x"]
    assert found(every={"number": {"greater_than": 1}}) == ["x"]
    assert found(none={"number": {"greater_than": 1}}) == ["y"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('prop("Name")', {"type": "string", "string": "Item"}),
        ('prop("Text") + "!"', {"type": "string", "string": "!"}),
        ('prop("Text")', {"type": "string", "string": None}),
        ('prop("N") * 2 + 1', {"type": "number", "number": 9}),
        ("2 ^ 3 ^ 0", {"type": "number", "number": 2}),
        ('round(prop("N") / 3, 2)', {"type": "number", "number": 1.33}),
        ('if(prop("C"), "yes", "no")', {"type": "string", "string": "yes"}),
        ('prop("N") > 3 and not prop("C")', {"type": "boolean", "boolean": False}),
        ('prop("M").includes("b")', {"type": "boolean", "boolean": True}),
        ('length(prop("M"))', {"type": "number", "number": 2}),
        ('prop("M").map(upper(current)).join("+")', {"type": "string", "string": "A+B"}),
        ('empty(prop("Text"))', {"type": "boolean", "boolean": True}),
        (
            'dateAdd(prop("D"), 1, "months")',
            {"type": "date", "date": {"start": "2026-02-28", "end": None, "time_zone": None}},
        ),
        ('dateBetween(prop("D"), parseDate("2026-01-01"), "days")', {"type": "number", "number": 30}),
        ("(0 - 8) ^ 0.5", {"type": "number", "number": None}),
        ('prop("N") == 4 ? "four" : "other"', {"type": "string", "string": "four"}),
        (
            'ifs(prop("N") > 5, "big", prop("N") > 3, "medium", "small")',
            {"type": "string", "string": "medium"},
        ),
        ('let(x, prop("N"), x * x)', {"type": "number", "number": 16}),
    ],
)
def test_formulas(api: Api, expression: str, expected: Json) -> None:
    source = api.source(
        {
            "Text": {"rich_text": {}},
            "N": {"number": {}},
            "C": {"checkbox": {}},
            "M": {"multi_select": {}},
            "D": {"date": {}},
            "Fx": {"formula": {"expression": expression}},
        }
    )
    page = api.page(
        source,
        "Item",
        N={"number": 4},
        C={"checkbox": True},
        M={"multi_select": [{"name": "a"}, {"name": "b"}]},
        D={"date": {"start": "2026-01-31"}},
    )
    assert page["properties"]["Fx"]["formula"] == expected


def test_formulas_name_columns_by_id(api: Api) -> None:
    source = api.source({"N": {"number": {}}, "Fx": {"formula": {"expression": '(prop("N")) +((1*2))'}}})
    columns = api.ok("GET", f"data_sources/{source}")["properties"]
    expression = columns["Fx"]["formula"]["expression"]
    assert expression.startswith(f"{{{{notion:block_property:{columns['N']['id']}:{source}:")
    assert expression.endswith("}} + (1 * 2)")
    api.ok("PATCH", f"data_sources/{source}", {"properties": {"N": {"name": "Renamed"}}})
    assert api.page(source, "a", Renamed={"number": 5})["properties"]["Fx"]["formula"]["number"] == 7
    again = {"Fx": {"formula": {"expression": expression}}}
    assert (
        api.ok("PATCH", f"data_sources/{source}", {"properties": again})["properties"]["Fx"] == columns["Fx"]
    )


@pytest.mark.parametrize("expression", ['prop("X")', "1 +", "(", "§"])
def test_wrong_formulas(api: Api, expression: str) -> None:
    body = {"properties": {"Fx": {"formula": {"expression": expression}}}}
    assert "Type error with formula" in api.refused("PATCH", f"data_sources/{api.source()}", body)


def test_formulas_that_cannot_be_worked_out(api: Api) -> None:
    source = api.source({"Fx": {"formula": {"expression": 'mystery(prop("Name"))'}}})
    assert api.page(source, "a")["properties"]["Fx"]["formula"]["type"] == "unsupported"
    wanted = {"property": "Fx", "formula": {"string": {"equals": "a"}}}
    message = api.refused("POST", f"data_sources/{source}/query", {"filter": wanted})
    assert message == "Unable to filter based on a formula of unknown type"


def test_titles_of_related_pages(api: Api, linked: tuple[str, str]) -> None:
    here, there = linked
    wanted = {"relation_property_name": "Link", "rollup_property_name": "Name", "function": "show_original"}
    api.ok("PATCH", f"data_sources/{here}", {"properties": {"R": {"rollup": wanted}}})
    row = api.page(there, "a")
    page = api.page(here, "x", Link={"relation": [{"id": row["id"]}]})
    api.edit(row, Name={"title": text("changed")})
    array = api.ok("GET", f"pages/{page['id']}")["properties"]["R"]["rollup"]["array"]
    assert array[0]["title"][0]["plain_text"] == "changed"


def test_formulas_of_formulas_and_circles(api: Api) -> None:
    chain = {
        f"F{n}": {"formula": {"expression": f'prop("F{n - 1}") + prop("F{n - 1}")'}} for n in range(1, 16)
    }
    source = api.source({"F0": {"formula": {"expression": "1"}}})
    for column, value in chain.items():
        api.ok("PATCH", f"data_sources/{source}", {"properties": {column: value}})
    assert api.page(source, "a")["properties"]["F15"]["formula"] == {"type": "number", "number": 2**15}
    circle = {"F0": {"formula": {"expression": 'prop("F15") + 1'}}}
    api.ok("PATCH", f"data_sources/{source}", {"properties": circle})
    assert api.page(source, "b")["properties"]["F15"]["formula"]["type"] == "unsupported"
    deep = {"F0": {"formula": {"expression": "(" * 3000 + "1" + ")" * 3000}}}
    assert "deeply" in api.refused("PATCH", f"data_sources/{source}", {"properties": deep})


def test_rollups_that_roll_up_themselves(api: Api) -> None:
    source = api.source()
    relation = {"Self": {"relation": {"data_source_id": source, "single_property": {}}}}
    api.ok("PATCH", f"data_sources/{source}", {"properties": relation})
    names = {"relation_property_name": "Self", "rollup_property_name": "Name", "function": "show_original"}
    api.ok("PATCH", f"data_sources/{source}", {"properties": {"R": {"rollup": names}}})
    again = {"R": {"rollup": names | {"rollup_property_name": "R"}}}
    api.ok("PATCH", f"data_sources/{source}", {"properties": again})
    page = api.page(source, "a")
    shown = api.edit(page, Self={"relation": [{"id": page["id"]}]})
    assert shown["properties"]["R"]["rollup"]["type"] == "array"
