"""The text of a formula as it reads back: columns by id, and brackets around every operation in another one."""

from __future__ import annotations

import re

import pytest

from tests.sandbox.notion.api import Api


def read_back(api: Api, source: str, expression: str) -> str:
    answer = api.ok(
        "PATCH", f"data_sources/{source}", {"properties": {"Fx": {"formula": {"expression": expression}}}}
    )
    columns = {column["id"]: name for name, column in answer["properties"].items()}
    kept: str = answer["properties"]["Fx"]["formula"]["expression"]
    again = {"properties": {"Fx": {"formula": {"expression": kept}}}}
    assert api.ok("PATCH", f"data_sources/{source}", again)["properties"] == answer["properties"]
    return re.sub(
        r"\{\{notion:block_property:([^:]+):[^}]*\}\}", lambda match: f"<{columns[match[1]]}>", kept
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        # as recorded of Notion
        ('prop("Name") + "!"', '<Name> + "!"'),
        ('prop("N") * 2', "<N> * 2"),
        (
            'if((prop("S") == "Done"), "✅", (if(empty(prop("D")), "", "🕘")))',
            'if(<S> == "Done", "✅", if(empty(<D>), "", "🕘"))',
        ),
        ('((abs((prop("N")) / 7)) % 7) == 0', "(abs(<N> / 7) % 7) == 0"),
        ('((if(((prop("N")) < 0), -1, 1)) * floor(2)) == 0', "(if(<N> < 0, -1, 1) * floor(2)) == 0"),
        ('(prop("N")-(prop("N")%2))+2', "(<N> - (<N> % 2)) + 2"),
        (
            'if(and(empty(prop("D")), not(or(prop("C"), true))), 1, 2)',
            "if(and(empty(<D>), !or(<C>, true)), 1, 2)",
        ),
        # what precedence says is said by brackets
        ('1 + prop("N") * 3', "1 + (<N> * 3)"),
        ('prop("N") - 1 - 2', "(<N> - 1) - 2"),
        ('prop("N") > 3 and prop("C") or false', "((<N> > 3) and <C>) or false"),
        ("2 ^ 3 ^ 4", "2 ^ (3 ^ 4)"),
        ('round(100 * prop("N") / (1 + 2))', "round((100 * <N>) / (1 + 2))"),
        ('not prop("C")', "!<C>"),
        ('not (prop("N") == 1)', "!(<N> == 1)"),
        ('-(prop("N") + 1) * 2', "-(<N> + 1) * 2"),
        ('(prop("N") + 1).format()', "(<N> + 1).format()"),
        ('prop("N") == 4 ? "a" : "b"', '(<N> == 4) ? "a" : "b"'),
    ],
)
def test_formulas_read_back_with_brackets(api: Api, written: str, read: str) -> None:
    source = api.source({"N": {"number": {}}, "S": {"select": {}}, "D": {"date": {}}, "C": {"checkbox": {}}})
    assert read_back(api, source, written) == read


def test_brackets_change_no_value(api: Api) -> None:
    source = api.source({"N": {"number": {}}, "C": {"checkbox": {}}})
    for written, value in {
        '1 + prop("N") * 3 - 2 ^ 2': 1 + 4 * 3 - 2**2,
        '10 - prop("N") - 3': 3,
        '100 / prop("N") / 5 % 3': 2,
        '-prop("N") + 1': -3,
        "(-2) ^ 2": 4,
        "-2 ^ 2": -4,
        '2 * -prop("N")': -8,
    }.items():
        read_back(api, source, written)
        page = api.page(source, "a", N={"number": 4}, C={"checkbox": True})
        assert page["properties"]["Fx"]["formula"]["number"] == value, written
