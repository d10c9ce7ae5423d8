"""What is kept of all tasks at once is what each says by itself, for as many statements whatever their number."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, update

from config import Settings
from tasks.journal.ledger import LedgerEntry, Version
from tasks.merge import Held
from tests.tasks.boards import Boards
from worker.standing import survey
from worker.store import RAN, RunRecord, Store, schema
from worker.store.tables import standings
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.run_record import row_of
from worker.store.tables.standings import Kept

START = datetime(2026, 1, 1, tzinfo=UTC)
STATUSES = (*RAN, "running", "skipped", "cancelled", "abandoned")


def fill(store: Store, number: int, seed: int = 0, runs_each: int = 12) -> list[str]:
    """So many tasks, each with a history of its own, and one that has none."""
    chance = random.Random(seed)
    names = [f"task {place:03}" for place in range(number)]
    with store.write() as connection:
        runs = [row for name in names[1:] for row in _history(name, runs_each, chance)]
        connection.execute(insert(schema.run), runs)
        nodes = [
            {
                "id": name,
                "fence": 1,
                "runs_pruned": chance.choice((None, 3)),
                "linked": chance.choice((None, 7)),
            }
            for name in names[1:-1]
        ]
        connection.execute(insert(schema.node), nodes)
        held = [_held(name, place, chance) for name in names for place in range(chance.randrange(4))]
        connection.execute(insert(schema.held), [*held, _held("gone", 0, chance)])
        for name in names:
            for place in range(chance.randrange(3)):
                Conflicts.keep(connection, name, _conflict(place), "r")
        conflict = schema.conflict.c
        connection.execute(update(schema.conflict).where(conflict.id % 3 == 0).values(done_at=START))
    return names


def _history(name: str, runs_each: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    allowed = chance.choice((STATUSES, ("skipped",), ("failed", "skipped"), ("running", "cancelled")))
    for number in range(runs_each):
        record = RunRecord(
            run_id=f"{name} {number}",
            task=name,
            status=chance.choice(allowed),
            kind=chance.choice((None, None, "undo")),
            started_at=START + timedelta(minutes=chance.randrange(10_000), seconds=number),
        )
        yield {"id": record.run_id, **row_of(record)}


def _held(name: str, place: int, chance: random.Random) -> dict[str, Any]:
    return {
        "task": name, "left_id": str(place), "right_id": "", "reason": "odd", "content": "",
        "failures": chance.randrange(8), "since": START, "next_try": START,
    }  # fmt: skip


def _conflict(place: int) -> LedgerEntry:
    where = [Version(side, f"{side}{place}", "x", None, side == "a") for side in "ab"]
    return LedgerEntry(first=where[0], second=where[1], attribute="Title", base=None, rule="newer")


def alone(store: Store, name: str) -> Kept:
    """The same, from all runs of the history of one task."""
    runs = [run for run in store.runs.list(name, 10_000) if run.status != "skipped"]
    ordinary = [run for run in runs if run.kind is None]

    def newest(found: list[RunRecord], statuses: Collection[str]) -> RunRecord | None:
        return next((run for run in found if run.status in statuses), None)

    held: list[Held] = list(store.memories.held(name))
    return Kept(
        last=runs[0] if runs else None,
        ordinary=newest(ordinary, (*RAN, "running")),
        ended=newest(runs, (*RAN, "abandoned")),
        succeeded=newest(ordinary, ("succeeded",)),
        first=runs[-1].started_at if runs else None,
        ran=store.runs.count_finished(name),
        links=store.links.counted(name),
        conflicts=store.conflicts.count(name, unseen=True),
        held=len(held),
        quarantined=sum(one.quarantined for one in held),
    )


@pytest.mark.parametrize("seed", range(3))
def test_all_at_once_is_what_each_says_by_itself(store: Store, seed: int) -> None:
    names = fill(store, 20, seed)
    found = store.standings.all()
    assert {name: found.get(name, Kept()) for name in names} == {name: alone(store, name) for name in names}
    assert found["gone"].held == 1
    assert sum(one.last is not None for one in found.values()) > 5
    assert {run.task for run in store.standings.recent(names[3:5], 5)[names[3]]} <= {names[3]}
    recent = store.standings.recent(names, 5)
    assert recent == {name: store.runs.list(name, 5, skipped=False) for name in names}
    assert max(map(len, recent.values())) == 5


def test_an_empty_database_has_nothing_to_say(store: Store) -> None:
    assert store.standings.all() == {}
    assert store.standings.recent(["a"], 5) == {"a": []}


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    told: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        told.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def test_a_look_at_many_tasks_asks_the_database_as_often_as_one_at_few(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    settings = Settings(state_dir=tmp_path / "state")
    counts = []
    for number in (5, 500):
        with store.write() as connection:
            for table in schema.OF_TASKS:
                connection.execute(table.delete())
            connection.execute(schema.node.delete().where(schema.node.c.id != ""))
        names = fill(store, number, runs_each=2)
        tasks = {name: Boards(name).run_every(hours=1) for name in names}
        with statements(store) as told:
            status = survey(settings, tasks, store)
            store.standings.recent(names, 5)
        assert len(status.rows) == number
        assert any(row.standing.ran for row in status.rows)
        counts.append(len(told))
    assert counts[0] == counts[1] < 25


@pytest.mark.parametrize("query", [standings._RUNS, standings._FIRST, standings._recent("sqlite", 5)])
def test_the_newest_runs_are_found_by_an_index(tmp_path: Any, query: Any) -> None:
    store = Store(f"sqlite:///{tmp_path / 'lockstep.db'}")
    store.migrate()
    fill(store, 40)
    with store.read() as connection:
        text = query.compile(connection, compile_kwargs={"literal_binds": True})
        lines = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").fetchall()
    store.close()
    assert [line[3] for line in lines if line[3] == "SCAN run"] == []
    assert any("ix_run_task_started" in line[3] for line in lines)
