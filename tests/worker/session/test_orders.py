"""Runs that a person asks for: a halted plan let through, a run undone, a value of the ledger brought back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import get_settings
from tasks import ItemError
from tasks.engine.report import Order
from tasks.engine.views import SideView
from tasks.journal.contract import Base
from tasks.merge import End, Plan, Policy, Skip, Unlink, plan_digest, take_back, undo
from tests.harness.stores import new_store
from tests.tasks.boards import Boards
from worker.lock import MemorySyncLock
from worker.session.run import run_session
from worker.store import RunRecord, Store
from worker.store.tables.plans import does_something


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = new_store(tmp_path / "lockstep.db")
    yield store
    store.close()


Run = Callable[..., Any]


@pytest.fixture
def run(store: Store) -> Run:
    async def run(task: Boards, order: Order | None = None, kind: str | None = None) -> RunRecord:
        lock = MemorySyncLock()
        try:
            return await run_session(
                task.run_every(minutes=1), store=store, lock=lock, order=order, kind=kind
            )
        finally:
            lock.close()

    return run


def snapshots(views: Mapping[End, SideView]) -> dict[End, Any]:
    return {side: view.snapshot for side, view in views.items()}


def to_undo(store: Store, record: RunRecord) -> Order:
    effects = store.effects.of_run(record.run_id)

    def planner(base: Base, views: Mapping[End, SideView], policy: Policy) -> Plan:
        return undo(effects, base.links, snapshots(views), policy)

    return Order(planner=planner)


def to_apply(plan_id: str) -> Order:
    return Order(plan_id=plan_id)


async def halted(run: Run, task: Boards) -> RunRecord:
    pairs = [task.pair(A=f"row {number}", B="") for number in range(12)]
    assert (await run(task)).status == "succeeded"
    for ours, _ in pairs[:10]:
        task.notion.remove(ours)
    record = await run(task)
    assert record.status == "halted"
    return record


# -- apply -----------------------------------------------------------------------------------------------------


async def test_a_halted_plan_is_kept_and_let_through_once(run: Run, store: Store) -> None:
    task = Boards()
    record = await halted(run, task)
    (kept,) = store.plans.list("boards")
    assert record.reason.endswith(f"To let just this through: lockstep apply {kept.id}")
    assert kept.plan.counts() == {"delete": 10}
    assert (await run(task)).status == "halted"
    assert [one.id for one in store.plans.list()] == [kept.id]  # the same plan, kept once
    applied = await run(task, to_apply(kept.id), "apply")
    assert (applied.status, applied.counts["right_deleted"]) == ("succeeded", 10)
    assert task.other.shown() == task.notion.shown()
    (kept,) = store.plans.list()
    assert kept.applied_at is not None
    assert kept.applied_by == applied.run_id
    again = await run(task, to_apply(kept.id), "apply")
    assert (again.status, task.other.calls["delete"]) == ("skipped", 10)
    assert again.reason == f"plan {kept.id} {kept.applied}"
    assert store.plans.list() == [kept]  # neither a new one that waits nor another word about this one
    assert store.runs.latest()["boards"].status == "succeeded"


@pytest.mark.parametrize("moved", ["notion", "other", "new"])
async def test_a_plan_is_refused_when_a_side_has_moved(run: Run, store: Store, moved: str) -> None:
    task = Boards()
    await halted(run, task)
    (kept,) = store.plans.list()
    if moved == "new":
        task.notion.add(A="new", B="")
    elif moved == "notion":
        task.notion.edit(next(iter(task.notion.rows)), B="edited")
    else:
        task.other.edit(next(iter(task.other.rows)), b="edited")
    refused = await run(task, to_apply(kept.id), "apply")
    assert refused.status == "halted"
    assert refused.reason.startswith(f"a side has moved since plan {kept.id} was made; nothing was written")
    assert task.notion.writes + task.other.writes == 0
    (fresh,) = store.plans.list()
    assert fresh.id != kept.id
    assert (await run(task, to_apply(fresh.id), "apply")).status == "succeeded"


async def test_the_guard_is_armed_again_afterwards(run: Run, store: Store) -> None:
    task = Boards()
    await halted(run, task)
    (kept,) = store.plans.list()
    await run(task, to_apply(kept.id), "apply")
    pairs = [task.pair(A=f"row {number}", B="") for number in range(20, 32)]
    await run(task)
    for ours, _ in pairs:
        task.notion.remove(ours)
    record = await run(task)
    assert record.status == "halted"
    assert store.plans.list()[0].applied_at is None
    assert store.runs.count_finished("boards") == 4  # runs that a person asked for do not count


async def test_nothing_is_let_through_twice(store: Store, run: Run) -> None:
    task = Boards()
    await halted(run, task)
    (kept,) = store.plans.list()
    assert plan_digest(kept.plan) == kept.id
    assert [store.plans.take("boards", kept.id, "a run") for _ in range(3)] == [True, False, False]
    refused = await run(task, to_apply(kept.id), "apply")
    assert refused.status == "skipped"
    assert f"plan {kept.id} was applied 20" in refused.reason
    assert task.other.calls["delete"] == 0


async def test_two_that_apply_a_plan_at_once_carry_it_out_once(run: Run, store: Store) -> None:
    task, twin = Boards(), Boards()
    await halted(run, task)
    twin.notion, twin.other = task.notion, task.other  # as another process has it
    (kept,) = store.plans.list()
    records = await asyncio.gather(
        *(run(each, to_apply(kept.id), "apply") for each in (task, twin, task, twin))
    )
    assert sorted(record.status for record in records) == ["skipped"] * 3 + ["succeeded"]
    assert task.other.calls["delete"] == 10
    (done,) = [record for record in records if record.status == "succeeded"]
    assert [one.applied_by for one in store.plans.list()] == [done.run_id]


async def test_a_plan_that_failed_midway_is_not_applied_again_and_its_rest_halts_anew(
    run: Run, store: Store
) -> None:
    task = Boards()
    await halted(run, task)
    (kept,) = store.plans.list()
    task.other.broken_after = 3
    failed = await run(task, to_apply(kept.id), "apply")
    assert (failed.status, len(task.other.rows)) == ("failed", 12 - 3)
    task.other.broken_after = None
    assert (await run(task, to_apply(kept.id), "apply")).status == "skipped"
    assert len(task.other.rows) == 9
    rest = await run(task)
    assert rest.status == "halted"
    waiting, done = sorted(store.plans.list(), key=lambda one: one.applied_at is not None)
    assert (done.id, done.applied_by) == (kept.id, failed.run_id)
    assert waiting.plan.counts() == {"delete": 7}
    assert (await run(task, to_apply(waiting.id), "apply")).status == "succeeded"
    assert task.other.shown() == task.notion.shown()


async def test_a_plan_that_was_cut_off_before_its_first_write_may_be_applied_again(
    run: Run, store: Store
) -> None:
    task = Boards()
    await halted(run, task)
    (kept,) = store.plans.list()
    task.other.broken_after = 0
    assert (await run(task, to_apply(kept.id), "apply")).status == "failed"
    task.other.broken_after = None
    assert (await run(task)).status == "halted"
    (again,) = store.plans.list()
    assert (again.id, again.applied_at, again.applied_by) == (kept.id, None, None)
    assert (await run(task, to_apply(kept.id), "apply")).status == "succeeded"


async def test_a_plan_whose_side_cannot_be_read_waits_on(run: Run, store: Store) -> None:
    task = Boards()
    await halted(run, task)
    (kept,) = store.plans.list()
    task.other.unreachable = True
    assert (await run(task, to_apply(kept.id), "apply")).status == "failed"
    task.other.unreachable = False
    assert [one.applied_at for one in store.plans.list()] == [None]
    assert (await run(task, to_apply(kept.id), "apply")).status == "succeeded"


async def test_a_void_plan_is_refused_and_no_new_one_is_made_of_what_halts_nothing(
    run: Run, store: Store
) -> None:
    task = Boards()
    await halted(run, task)
    (kept,) = store.plans.list()
    for ours in list(task.other.rows)[:9]:  # the people on the other side delete them as well
        task.other.remove(ours)
    refused = await run(task, to_apply(kept.id), "apply")
    assert (refused.status, task.other.writes) == ("skipped", 0)
    assert refused.reason.startswith(f"a side has moved since plan {kept.id} was made; nothing was written")
    assert "lockstep run boards" in refused.reason
    assert [one.id for one in store.plans.list()] == [kept.id]
    assert (await run(task)).status == "succeeded"
    assert store.plans.list() == []  # a run went through: it is not as the plan was made for any more
    late = await run(task, to_apply(kept.id), "apply")
    assert late.status == "skipped"
    assert "is not kept any more" in late.reason


async def test_a_run_that_fails_before_its_plan_leaves_the_one_that_waits(run: Run, store: Store) -> None:
    task = Boards()
    await halted(run, task)
    task.notion.unreachable = True
    assert (await run(task)).status == "failed"
    assert len(store.plans.list()) == 1


def test_what_only_leaves_things_alone_lets_nothing_through() -> None:
    left = Skip(reason="held", side=End.LEFT, id="n1")
    assert not does_something(Plan())
    assert not does_something(Plan((left, left)))
    assert does_something(Plan((left, Unlink(reason="gone", left_id="n1", right_id="o1"))))


# -- undo ------------------------------------------------------------------------------------------------------


async def test_a_run_of_edits_and_deletions_is_undone(run: Run, store: Store) -> None:
    task = Boards()
    pairs = [task.pair(A=f"row {number}", B="old") for number in range(6)]
    await run(task)
    before = task.other.shown()
    task.notion.edit(pairs[0][0], B="new")
    task.other.edit(pairs[1][1], b="new")
    task.notion.remove(pairs[2][0])
    record = await run(task)
    assert len(task.other.rows) == 5
    undone = await run(task, to_undo(store, record), "undo")
    assert undone.status == "succeeded"
    assert task.other.shown() == before
    await run(task)
    assert task.notion.shown() == before == task.other.shown()
    assert (await run(task)).counts == {"in_step": 6}
    redone = await run(task, to_undo(store, undone), "undo")  # an undo is a run like any other
    assert redone.status == "succeeded"
    await run(task)
    assert task.notion.shown() == task.other.shown()
    assert ("row 0", "new") in task.notion.shown()


async def test_what_was_edited_since_is_left(run: Run, store: Store) -> None:
    task = Boards()
    ours, theirs = task.pair(A="x", B="old")
    second = task.pair(A="y", B="old")
    await run(task)
    task.notion.edit(ours, A="x2", B="new")
    task.notion.edit(second[0], B="new")
    record = await run(task)
    task.other.edit(theirs, b="newer")
    undone = await run(task, to_undo(store, record), "undo")
    assert undone.status == "succeeded"
    assert any("edited since the run (B): left as it is" in note for note in undone.notes)
    assert task.other.rows[theirs].values == {"a": "x", "b": "newer"}
    await run(task)
    assert task.notion.shown() == task.other.shown() == [("x", "newer"), ("y", "old")]


async def test_what_a_run_created_is_taken_back_and_not_made_again(run: Run, store: Store) -> None:
    task = Boards()
    for number in range(4):
        task.notion.add(A=f"row {number}", B="")
    record = await run(task)
    assert len(task.other.rows) == 4
    task.other.edit(next(iter(task.other.rows)), b="edited since")
    undone = await run(task, to_undo(store, record), "undo")
    assert undone.counts["right_deleted"] == 3
    assert task.other.shown() == [("row 0", "edited since")]
    for _ in range(2):
        assert (await run(task)).status == "succeeded"
    assert len(task.notion.rows) == 4
    assert len(task.other.rows) == 1
    assert len(store.memories.held("boards")) == 3
    edited = next(row.id for row in task.notion.rows.values() if row.values["A"] == "row 1")
    task.notion.edit(edited, B="wanted after all")
    await run(task)
    assert len(task.other.rows) == 2
    assert store.memories.release("boards") == 2
    await run(task)
    assert task.notion.shown() == task.other.shown()


async def test_an_undo_passes_the_guards(run: Run, store: Store) -> None:
    task = Boards()
    for number in range(12):
        task.notion.add(A=f"row {number}", B="")
    record = await run(task)
    halted = await run(task, to_undo(store, record), "undo")
    assert halted.status == "halted"
    assert "would delete 12 of 12" in halted.reason
    assert len(task.other.rows) == 12


async def test_a_refused_write_is_no_effect_to_undo(run: Run, store: Store) -> None:
    task = Boards()
    ours, theirs = task.pair(A="x", B="old")
    await run(task)
    task.other.refused = {"bad"}
    task.notion.edit(ours, B="bad")
    record = await run(task)
    assert record.status == "failed"
    undone = await run(task, to_undo(store, record), "undo")
    assert undone.counts.get("right_updated") is None
    assert (task.notion.rows[ours].values["B"], task.other.rows[theirs].values["b"]) == ("bad", "old")


EDIT = st.tuples(
    st.sampled_from(["notion", "other"]),
    st.integers(0, 3),
    st.sampled_from(["edit", "remove"]),
    st.sampled_from("ab"),
)


@settings(max_examples=60, deadline=None)
@given(edits=st.lists(EDIT, min_size=1, max_size=5))
def test_undo_brings_back_what_a_run_replaced(tmp_path_factory: Any, edits: list[Any]) -> None:
    """Whatever was written is as it was before the run; the next run brings both sides together again."""
    store = new_store(tmp_path_factory.mktemp("undo") / "lockstep.db")
    task, lock = Boards().run_every(minutes=1), MemorySyncLock()

    def go(order: Order | None = None, kind: str | None = None) -> RunRecord:
        return asyncio.run(run_session(task, store=store, lock=lock, order=order, kind=kind))

    try:
        pairs = [task.pair(A=f"row {number}", B="") for number in range(4)]
        go()
        for side, number, kind, value in edits:
            board = getattr(task, side)
            row_id = pairs[number][side == "other"]
            if row_id in board.rows:
                if kind == "remove":
                    board.remove(row_id)
                else:
                    board.edit(row_id, **{"B" if side == "notion" else "b": value})
                task.later(minutes=2)
        record = go()
        if not store.effects.of_run(record.run_id):
            return
        kinds = {one.kind for one in store.effects.of_run(record.run_id)}
        images = {
            (one.side, one.target_id): dict(one.before)
            for one in store.effects.of_run(record.run_id)
            if one.kind == "update"
        }
        assert go(to_undo(store, record), "undo").status == "succeeded"
        for (side, row_id), before in images.items():
            shown = task.notion.rows if side is End.LEFT else task.other.rows
            assert {name.upper(): shown[str(row_id)].values[_named(name, side)] for name in before} == before
        go()
        if "create" not in kinds:  # what was made again and taken back stays on the side where it was edited
            assert task.notion.shown() == task.other.shown()
    finally:
        lock.close()
        store.close()


def _named(name: str, side: End) -> str:
    return name if side is End.LEFT else name.lower()


# -- the ledger ------------------------------------------------------------------------------------------------


def to_take(store: Store, number: int, side: End) -> Order:
    record = store.conflicts.find(number)
    assert record is not None

    def planner(base: Base, views: Mapping[End, SideView], policy: Policy) -> Plan:
        link = next((one for one in base.links if one.left_id == record.entry.first.id), None)
        values = {one: record.entry.at(one).value for one in End}
        return take_back(link, record.entry.attribute, values, side, snapshots(views), policy)

    return Order(planner=planner)


@pytest.mark.parametrize("mode", ["notion", "other", "newer", "error"])
@pytest.mark.parametrize("side", list(End))
async def test_either_value_of_a_conflict_can_be_brought_back(
    run: Run, store: Store, mode: str, side: End
) -> None:
    task = Boards(mode=mode)
    ours, theirs = task.pair(A="x", B="")
    await run(task)
    task.notion.edit(ours, B="ours")
    task.other.edit(theirs, b="theirs")
    assert (await run(task)).status == ("conflicts" if mode == "error" else "succeeded")
    (conflict,) = store.conflicts.list("boards")
    assert (await run(task, to_take(store, conflict.id, side), "restore")).status == "succeeded"
    expected = "ours" if side is End.LEFT else "theirs"
    assert task.notion.shown() == task.other.shown() == [("x", expected)]
    assert (await run(task)).counts == {"in_step": 1}


async def test_values_that_went_with_a_deletion_can_be_brought_back(run: Run, store: Store) -> None:
    task = Boards()
    task.edit_beats_delete = False
    ours, theirs = task.pair(A="x", B="")
    task.pair(A="y", B="")
    await run(task)
    task.notion.remove(ours)
    task.other.edit(theirs, b="edited")
    await run(task)
    assert task.other.shown() == [("y", "")]
    (conflict,) = store.conflicts.list("boards")
    assert (await run(task, to_take(store, conflict.id, End.RIGHT), "restore")).status == "succeeded"
    await run(task)
    assert task.notion.shown() == task.other.shown() == [("x", "edited"), ("y", "")]


async def test_an_item_error_of_an_order_is_told(run: Run, store: Store) -> None:
    task = Boards()
    ours, theirs = task.pair(A="x", B="")
    await run(task)
    task.notion.edit(ours, B="ours")
    task.other.edit(theirs, b="theirs")
    await run(task)
    (conflict,) = store.conflicts.list("boards")
    task.notion.refused = {"theirs"}
    record = await run(task, to_take(store, conflict.id, End.RIGHT), "restore")
    assert record.status == "failed"
    assert str(ItemError("this value is not taken")) in record.reason
