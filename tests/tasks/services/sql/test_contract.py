"""A table is held to all that the contract of a side says, in each of the databases."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.testing import Rule, SideReport, check_side
from tests.tasks.services.sql.conftest import Place

#: Hundreds of transactions.
pytestmark = pytest.mark.timeout(600)

NO_PLACE = {"create once": "the key is made by the database, and no column is there for another one"}

#: A file tells nothing of what changed, where no column does.
NO_CHANGES = {rule.title: "no column tells what changed" for rule in Rule if "changes" in rule.needs}

TABLES = {
    "sqlite": (
        "CREATE TABLE task (id INTEGER PRIMARY KEY, name VARCHAR(200) NOT NULL, notes TEXT, paid NUMERIC(10,2), "
        "size DOUBLE, pages INTEGER, ok BOOLEAN NOT NULL, born DATE, seen DATETIME, token TEXT UNIQUE)"
    ),
    "postgresql": (
        "CREATE TABLE task (id BIGSERIAL PRIMARY KEY, name VARCHAR(200) NOT NULL, notes TEXT, paid NUMERIC(10,2), "
        "size DOUBLE PRECISION, pages INTEGER, ok BOOLEAN NOT NULL, born DATE, seen TIMESTAMPTZ, token UUID UNIQUE, "
        "mood mood, tags TEXT[], moods mood[])"
    ),
}


def check(place: Place, table: str = "task", *, only: Any = None, **others: Any) -> SideReport:
    options = {
        name: others.pop(name) for name in list(others) if name not in ("without", "values", "constants")
    }
    return check_side(lambda: place.side(table, **options), only=only, steps=8, **others)


def make_table(place: Place) -> list[str]:
    if place.kind == "postgresql":
        place.run("CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy')")
    place.run(TABLES[place.kind])
    return [name for name in place.opened_side().describe() if name not in ("id", "token")]


def test_a_table_with_keys_of_its_own_keeps_the_contract(place: Place) -> None:
    names = make_table(place)
    left_out = NO_PLACE | (NO_CHANGES if place.kind == "sqlite" else {})
    report = check(place, only=names, without=left_out)
    assert report.ok, report.text
    assert {
        Rule.UPDATE,
        Rule.PRECONDITION,
        Rule.UNFIT,
        Rule.GONE,
        Rule.DELETE_PRECONDITION,
    } <= report.reached.keys()
    assert (Rule.CHANGES_ALL in report.reached) is (place.kind == "postgresql")


def test_a_table_in_which_rows_are_marked_keeps_the_contract(place: Place) -> None:
    moment = "DATETIME" if place.kind == "sqlite" else "timestamptz"
    place.run(
        "CREATE TABLE task (team INTEGER, id VARCHAR(36), name TEXT, size INTEGER, state VARCHAR(9) NOT NULL, "
        f"version INTEGER NOT NULL, seen {moment} NOT NULL, kind TEXT, PRIMARY KEY (team, id))"
    )
    table, key = "task", []
    if place.kind == "postgresql":  # through a view, of which only a column tells what changed
        place.run("CREATE VIEW shown AS SELECT * FROM task")
        table, key = "shown", ["team", "id"]
    report = check(
        place,
        table,
        key=key,
        changed="seen",
        version="version",
        deleted={"column": "state", "value": "gone", "otherwise": "here"},
        where={"team": 7, "kind": "a"},
        only=["name", "size"],
    )
    assert report.ok, report.text
    offered = {
        Rule.CREATE_ONCE,
        Rule.MADE,
        Rule.PAGES,
        Rule.RESTORE,
        Rule.GONE,
        Rule.CHANGES_ALL,
        Rule.CHANGES_EXPIRED,
        Rule.CHANGES_TRUE,
    }
    assert offered <= report.reached.keys()
