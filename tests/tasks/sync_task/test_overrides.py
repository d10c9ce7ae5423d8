"""Steps that a task wrote itself take effect in runs, plain or as coroutines, and go through the same merge."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tasks import ConflictMode, State
from tasks.engine.report import Order, RunReport
from tasks.errors import TaskDefinitionError
from tasks.journal.contract import Base, Memory, Proof
from tasks.journal.ledger import LedgerEntry
from tasks.journal.state_journal import StateJournal
from tasks.merge import Effect, Intent, Link
from tests.tasks.boards import Boards, Row


class Journal(StateJournal):
    """Counts what is kept as it happens."""

    def __init__(self) -> None:
        super().__init__(State())
        self.told: list[str] = []
        self.ledger: list[LedgerEntry] = []

    async def begin(self, intent: Intent | None, effect: Effect | None = None) -> None:
        self.told.append("begin")
        await super().begin(intent, effect)

    async def confirm_all(self, proofs: Sequence[Proof]) -> None:
        self.told += ["put" if one.put else "drop" if one.drop else "settle" for one in proofs]
        await super().confirm_all(proofs)

    async def keep_conflict(self, entry: LedgerEntry) -> None:
        self.ledger.append(entry)


async def run(task: Boards, journal: StateJournal) -> RunReport:
    return await task.run(journal, order=Order(clock=task.clock))


def edit_both(task: Boards, pair: tuple[str, str], ours: str = "ours", theirs: str = "theirs") -> None:
    task.notion.edit(pair[0], B=ours)
    task.other.edit(pair[1], b=theirs)


# -- resolve_conflict --------------------------------------------------------------------------------------------


class Resolving(Boards):
    def resolve_conflict(self, notion_obj: Row, other_obj: Row, notion_attr: str, other_attr: str) -> Any:
        return f"{notion_obj.values[notion_attr]}+{other_obj.values[other_attr]}"


class ResolvingAsync(Boards):
    async def resolve_conflict(  # type: ignore[override]
        self, notion_obj: Row, other_obj: Row, notion_attr: str, other_attr: str
    ) -> Any:
        await asyncio.sleep(0)
        return f"{notion_obj.values[notion_attr]}+{other_obj.values[other_attr]}"


class WritingItself(Boards):
    def resolve_conflict(self, notion_obj: Row, other_obj: Row, notion_attr: str, other_attr: str) -> Any:
        kept = notion_obj.values[notion_attr]
        self.other_update_obj(other_obj, other_attr, kept)
        other_obj.values[other_attr] = kept
        return kept


class LeavingItToUs(Boards):
    def resolve_conflict(self, notion_obj: Row, other_obj: Row, notion_attr: str, other_attr: str) -> Any:
        return super().resolve_conflict(notion_obj, other_obj, notion_attr, other_attr)


@pytest.mark.parametrize(
    ("kind", "kept", "writes"),
    [
        (Resolving, "ours+theirs", (1, 1)),
        (ResolvingAsync, "ours+theirs", (1, 1)),
        (WritingItself, "ours", (0, 1)),
        (LeavingItToUs, "theirs", (2, 0)),  # these rows are not changed in place, so it is seen to once more
    ],
)
async def test_a_task_that_resolves_conflicts_itself(
    kind: type[Boards], kept: str, writes: tuple[int, int]
) -> None:
    task, journal = kind(mode=ConflictMode.OTHER), Journal()
    pair = task.pair(A="x", B="")
    await run(task, journal)
    edit_both(task, pair)
    report = await run(task, journal)
    assert (report.status, report.outcome.conflicts, report.outcome.unresolved) == ("succeeded", 1, 0)
    assert task.notion.shown() == task.other.shown() == [("x", kept)]
    assert (task.notion.writes, task.other.writes) == writes
    (conflict,) = journal.ledger
    assert [one.value for one in conflict.lost] == ["ours", "theirs"]
    assert (conflict.stayed, conflict.rule) == ((), "method")
    again = await run(task, journal)
    assert again.plan.actions == ()


async def test_a_method_that_fails_leaves_both_sides_and_fails_alone() -> None:
    class Failing(Boards):
        def resolve_conflict(self, *args: Any) -> Any:
            raise ValueError("no idea")

    task, journal = Failing(), Journal()
    pair, second = task.pair(A="x", B=""), task.pair(A="y", B="")
    await run(task, journal)
    edit_both(task, pair)
    task.notion.edit(second[0], B="fine")
    report = await run(task, journal)
    assert report.status == "failed"
    assert "ValueError: no idea" in report.reason
    assert task.other.shown() == [("x", "theirs"), ("y", "fine")]
    assert task.notion.shown() == [("x", "ours"), ("y", "fine")]


# -- steps -------------------------------------------------------------------------------------------------------


async def test_a_step_that_does_nothing_keeps_that_part_from_happening() -> None:
    class NoDeletions(Boards):
        def sync_notion_deleted(self, state: State, notion_objs: Any, other_objs: Any) -> State:
            return state

    task, journal = NoDeletions(), Journal()
    first, second = task.pair(A="x", B=""), task.pair(A="y", B="")
    task.pair(A="z", B="")
    await run(task, journal)
    task.notion.remove(first[0])
    task.other.remove(second[1])
    task.notion.add(A="new", B="")
    report = await run(task, journal)
    assert report.status == "succeeded"
    assert task.other.shown() == [("new", ""), ("x", ""), ("z", "")]
    assert task.notion.shown() == [("new", ""), ("z", "")]


async def test_a_step_may_add_to_what_the_merge_does() -> None:
    seen: list[Any] = []

    class Telling(Boards):
        def sync_notion_created(self, state: State, notion_objs: dict[str, Row]) -> State:
            seen.append((len(state.ids), sorted(row.values["A"] for row in notion_objs.values())))
            after = super().sync_notion_created(state, notion_objs)
            seen.append(len(after.ids))
            return after

    task, journal = Telling(), Journal()
    task.pair(A="x", B="")
    await run(task, journal)
    task.notion.add(A="new", B="")
    journal.told.clear()
    report = await run(task, journal)
    assert seen[-2:] == [(1, ["new", "x"]), 2]
    assert report.outcome.counts["right_created"] == 1
    assert task.notion.shown() == task.other.shown()
    assert journal.told == ["settle", "begin", "put"]  # kept by the run's journal as it happened
    assert (await run(task, journal)).plan.actions == ()


async def test_coroutines_and_changed_states_count_too() -> None:
    class Forgetting(Boards):
        async def sync_state_changes(  # type: ignore[override]
            self, state: State, notion_objs: Any, other_objs: Any
        ) -> State:
            await asyncio.sleep(0)
            after = await asyncio.to_thread(super().sync_state_changes, state, notion_objs, other_objs)
            for left_id, right_id in list(after.ids.items()):
                if notion_objs[left_id].values["B"] == "forget me":
                    assert after.ids.pop(left_id) == right_id
                    del after.objs[left_id], after.others[left_id]
            return after

    task, journal = Forgetting(), Journal()
    pair = task.pair(A="x", B="")
    task.pair(A="y", B="")
    await run(task, journal)
    task.notion.edit(pair[0], B="forget me")
    await run(task, journal)
    assert task.other.rows[pair[1]].values["b"] == "forget me"
    assert pair[0] not in journal.state.ids
    assert len(journal.state.ids) == 1


async def test_the_first_sync_is_a_step_of_the_first_run_only() -> None:
    calls: list[str] = []

    class First(Boards):
        def initial_sync(self, notion_objs: Any, other_objs: Any) -> State:
            calls.append("initial")
            return super().initial_sync(notion_objs, other_objs)

    task, journal = First(), Journal()
    task.pair(A="x", B="")
    task.notion.add(A="alone", B="")
    await run(task, journal)
    await run(task, journal)
    assert calls == ["initial"]
    assert task.notion.shown() == task.other.shown()
    assert len(journal.state.ids) == 2


@pytest.mark.parametrize("deltas", [False, True])
async def test_sync_as_a_whole(deltas: bool) -> None:
    states: list[int | None] = []

    class Whole(Boards):
        def sync(self, state: State | None) -> State:
            states.append(None if state is None else len(state.ids))
            return super().sync(state)

    task, journal = Whole(deltas=deltas), Journal()
    pair = task.pair(A="x", B="")
    report = await run(task, journal)
    assert report.status == "succeeded"
    edit_both(task, pair)
    report = await run(task, journal)
    assert states == [None, 1]
    assert report.outcome.conflicts == 1
    assert len(journal.ledger) == 1
    assert task.notion.shown() == task.other.shown() == [("x", "ours")]
    assert "put" in journal.told


async def test_a_step_must_return_a_state() -> None:
    class Wrong(Boards):
        def sync(self, state: State | None) -> State:
            return None  # type: ignore[return-value]

    with pytest.raises(TaskDefinitionError, match="sync must return a State, not NoneType"):
        await run(Wrong(), Journal())


async def test_guards_hold_for_a_task_with_steps_of_its_own() -> None:
    class Telling(Boards):
        def sync_notion_deleted(self, state: State, notion_objs: Any, other_objs: Any) -> State:
            raise AssertionError("not to be reached")

    task, journal = Telling(), Journal()
    for number in range(12):
        task.pair(A=f"row {number}", B="")
    journal.state = State(
        ids={f"n{n}": f"o{n}" for n in range(1, 13)},
        objs={f"n{n}": {"A": f"row {n - 1}", "B": ""} for n in range(1, 13)},
    )
    for row in list(task.notion.rows)[:10]:
        task.notion.remove(row)
    report = await run(task, journal)
    assert report.status == "halted"
    assert len(task.other.rows) == 12


async def test_a_plan_of_a_task_with_steps_writes_nothing() -> None:
    class Telling(Boards):
        def sync(self, state: State | None) -> State:
            raise AssertionError("not to be reached")

    task, journal = Telling(), Journal()
    task.notion.add(A="x", B="")
    report = await task.run(journal, dry_run=True)
    assert report.plan.counts() == {"create": 1}
    assert (task.other.writes, journal.told) == (0, [])


def test_a_base_keeps_its_parts_as_a_state() -> None:
    from tasks.journal.state_changes import state_of
    from tasks.journal.state_links import base_of
    from tasks.merge import End

    base = Base(
        [Link("n1", "o1", {"A": 1}, {"A": 2}, frozenset({End.RIGHT})), Link("n2", "o2", {}, {})],
        [Intent("k", End.LEFT, "o1", {"A": 3}, "n1")],
        Memory({"A": "a"}, "all"),
    )
    assert base_of(state_of(base)) == base
