"""A task that gets another name: it keeps what is remembered, and does not begin anew without being asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config import get_settings
from tasks import OutcomeUnknownError
from tasks.engine.report import Order
from tasks.errors import LockLostError
from tasks.journal.contract import Base
from tasks.merge import Plan
from tasks.scheduled import all_tasks
from tests.tasks.boards import Boards
from worker.lock import MemorySyncLock
from worker.session.run import run_session
from worker.store import RunRecord, SqlJournal, Store
from worker.store.renaming import RenameRefusedError, kept_of, rename
from worker.store.retention import count_on
from worker.store.tables.fences import take_fence


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def run(store: Store) -> Callable[..., RunRecord]:
    def run(task: Boards, **options: Any) -> RunRecord:
        lock = MemorySyncLock()
        try:
            return asyncio.run(run_session(task.run_every(minutes=1), store=store, lock=lock, **options))
        finally:
            lock.close()

    return run


Run = Callable[..., RunRecord]


def renamed(task: Boards, name: str = "new") -> Boards:
    """The same task as it is defined under another name."""
    other = Boards(name, task.conflict_mode)
    other.notion, other.other = task.notion, task.other
    other.now = task.now
    return other


def fences(store: Store, *names: str) -> dict[str, int]:
    return {name: store.runs.last_fence(name) + 1 for name in names}


def give(store: Store, old: str = "boards", new: str = "new") -> None:
    rename(store, old, new, fences(store, old, new), lambda: None)


def filled(run: Run) -> Boards:
    """A task of which there is something in every table."""
    task = Boards(mode="error")
    pairs = [task.pair(A=f"row {number}", B="") for number in range(8)]
    assert run(task).status == "succeeded"
    task.other.refused = {"bad"}
    task.notion.edit(pairs[0][0], B="ours")
    task.other.edit(pairs[0][1], b="theirs")
    task.notion.edit(pairs[1][0], B="bad")
    task.notion.edit(pairs[2][0], B="carried")
    run(task)
    for ours, _ in pairs[3:]:
        task.notion.remove(ours)
    task.notion.remove(pairs[2][0])
    task.notion.hidden.add(pairs[2][0])
    task.later(days=1)
    return task


def base_of(store: Store, name: str) -> Base:
    return store.links.load(name)


def test_all_that_is_kept_goes_with_the_name(run: Run, store: Store) -> None:
    task = filled(run)
    record = run(task)
    assert record.status == "halted"
    with store.write() as connection:
        take_fence(connection, "boards", 10**18)
    kept = kept_of(store, "boards")
    assert kept.keys() >= {"link", "run", "conflict", "memory", "held", "plan", "effect"}
    before = base_of(store, "boards")
    newer = renamed(task)
    give(store)
    assert kept_of(store, "new") == kept
    assert not kept_of(store, "boards")
    assert base_of(store, "new") == before
    again = run(newer)
    assert again.status == "halted"  # as the old name's was, with the same plan
    (plan,) = store.plans.list("new")
    applied = run(newer, order=Order(plan_id=plan.id), kind="apply")
    assert applied.counts.get("linked") is None
    assert store.conflicts.count("new") == 1  # the open conflict is not made twice
    assert len(store.runs.list("new")) == len(store.runs.list()) == 5


def test_a_total_is_counted_on(run: Run, store: Store) -> None:
    task = Boards()
    task.pair(A="x", B="")
    run(task)
    with store.write() as connection:
        count_on(connection, "boards", 7)
    give(store)
    assert store.runs.count_finished("new") == 8
    assert store.runs.count_finished("boards") == 0


def test_states_are_not_mixed(run: Run, store: Store) -> None:
    task, other = Boards(), Boards("new")
    task.pair(A="x", B="")
    other.notion.made = other.other.made = 10  # other objects
    other.pair(A="y", B="")
    run(task)
    run(other)
    before = (base_of(store, "boards"), base_of(store, "new"))
    with pytest.raises(RenameRefusedError, match="'new' has a state of its own"):
        give(store)
    assert (base_of(store, "boards"), base_of(store, "new")) == before


def test_nothing_changes_when_the_files_cannot_be_moved(run: Run, store: Store) -> None:
    task = Boards()
    task.pair(A="x", B="")
    run(task)

    def fail() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        rename(store, "boards", "new", fences(store, "boards", "new"), fail)
    assert kept_of(store, "boards")["link"] == 1
    assert not kept_of(store, "new")


def test_a_session_that_lost_its_lock_writes_under_neither_name(run: Run, store: Store) -> None:
    task = Boards()
    task.pair(A="x", B="")
    run(task)
    late = SqlJournal(store, "boards", "late", store.runs.last_fence("boards"))
    give(store)
    with pytest.raises(LockLostError):
        asyncio.run(late.confirm())
    with pytest.raises(LockLostError):
        asyncio.run(SqlJournal(store, "new", "late", 0).confirm())


# -- a create that was cut off ------------------------------------------------------------------------------------


class Keyed(Boards):
    """The other side knows a create by its key, as a calendar does by the file's name, and may be slow."""

    def __init__(self, name: str = "boards") -> None:
        super().__init__(name)
        self.by_key: dict[str, str] = {}
        self.on_the_way: list[tuple[str, dict[str, Any]]] = []
        self.cut_off = ""

    def other_create_keyed(self, key: str, values: dict[str, Any]) -> Any:
        if self.cut_off == "late":
            self.on_the_way.append((key, values))
        else:
            self.arrive(key, values)
        if self.cut_off:
            raise OutcomeUnknownError("no answer came")
        return self.other.rows[self.by_key[key]]

    def arrive(self, key: str, values: dict[str, Any]) -> None:
        if key not in self.by_key:
            self.by_key[key] = self.other.add(**values)


