"""A worker connects to a database for each run, and works for months: nothing is kept of a run that has ended."""

from __future__ import annotations

import asyncio

from tasks.journal.state import State
from tasks.journal.state_journal import StateJournal
from tasks.two_way import TwoWay
from tests.harness.kept import BEFORE, BETWEEN, grown
from tests.tasks.services.sql.conftest import Place


def test_a_process_grows_by_no_run(place: Place) -> None:
    for name in ("task", "other"):
        place.run(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, title TEXT NOT NULL, done BOOLEAN)")
        for number in range(3):
            place.run(f"INSERT INTO {name} VALUES (:id, :title, TRUE)", id=number, title=f"row {number}")
    journal = StateJournal(State())

    def run(number: int) -> None:
        place.run(
            "UPDATE task SET title = :title WHERE id = 1 AND :number > 0",
            title=f"again {number}",
            number=number,
        )
        place.engine.dispose()  # SQLite's driver keeps something of each statement with its connection
        sides = place.side("task"), place.side("other")
        task = TwoWay("tables", *sides, {"title": "title", "done": "done"})
        report = asyncio.run(task.run(journal))
        assert report.status == "succeeded", report.reason

    assert grown(run) == {}
    titles = [row["title"] for row in place.run("SELECT title FROM other ORDER BY id")]
    assert titles == ["row 0", f"again {BEFORE + BETWEEN - 1}", "row 2"]
