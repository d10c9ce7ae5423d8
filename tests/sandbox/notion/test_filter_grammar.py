"""Every operator of every type of filter, against a model of its own, with a count of what was reached."""

from __future__ import annotations

import functools
import itertools
import os
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.notion import PERSON_ID, Sandbox
from tests.sandbox.notion.api import Api, Json, text
from tests.sandbox.notion.filter_model import DATE_TYPES, PEOPLE_TYPES, TEXT_TYPES, Model, minute, plain

NOW = datetime(2026, 6, 27, 17, 1, 15, tzinfo=UTC)  # a Saturday
ROWS = 24
ROUNDS = min(max(1, int(os.environ.get("LOCKSTEP_EXAMPLES", "400")) // 400), 20)
Predicate = Callable[[Json], bool]

WORDS = ["alpha", "Alphabet", "beta", "be", "Gamma ray", "a%b_c", "ÄÖ ß"]
COLUMNS: Json = {
    "Text": {"rich_text": {}},
    "U": {"url": {}},
    "E": {"email": {}},
    "Ph": {"phone_number": {}},
    "N": {"number": {}},
    "C": {"checkbox": {}},
    "S": {"select": {"options": [{"name": name} for name in "ABC"]}},
    "M": {"multi_select": {"options": [{"name": name} for name in "ABC"]}},
    "St": {"status": {}},
    "D": {"date": {}},
    "P": {"people": {}},
    "F": {"files": {}},
    "V": {"verification": {}},
    "Id": {"unique_id": {}},
    "By": {"created_by": {}},
    "EBy": {"last_edited_by": {}},
    "At": {"created_time": {}},
    "EAt": {"last_edited_time": {}},
    "FxN": {"formula": {"expression": 'prop("N") * 2'}},
    "FxC": {"formula": {"expression": 'prop("N") > 3'}},
    "FxS": {"formula": {"expression": 'prop("Text")'}},
    "FxD": {"formula": {"expression": 'prop("D")'}},
}
FORMULAS = {"FxN": "number", "FxC": "checkbox", "FxS": "string", "FxD": "date"}
ROLLUPS = {"Name": "show_original", "N": "show_original", "D": "show_original", "S": "show_original"}


def cells(rng: random.Random, people: list[str], targets: list[str]) -> Json:
    """Cells for a new row; each may be left out."""
    start = NOW + timedelta(
        days=rng.choice([-400, -200, -20, -6, -1, 0, 0, 1, 6, 20, 200]), minutes=rng.randint(-9, 9)
    )
    drawn: Json = {
        "Text": {"rich_text": text(rng.choice(WORDS))},
        "U": {"url": rng.choice(WORDS)},
        "E": {"email": rng.choice(WORDS)},
        "Ph": {"phone_number": rng.choice(WORDS)},
        "N": {"number": rng.choice([-1, 0, 0.5, 3, 4, 42])},
        "C": {"checkbox": rng.random() < 0.5},
        "S": {"select": {"name": rng.choice("ABC")}},
        "M": {"multi_select": [{"name": name} for name in rng.sample("ABC", rng.randint(0, 3))]},
        "St": {"status": rng.choice([None, {"name": "Done"}, {"name": "In progress"}])},
        "D": {"date": {"start": rng.choice([start.isoformat(), start.date().isoformat()])}},
        "P": {"people": [{"id": who} for who in rng.sample(people, rng.randint(0, 2))]},
        "F": {"files": [{"name": "x", "external": {"url": "https://x"}}]},
        "V": {"verification": {"state": "verified"}},
        "R": {
            "relation": [
                {"id": target} for target in rng.sample(targets, min(len(targets), rng.randint(0, 3)))
            ]
        },
    }
    return {name: value for name, value in drawn.items() if rng.random() < 0.7}


@pytest.fixture
def world(api: Api, sandbox: Sandbox) -> tuple[str, list[Json], Model]:
    rng = random.Random(20260627)
    other = Api(api.http, token="other")
    people = [PERSON_ID, api.ok("GET", "users/me")["id"], other.ok("GET", "users/me")["id"]]
    api.door("clock", {"now": NOW.isoformat()})
    there = api.source({name: COLUMNS[name] for name in ("N", "D", "S")}, "There")
    targets = []
    for number in range(5):
        row = cells(rng, people, [])
        made = api.page(
            there, rng.choice(WORDS) if number else "", **{k: row[k] for k in ("N", "D", "S") if k in row}
        )
        targets.append(made["id"])
    link = {"relation": {"data_source_id": there, "type": "single_property", "single_property": {}}}
    source = api.source(COLUMNS | {"R": link})
    over = [(f"R {name}", name, function) for name, function in ROLLUPS.items()]
    over += [("R sum", "N", "sum"), ("R latest", "D", "latest_date")]
    rollups = {
        name: {
            "rollup": {"relation_property_name": "R", "rollup_property_name": target, "function": function}
        }
        for name, target, function in over
    }
    api.ok("PATCH", f"data_sources/{source}", {"properties": rollups})
    for _ in range(ROWS):
        who = rng.choice([api, other])
        api.door(
            "clock",
            {"now": (NOW + timedelta(days=rng.randint(-40, 0), minutes=rng.randint(-5, 5))).isoformat()},
        )
        who.page(source, rng.choice([*WORDS, ""]), **cells(rng, people, targets))
    api.door("clock", {"now": NOW.isoformat()})
    rows = api.ok("POST", f"data_sources/{source}/query", {})["results"]
    assert len(rows) == ROWS
    return source, rows, Model(rng, NOW, people)


class Reached:
    """How often each operator was tried, and whether it ever held and ever failed."""

    def __init__(self) -> None:
        self.tried: defaultdict[tuple[str, str], list[int]] = defaultdict(list)

    def note(self, kind: str, operator: str, hits: int) -> None:
        self.tried[kind, operator].append(hits)


def leaves(rows: list[Json], model: Model) -> list[tuple[str, str, Json, Predicate]]:
    """Filters of every type and operator: type, operator, filter, and what it means for a row."""
    found: list[tuple[str, str, Json, Predicate]] = []
    for name, cell in rows[0]["properties"].items():
        kind = cell["type"]
        values = [plain(row["properties"][name]) for row in rows]
        key = model.rng.choice([name, cell["id"]])
        if kind == "formula":
            inner = {"string": "rich_text"}.get(FORMULAS[name], FORMULAS[name])
            for operator, sent, test in model.conditions(inner, values):
                filter = {"property": key, "formula": {FORMULAS[name]: sent}}
                found.append((f"formula {FORMULAS[name]}", operator, filter, of_column(name, test)))
        elif kind == "rollup":
            found += rollup_leaves(rows, model, name, key)
        else:
            for operator, sent, test in model.conditions(kind, values):
                found.append((kind, operator, {"property": key, kind: sent}, of_column(name, test)))
                if kind in TEXT_TYPES:
                    found.append(
                        (
                            "as rich_text",
                            operator,
                            {"property": key, "rich_text": sent},
                            of_column(name, test),
                        )
                    )
                if kind in DATE_TYPES[1:]:
                    found.append(
                        (
                            f"timestamp {kind}",
                            operator,
                            {"timestamp": kind, kind: sent},
                            of_column(name, test),
                        )
                    )
                if kind in PEOPLE_TYPES and operator in ("contains", "does_not_contain"):
                    nobody = {"property": key, kind: {operator: "me"}}
                    found.append((f"{kind} me", operator, nobody, lambda _, o=operator: o != "contains"))  # type: ignore[misc]
    return found


def rollup_leaves(
    rows: list[Json], model: Model, name: str, key: str
) -> list[tuple[str, str, Json, Predicate]]:
    values = [plain(row["properties"][name]) for row in rows]
    shown = rows[0]["properties"][name]["rollup"]["type"]
    if shown != "array":
        return [
            (f"rollup {shown}", operator, {"property": key, "rollup": {shown: sent}}, of_column(name, test))
            for operator, sent, test in model.conditions(shown, values)
        ]
    kind = {"R Name": "rich_text", "R N": "number", "R D": "date", "R S": "select"}[name]
    inside = [item for value in values for item in value]
    found: list[tuple[str, str, Json, Predicate]] = []
    for operator, sent, test in model.conditions(kind, inside):
        meanings: dict[str, Callable[[list[Any]], bool]] = {
            "any": lambda v, test=test: any(test(item) for item in v),  # type: ignore[misc]
            "none": lambda v, test=test: not any(test(item) for item in v),  # type: ignore[misc]
            "every": lambda v, test=test: v != [] and not any(not test(item) for item in v),  # type: ignore[misc]
        }
        for quantor, meaning in meanings.items():
            filter = {"property": key, "rollup": {quantor: {kind: sent}}}
            found.append((f"rollup {quantor} {kind}", operator, filter, of_column(name, meaning)))
    return found


def of_column(name: str, test: Callable[[Any], bool]) -> Predicate:
    return lambda row: test(plain(row["properties"][name]))


def matching(api: Api, source: str, filter: Json) -> set[str]:
    path, only = f"data_sources/{source}/query", {"filter_properties": "title"}
    return {row["id"] for row in api.ok("POST", path, {"filter": filter}, **only)["results"]}


def ids(rows: list[Json], test: Predicate) -> set[str]:
    return {row["id"] for row in rows if test(row)}


def test_every_operator_of_every_type(api: Api, world: tuple[str, list[Json], Model]) -> None:
    source, rows, model = world
    reached = Reached()
    for _ in range(ROUNDS):
        for kind, operator, filter, test in leaves(rows, model):
            found = matching(api, source, filter)
            assert found == ids(rows, test), filter
            reached.note(kind, operator, len(found))
    kinds = {kind for kind, _ in reached.tried}
    singles = {*TEXT_TYPES, *DATE_TYPES, *PEOPLE_TYPES, "number", "unique_id", "checkbox", "select", "status"}
    singles |= {
        "multi_select",
        "files",
        "relation",
        "verification",
        "as rich_text",
        "rollup number",
        "rollup date",
    }
    assert kinds >= singles
    assert kinds >= {f"formula {name}" for name in FORMULAS.values()}
    assert kinds >= {
        f"rollup {q} {k}" for q in ("any", "every", "none") for k in ("rich_text", "number", "date", "select")
    }
    telling = {kind for (kind, _), hits in reached.tried.items() if any(0 < each < ROWS for each in hits)}
    assert {kind for kind in kinds - telling if not kind.endswith(" me")} == set()
    assert len(reached.tried) > 280


def test_compound_filters(api: Api, world: tuple[str, list[Json], Model]) -> None:
    source, rows, model = world
    singles = [(filter, test) for _, _, filter, test in leaves(rows, model)]
    sizes = set()
    for _ in range(60):
        filter, test = compound(model.rng, singles, 0)
        found = matching(api, source, filter)
        assert found == ids(rows, test), filter
        sizes.add(len(found))
    assert len(sizes) > ROWS / 3


#: The words as people sort them.
IN_ORDER = ["a%b_c", "alpha", "Alphabet", "ÄÖ ß", "be", "beta", "Gamma ray"]
SORTED: dict[str, Callable[[Any], Any]] = {
    "Name": IN_ORDER.index,
    "Text": IN_ORDER.index,
    "N": float,
    "S": "ABC".index,
    "C": int,
    "D": minute,
    "Id": int,
    "FxN": float,
    "At": minute,
    "EAt": minute,
}


def test_sorts(api: Api, world: tuple[str, list[Json], Model]) -> None:
    """Several keys, each either way; empty cells come last either way, and equal rows stay newest first."""
    source, rows, model = world
    tied = 0
    for _ in range(40):
        keys = [
            (name, model.rng.choice(["ascending", "descending"]))
            for name in model.rng.sample(sorted(SORTED), model.rng.randint(1, 3))
        ]
        stamps = {"At": "created_time", "EAt": "last_edited_time"}
        sorts = [
            {"timestamp": stamps[name], "direction": way}
            if name in stamps and model.rng.random() < 0.5
            else {"property": name, "direction": way}
            for name, way in keys
        ]
        found = api.ok("POST", f"data_sources/{source}/query", {"sorts": sorts}, filter_properties="title")
        order = [row["id"] for row in found["results"]]
        assert order == [row["id"] for row in sorted(rows, key=functools.cmp_to_key(comparing(keys)))], sorts
        tied += any(not comparing(keys)(a, b) for a, b in itertools.pairwise(rows))
    assert tied


def comparing(keys: list[tuple[str, str]]) -> Callable[[Json, Json], int]:
    def compare(one: Json, other: Json) -> int:
        for name, way in keys:
            left, right = (plain(row["properties"][name]) for row in (one, other))
            if left is None or right is None:
                if left is not right:
                    return 1 if left is None else -1
                continue
            before = SORTED[name](left), SORTED[name](right)
            if before[0] != before[1]:
                return (-1 if before[0] < before[1] else 1) * (1 if way == "ascending" else -1)
        return 0

    return compare


def compound(rng: random.Random, singles: list[tuple[Json, Predicate]], depth: int) -> tuple[Json, Predicate]:
    if depth == 2 or (depth and rng.random() < 0.3):
        return rng.choice(singles)
    parts = [compound(rng, singles, depth + 1) for _ in range(rng.randint(1, 3))]
    word = rng.choice(["and", "or"])
    tests = [test for _, test in parts]
    if word == "and":
        return {"and": [part for part, _ in parts]}, lambda row: not any(not test(row) for test in tests)
    return {"or": [part for part, _ in parts]}, lambda row: any(test(row) for test in tests)