@pytest.mark.parametrize("cut_off", ["arrived", "late"])
def test_a_create_that_was_cut_off_before_makes_no_second_one(run: Run, store: Store, cut_off: str) -> None:
    task = Keyed()
    task.pair(A="linked", B="")
    run(task)
    task.notion.add(A="begun", B="")
    task.cut_off = cut_off
    assert run(task).status == "failed"
    assert kept_of(store, "boards")["intent"] == 1
    give(store)
    newer = Keyed("new")
    newer.notion, newer.other, newer.by_key = task.notion, task.other, task.by_key
    assert run(newer).status == "succeeded"
    for key, values in task.on_the_way:  # the request was on its way still
        newer.arrive(key, values)
    assert run(newer).status == "succeeded"
    assert newer.notion.shown() == newer.other.shown() == [("begun", ""), ("linked", "")]
    assert len(base_of(store, "new").links) == 2
    assert not base_of(store, "new").intents


# -- a task that was renamed without it -----------------------------------------------------------------------------


def test_a_first_run_of_the_same_objects_halts_and_names_the_command(run: Run, store: Store) -> None:
    task = filled(run)
    newer = renamed(task, "to dos")
    writes = task.notion.writes + task.other.writes
    foreseen = run(newer, dry_run=True)
    assert "lockstep rename boards 'to dos'" in foreseen.reason
    for _ in range(2):
        record = run(newer)
        assert record.status == "halted"
        assert record.reason.startswith(
            "this task has no links yet, but 'boards', which is not defined any more"
        )
        assert "lockstep rename boards 'to dos'" in record.reason
    assert (task.notion.writes + task.other.writes, store.conflicts.count("to dos")) == (writes, 0)
    assert kept_of(store, "to dos").keys() == {"run", "plan"}
    give(store, "boards", "to dos")
    assert run(newer).status == "halted"  # by the guard, as it was
    assert "would delete" in store.runs.latest()["to dos"].reason


def test_a_person_may_begin_anew(run: Run, store: Store) -> None:
    task = Boards()
    task.pair(A="x", B="")
    run(task)
    newer = renamed(task)
    assert run(newer).status == "halted"
    (plan,) = store.plans.list("new")
    assert run(newer, order=Order(plan_id=plan.id), kind="apply").status == "succeeded"
    assert store.links.count("new") == 1
    assert run(newer).status == "succeeded"


def test_a_write_that_was_begun_before_anything_was_linked_is_seen_as_well(run: Run, store: Store) -> None:
    task = Keyed()
    task.notion.add(A="begun", B="")
    task.cut_off = "arrived"
    assert run(task).status == "failed"
    assert kept_of(store, "boards").keys() >= {"intent"}
    assert store.links.count("boards") == 0
    record = run(renamed(task))
    assert record.status == "halted"
    assert "has begun 1 write" in record.reason


def test_another_task_begins_as_ever(run: Run, store: Store) -> None:
    task, other = Boards(), Boards("another")
    task.pair(A="x", B="")
    run(task)
    other.notion.made = other.other.made = 10  # other objects
    other.pair(A="x", B="")
    other.notion.add(A="z", B="")
    assert run(other).status == "succeeded"
    assert store.links.count("another") == 2


def test_a_task_that_is_defined_still_is_no_former_name(run: Run, store: Store) -> None:
    task = Boards().run_every(minutes=1).schedule()
    try:
        task.pair(A="x", B="")
        run(task)
        assert run(renamed(task)).status == "succeeded"
    finally:
        all_tasks.discard(task)


def test_a_worker_with_the_old_name_does_not_begin_anew_either(run: Run, store: Store) -> None:
    task = Boards()
    task.pair(A="x", B="")
    run(task)
    give(store)
    record = run(task)
    assert record.status == "halted"
    assert "'new', which is not defined any more" in record.reason


def test_what_a_person_asks_for_is_not_held_up(run: Run, store: Store) -> None:
    task = Boards()
    task.pair(A="x", B="")
    run(task)
    order = Order(planner=lambda base, views, policy: Plan())
    assert run(renamed(task), order=order, kind="undo").status == "succeeded"
