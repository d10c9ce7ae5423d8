"""An entry of the ledger: what stayed, what lost, and when it is the same one again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.database.records.conflict import ResolutionSource
from tasks.database.records.lost import LostValue
from tasks.journal.ledger import LedgerEntry
from tasks.merge import End, Name
from tasks.node_task import as_entry
from tests.tasks.ledger_entries import entry

LOCAL, REMOTE, MERGED = ResolutionSource.LOCAL, ResolutionSource.REMOTE, ResolutionSource.MERGED


@pytest.mark.parametrize(
    ("winner", "rule", "stayed"),
    [
        (End.LEFT, "newer", ["Notion"]),
        (End.RIGHT, "one way", ["the other side"]),
        (None, "error", ["Notion", "the other side"]),
        (None, "resolver", []),
        (End.RIGHT, "resolver", ["the other side"]),
        (None, "method", []),
    ],
)
def test_what_stayed(winner: End | None, rule: str, stayed: list[str]) -> None:
    found = entry(winner=winner, rule=rule)
    assert [one.where for one in found.stayed] == stayed
    assert {one.where for one in found.lost} == {"Notion", "the other side"} - set(stayed)
    assert found.open is (len(stayed) == 2)
    assert (found.at(End.LEFT), found.at(End.RIGHT)) == found.versions == (found.first, found.second)
    assert [(one.id, one.value) for one in found.versions] == [("p1", "b"), ("t1", "c")]


def test_the_same_conflict_is_known_by_what_was_there() -> None:
    known = entry().fingerprint
    for told in ({"reason": "x"}, {"name": Name("Milk")}, {"winner": None, "rule": "error"}):
        assert entry(**told).fingerprint == known
    parts: list[dict[str, Any]] = [
        {"left_id": "p2"}, {"right_id": "t2"}, {"attribute": None}, {"base": None}, {"left": "c"}, {"right": "b"},
        {"left_edited": datetime(2026, 1, 1, tzinfo=UTC)}, {"right_edited": datetime(2026, 1, 1, tzinfo=UTC)},
    ]  # fmt: skip
    assert len({known, *(entry(**part).fingerprint for part in parts)}) == len(parts) + 1


def of_a_node(field: str = "city", kept: Any = "Bonn", lost: Any = "Berlin", **more: Any) -> LedgerEntry:
    sides = {
        "kept_of": LOCAL,
        "lost_of": REMOTE,
        "record": {"id": "42", "city": "Bonn", "name": "Ada"},
        **more,
    }
    return as_entry(
        LostValue("customer", "42", field, kept, lost, 0, 0, "local", **sides), "laptop", "office"
    )


@pytest.mark.parametrize(
    ("made", "places", "why"),
    [
        (of_a_node(), ["laptop", "office"], "city edited on laptop and office; that of laptop stays"),
        (
            of_a_node(kept_of=REMOTE, lost_of=LOCAL),
            ["office", "laptop"],
            "city edited on laptop and office; that of office stays",
        ),
        (
            of_a_node(kept_of=MERGED),
            ["laptop and office", "office"],
            "city edited on laptop and office; a resolver's value stays",
        ),
        (
            of_a_node("", {"city": "Bonn"}, None),
            ["laptop", "office"],
            "deleted on office, edited on laptop; the record stays",
        ),
        (
            of_a_node("", None, {"city": "Bonn"}),
            ["laptop", "office"],
            "deleted on laptop, edited on office; the deletion stays",
        ),
    ],
)
def test_nodes_stand_for_sides(made: LedgerEntry, places: list[str], why: str) -> None:
    assert [one.where for one in made.versions] == places
    assert (made.first.stayed, made.second.stayed) == (True, False)
    assert (made.model, made.first.id, made.second.id, made.name.title) == ("customer", "42", "42", "Ada")
    assert made.why == why


def test_a_record_has_a_title_only_where_a_column_says_so() -> None:
    assert of_a_node(record={"id": "42", "city": "Bonn"}).name == Name()
    assert of_a_node(record={"id": "42", "full_name": "Ada\nL.", "title": 7}).name.title == "Ada L."
