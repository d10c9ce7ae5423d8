"""What is dropped when it is old, and what never is."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select

from tasks.database.records.conflict import ResolutionSource
from tasks.database.records.lost import LostValue
from tasks.journal.contract import Memory
from tasks.journal.ledger import LedgerEntry
from tasks.merge import Delete, Effect, End, Held, Intent, Link, Plan
from tasks.node_task import as_entry
from tasks.scheduled import PRUNE
from tasks.values.canonical import dump
from tests.tasks.ledger_entries import entry
from worker.lock import MemorySyncLock
from worker.session.pruning import Pruning
from worker.session.run import run_session
from worker.store import RAN, RunRecord, Store, schema
from worker.store.retention import Retention, prunable, prune
from worker.store.tables import intents
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.effects import Effects
from worker.store.tables.links import Links
from worker.store.tables.memory import Memories

NOW = datetime.now(UTC)
KEEP = Retention(*(timedelta(days=days) for days in (30, 7, 20, 100, 10)))

_numbers = itertools.count()


def enter(store: Store, days: float, status: str = "succeeded", task: str = "task", **values: Any) -> str:
    """Enter a run of so many days ago."""
    run_id = f"run {next(_numbers)}"
    started = NOW - timedelta(days=days)
    ended = None if status == "running" else started + timedelta(seconds=1)
    store.runs.enter(
        RunRecord(run_id=run_id, task=task, status=status, started_at=started, finished_at=ended, **values)
    )
    return run_id


def write(store: Store, run_id: str, days: float, number: int = 1, task: str = "task") -> None:
    """Let a run have written something so many days ago."""
    with store.write() as connection:
        connection.execute(
            insert(schema.effect),
            [
                {
                    "task": task, "run_id": run_id, "at": NOW - timedelta(days=days), "kind": "update",
                    "side": "left", "target_id": f"p{each}", "source_id": f"t{each}", "before": "{}", "after": "{}",
                }
                for each in range(number)
            ],
        )  # fmt: skip


def dropped(store: Store, keep: Retention = KEEP, batch: int = 500) -> dict[str, int]:
    """Prune; what a look before said is what happened, and nothing is left then."""
    foreseen = prunable(store, keep, NOW)
    done: Counter[str] = Counter()
    for some in prune(store, keep, NOW, batch=batch):
        done += some
    assert done == foreseen
    assert not prunable(store, keep, NOW)
    return dict(done)


def count(store: Store, table: Any) -> int:
    with store.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def test_old_runs_go_but_the_last_of_each_task(store: Store) -> None:
    for task in ("task", "another"):
        for days in (90, 60, 31, 50):
            enter(store, days, task=task)
    young = enter(store, 29)
    lost = enter(store, 40, "running", "third")
    assert dropped(store) == {"runs": 4 + 3}
    assert {run.run_id for run in store.runs.list("task")} == {young}
    assert [run.started_at for run in store.runs.list("another")] == [NOW - timedelta(days=31)]
    assert [run.run_id for run in store.runs.list("third")] == [lost]


def test_the_run_that_says_when_the_next_is_due_stays(store: Store) -> None:
    """The last one that was not skipped may be no ordinary one; both are asked for."""
    ran = enter(store, 60)
    enter(store, 70)
    asked = enter(store, 50, kind="undo")
    enter(store, 40, "skipped")
    assert dropped(store) == {"runs": 1, "skipped": 1}
    assert {run.run_id for run in store.runs.list()} == {ran, asked}
    assert store.runs.last_started("task") == NOW - timedelta(days=60)
    assert store.runs.latest()["task"].run_id == asked


def test_a_task_that_never_ran_keeps_its_last_run_alone(store: Store) -> None:
    enter(store, 60, "abandoned")
    enter(store, 50, "cancelled")
    assert dropped(store) == {"runs": 1}


def test_totals_count_what_is_gone(store: Store) -> None:
    for status in (*RAN, "cancelled", "abandoned"):
        enter(store, 60, status)
    enter(store, 59, kind="apply")
    enter(store, 40)
    assert store.runs.count_finished("task") == len(RAN) + 1
    assert dropped(store)["runs"] == len(RAN) + 3
    assert store.runs.count_finished("task") == len(RAN) + 1
    late = RunRecord(run_id="late", task="task", status="running", fence=1)
    assert store.runs.start(late, len(RAN) + 1) == f"all {len(RAN) + 1} runs of this task are done"
    assert store.runs.start(late, len(RAN) + 2) is None


def test_skipped_runs_go_sooner(store: Store) -> None:
    for days in (6, 8, 40):
        enter(store, days, "skipped")
    assert dropped(store) == {"skipped": 2}


def test_undo_data_goes_by_whole_runs_and_is_said_to_be_gone(store: Store) -> None:
    enter(store, 1)
    old, between, young = enter(store, 25), enter(store, 20.00001), enter(store, 19)
    for run_id, days in ((old, 25), (between, 19.99), (young, 19)):
        write(store, run_id, days, 3)
    write(store, between, 20.00001, 3)  # it was at work at the very time
    assert dropped(store) == {"undo": 1}
    assert [len(store.effects.of_run(run_id)) for run_id in (old, between, young)] == [0, 6, 3]
    (gone,) = store.runs.find(old)
    assert gone.undo_pruned_at == NOW
    assert gone.to_json()["undo_pruned_at"] == NOW.isoformat()
    assert all(store.runs.find(run_id)[0].undo_pruned_at is None for run_id in (between, young))


def test_a_run_that_can_be_undone_stays_in_the_history(store: Store) -> None:
    """Whatever the settings are."""
    enter(store, 1)
    written = enter(store, 40)
    write(store, written, 40)
    keep = Retention(*(timedelta(days=days) for days in (30, 7, 50, 100, 10)))
    assert dropped(store, keep) == {}
    assert store.effects.of_run(written)
    assert dropped(store) == {"undo": 1, "runs": 1}


def test_undo_data_of_a_run_that_goes_on_stays(store: Store) -> None:
    running = enter(store, 40, "running")
    write(store, running, 40)
    assert dropped(store) == {}
    write(store, "nobody knows", 40)
    assert dropped(store) == {"undo": 1}


#: Whose value stayed, and whose lost.
NODES = (ResolutionSource.LOCAL, ResolutionSource.REMOTE)


def conflict(number: int, winner: End | None, rule: str, **changes: Any) -> LedgerEntry:
    ids = {"left_id": f"p{number}", "right_id": f"t{number}"}
    return entry(**{**ids, "base": "old", "left": "a", "right": "b", **changes}, winner=winner, rule=rule)


def keep_conflict(store: Store, days: float, one: LedgerEntry) -> int:
    with store.write() as connection:
        Conflicts.keep(connection, "task", one, "run")
        number = int(connection.scalar(select(func.max(schema.conflict.c.id))) or 0)
        at = NOW - timedelta(days=days)
        connection.execute(schema.conflict.update().where(schema.conflict.c.id == number).values(at=at))
    return number


def test_settled_conflicts_go_and_open_ones_stay(store: Store) -> None:
    with store.write() as connection:
        for number, title in ((1, "old"), (2, "old"), (3, "agreed since")):
            Links.put(connection, "task", Link(f"p{number}", f"t{number}", {"Title": title}, {}), "run")
    still = keep_conflict(store, 400, conflict(1, None, "error"))
    taken = keep_conflict(store, 400, conflict(2, None, "error"))
    store.conflicts.take(taken, End.LEFT)  # just now
    young = keep_conflict(store, 99, conflict(1, End.LEFT, "newer", left="c"))
    keep_conflict(store, 400, conflict(3, None, "error"))  # its base has gone on
    keep_conflict(store, 400, conflict(4, None, "error"))  # not linked any more
    keep_conflict(store, 400, conflict(1, End.RIGHT, "tie", left="d"))
    keep_conflict(store, 400, conflict(1, None, "resolver", left="e"))
    keep_conflict(store, 400, conflict(1, End.LEFT, "edit beats delete", attribute=None, base=None))
    record = LostValue("p1", "t1", "Title", "old", "b", 0, 0, "local", *NODES)
    keep_conflict(store, 400, as_entry(record, "laptop", "office"))  # nobody decides on a node's
    assert dropped(store, batch=2) == {"conflicts": 6}
    assert {record.id for record in store.conflicts.list()} == {still, taken, young}


def keep_plan(store: Store, task: str, days: float, applied: float | None = None) -> None:
    actions = (Delete(reason="x", side=End.LEFT, left_id=task, right_id=task, values={}),)
    store.plans.keep(task, Plan(actions), "too much", "run")
    times = {"at": NOW - timedelta(days=days)}
    if applied is not None:
        times["applied_at"] = NOW - timedelta(days=applied)
    with store.write() as connection:
        connection.execute(schema.plan.update().where(schema.plan.c.task == task).values(**times))


def test_plans_go_when_no_run_halts_with_them_any_more(store: Store) -> None:
    keep_plan(store, "waits", 9)
    keep_plan(store, "forgotten", 11)
    keep_plan(store, "applied late", 30, 9)
    keep_plan(store, "applied", 30, 11)
    assert dropped(store) == {"plans": 2}
    assert {kept.task for kept in store.plans.list()} == {"waits", "applied late"}
    keep_plan(store, "waits", 11)
    (kept,) = store.plans.list("waits")
    store.plans.keep("waits", kept.plan, "too much", "a later run")  # it halts still
    assert "waits" in {kept.task for kept in store.plans.list()}
    assert dropped(store) == {}


def test_what_a_task_works_with_is_never_dropped(store: Store) -> None:
    long_ago = NOW - timedelta(days=4000)
    held = Held(("p1", ""), "not today", "x", 3, long_ago, long_ago)
    with store.write() as connection:
        Links.put(connection, "task", Link("p1", "t1", {"Title": "a"}, {}), "run")
        intent = Intent("key", End.RIGHT, "p2", {"Title": "b"}, begun_at=long_ago)
        intents.begin(connection, "task", [intent], "run")
        Memories.remember(connection, "task", Memory({"Title": ""}, "here", {}, (held,), {"x": 1}))
        connection.execute(schema.link.update().values(updated_at=long_ago))
    before = store.links.load("task")
    shortest = Retention(*(timedelta(days=1),) * 5)
    assert dropped(store, shortest) == {}
    assert store.links.load("task") == before


def test_it_goes_in_small_transactions(store: Store) -> None:
    enter(store, 1)
    for _ in range(23):
        enter(store, 60)
        enter(store, 60, "skipped")
    steps = [sum(some.values()) for some in prune(store, KEEP, NOW, batch=10)]
    assert max(steps) == 10
    assert sum(steps) == 46
    assert count(store, schema.run) == 1


# -- the run that does it ---------------------------------------------------------------------------------------------


def run(store: Store, lock: MemorySyncLock | None = None, **options: Any) -> RunRecord:
    mine = lock or MemorySyncLock()
    try:
        return asyncio.run(
            run_session(
                Pruning(KEEP, store.engine.url.render_as_string(hide_password=False)),
                store=store,
                lock=mine,
                **options,
            )
        )
    finally:
        if lock is None:
            mine.close()


def test_a_run_says_what_it_dropped(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    enter(store, 1)
    for _ in range(3):
        enter(store, 60)
    enter(store, 60, "skipped")
    write(store, enter(store, 25), 25)
    foreseen = run(store, dry_run=True)
    assert (foreseen.status, foreseen.counts) == ("planned", {"runs": 3, "skipped": 1, "undo": 1})
    assert count(store, schema.run) == 6
    with caplog.at_level(logging.INFO):
        record = run(store)
    assert (record.status, record.counts) == ("succeeded", foreseen.counts)
    assert store.runs.list(PRUNE)[0].counts == foreseen.counts
    assert "Pruned: 3 runs, 1 skipped run, 1 run's undo data." in caplog.messages
    assert run(store).counts == {}
    assert run(store, message_id="m").status == "succeeded"
    assert run(store, message_id="m").status == "skipped"  # delivered twice


def test_two_do_not_prune_at_once(store: Store, open_store: Callable[[], Store]) -> None:
    enter(store, 1)
    for _ in range(40):
        enter(store, 60)
    stores = [open_store() for _ in range(3)]
    together, records = threading.Barrier(3), list[RunRecord]()

    def work(mine: Store) -> None:
        together.wait()
        records.append(run(mine))

    threads = [threading.Thread(target=work, args=(each,)) for each in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {record.status for record in records} <= {"succeeded", "skipped"}
    assert sum(record.counts.get("runs", 0) for record in records) == 40
    assert store.runs.count_finished("task") == 41


def test_others_write_while_it_goes_on(store: Store, open_store: Callable[[], Store]) -> None:
    enter(store, 1)
    for _ in range(300):
        enter(store, 60, "skipped")
    other, stop, waits = open_store(), threading.Event(), list[float]()

    def write_on() -> None:
        while not stop.is_set():
            begun = datetime.now(UTC)
            with other.write() as connection:
                Effects.keep(connection, "x", Effect("update", End.LEFT, "p", "t", {}, {}), "run")
            waits.append((datetime.now(UTC) - begun).total_seconds())

    thread = threading.Thread(target=write_on)
    thread.start()
    try:
        for _ in prune(store, KEEP, NOW, batch=20):
            pass
    finally:
        stop.set()
        thread.join()
    assert waits
    assert max(waits) < 10
    assert count(store, schema.run) == 1


AGES = st.integers(0, 60)
RUN = st.tuples(
    st.sampled_from(["a", "b"]),
    AGES,
    st.sampled_from([*RAN, "skipped", "cancelled", "abandoned", "running"]),
    st.sampled_from([None, "apply"]),
    st.integers(0, 3),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    runs=st.lists(RUN, max_size=14),
    keep=st.tuples(*[st.integers(1, 50)] * 3),
    batch=st.integers(1, 5),
)
def test_whatever_is_kept_says_the_same_as_before(
    tmp_path_factory: Any, runs: list[Any], keep: tuple[int, int, int], batch: int
) -> None:
    """Last runs, totals, when the next run is due: the same; what is listed can be undone, or says it cannot."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('prune') / 'lockstep.db'}")
    store.migrate()
    wrote: dict[str, int] = {}
    try:
        for place, (task, days, status, kind, effects) in enumerate(runs):
            age = days + place / 1000
            run_id = enter(store, age, status, task, kind=kind)
            wrote[run_id] = effects if status != "skipped" else 0
            if wrote[run_id]:
                write(store, run_id, age, effects, task)

        def said() -> list[Any]:
            latest = {name: record.run_id for name, record in store.runs.latest().items()}
            each = [(store.runs.count_finished(name), store.runs.last_started(name)) for name in "ab"]
            return [latest, each]

        before, listed = said(), store.runs.list(limit=100)
        days_kept = [timedelta(days=days) for days in keep]
        retention = Retention(days_kept[0], days_kept[1], days_kept[2], timedelta(days=9), timedelta(days=9))
        dropped(store, retention, batch)
        assert said() == before
        left = {record.run_id: record for record in store.runs.list(limit=100)}
        for record in listed:
            young = record.started_at >= NOW - (
                retention.skipped if record.status == "skipped" else retention.runs
            )
            assert not young or record.run_id in left
            undoable = record.started_at >= NOW - retention.undo
            effects = len(store.effects.of_run(record.run_id))
            assert effects in {0, wrote[record.run_id]}
            if undoable and wrote[record.run_id]:
                assert effects
                assert record.run_id in left
            if record.run_id in left and wrote[record.run_id] and not effects:
                assert left[record.run_id].undo_pruned_at is not None
            if record.run_id not in left:
                assert effects == 0
    finally:
        store.close()


def test_values_of_an_open_conflict_are_compared_with_their_types(store: Store) -> None:
    due = datetime(2026, 1, 2, tzinfo=UTC)
    with store.write() as connection:
        Links.put(connection, "task", Link("p1", "t1", {"Title": due}, {}), "run")
    keep_conflict(store, 400, conflict(1, None, "error", base=due))
    assert dump(due) != dump(str(due))
    assert dropped(store) == {}
