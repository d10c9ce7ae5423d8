"""A run from lock to release: how it ends, what it leaves behind, and that nothing is written unasked."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config import get_settings
from tasks import ConflictMode, ItemError, Listing, LockLostError, SideError, State
from tasks.journal.file import FileJournal
from tasks.local import run_once
from tasks.merge import Create, Delete, End, Link, Update
from tasks.sync_task.sides import MethodSide
from tests.harness.stores import new_store
from tests.tasks.sync_task.seed_style import START, Page, Services, ToDo, ToDos
from tests.worker.alarms.conftest import receiving
from worker.alarms.pings import PINGER
from worker.lock import MemoryLockStore, MemorySyncLock
from worker.lock.store import Beat
from worker.session.run import TIME_LIMIT, run_session
from worker.store import RunRecord, SqlJournal, Store, schema
from worker.store.tables.fences import take_fence

LATER = START + timedelta(hours=1)


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    yield tmp_path / "state"
    get_settings.cache_clear()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = new_store(tmp_path / "lockstep.db")
    yield store
    store.close()


@pytest.fixture
def locks() -> MemoryLockStore:
    return MemoryLockStore()


@pytest.fixture
def lock(locks: MemoryLockStore) -> Iterator[MemorySyncLock]:
    lock = MemorySyncLock(locks)
    yield lock
    lock.close()


Run = Callable[..., Any]


@pytest.fixture
def run(store: Store, lock: MemorySyncLock) -> Run:
    async def run(task: ToDos, **options: Any) -> RunRecord:
        task.services.writes.clear()
        return await run_session(task, store=store, lock=lock, **options)

    return run


@pytest.fixture
def services() -> Services:
    services = Services()
    services.page("Milk"), services.page("Bread")
    return services


def rows(store: Store) -> dict[str, list[Any]]:
    """All that the database holds."""
    with store.read() as connection:
        return {
            name: [tuple(row) for row in connection.execute(select(table))]
            for name, table in schema.metadata.tables.items()
        }


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


# -- ends ------------------------------------------------------------------------------------------------------


async def test_a_run_that_succeeds_is_in_the_history(
    run: Run, services: Services, store: Store, lock: MemorySyncLock
) -> None:
    services.todo("Milk")
    task = ToDos(services).run_every(hours=1)
    phases: list[tuple[str, int, int]] = []
    record = await run(task, progress=lambda *told: phases.append(told), message_id="m")
    assert (record.status, record.reason) == ("succeeded", "")
    assert record.counts == {"linked": 1, "right_created": 1}
    assert services.agreed() == [("Bread", False), ("Milk", False)]
    (kept,) = store.runs.list()
    assert replace(kept, notes=()) == replace(record, notes=())
    assert kept.finished_at is not None
    assert kept.message_id == "m"
    assert lock.holder("to-dos") is None
    (session,) = lock.history("to-dos")
    assert (session.session_id, session.status, session.fence) == (record.run_id, "succeeded", record.fence)
    assert session.result == {"counts": record.counts, "reason": ""}
    assert list(dict.fromkeys(phase for phase, _, _ in phases)) == ["open", "list", "plan", "apply"]
    assert phases[-1] == ("apply", 2, 2)

    again = await run(task)
    assert (again.status, again.counts) == ("succeeded", {"in_step": 2})
    assert services.writes == []
    assert again.fence > record.fence


async def test_the_last_line_of_a_run_is_a_sentence(
    run: Run, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "worker.session.run")
    services.todo("Milk")
    record = await run(ToDos(services))
    told = re.sub(r"\d+\.\d s", "0.1 s", caplog.messages[-1])
    assert told == (
        f"Task 'to-dos': run {record.run_id} succeeded in 0.1 s: linked 1, created in the other side 1."
    )


async def test_a_busy_node_is_left_alone(
    run: Run, services: Services, store: Store, locks: MemoryLockStore
) -> None:
    other = MemorySyncLock(locks)
    other.acquire("to-dos", session_id="somebody")
    record = await run(ToDos(services).in_total(1))
    assert record.status == "skipped"
    assert record.reason.startswith("node 'to-dos' is busy: session somebody of ")
    assert services.writes == []
    assert [each.status for each in store.runs.list()] == ["skipped"]
    assert store.runs.count_finished("to-dos") == 0
    assert other.holder("to-dos").session_id == "somebody"  # type: ignore[union-attr]
    other.release("somebody", "done")
    other.close()
    assert (await run(ToDos(services).in_total(1))).status == "succeeded"


async def test_two_sessions_at_once_give_one_run(run: Run, services: Services, store: Store) -> None:
    class Slow(ToDos):
        async def open(self) -> None:
            await asyncio.sleep(0.2)

    records = await asyncio.gather(*(run(Slow(services)) for _ in range(4)))
    assert sorted(record.status for record in records) == ["skipped"] * 3 + ["succeeded"]
    assert services.agreed() == [("Bread", False), ("Milk", False)]
    assert len(store.runs.list()) == 4


async def test_a_run_that_lost_its_lock_keeps_the_task_to_itself_until_it_has_ended(
    services: Services, store: Store, locks: MemoryLockStore
) -> None:
    """Two runs of one task in one process would close each other's clients."""

    class WithClient(ToDos):
        client: str | None = None
        busy = asyncio.Event()
        go = asyncio.Event()

        async def open(self) -> None:
            self.client = "connected"

        async def close(self) -> None:
            self.client = None

        def get_other_objects(self) -> list[Any]:
            assert self.client
            return super().get_other_objects()

        async def get_notion_objects(self) -> list[Any]:  # type: ignore[override]
            self.busy.set()
            try:
                await self.go.wait()
            finally:
                await asyncio.sleep(0.3)  # it needs a while to let go
            return super().get_notion_objects()

    task = WithClient(services).run_every(hours=1)
    lock = MemorySyncLock(locks, lease_seconds=0.6)
    first = asyncio.ensure_future(run_session(task, store=store, lock=lock))
    await task.busy.wait()
    held = lock.holder("to-dos")
    assert held is not None
    locks.release(Beat(held.session_id, "to-dos", held.owner, ""), "flushed", "null")
    second = await run_session(task, store=store, lock=lock)
    assert second.status == "skipped"
    assert second.reason == "its last run in this process lost its lock and has not ended yet"
    assert lock.holder("to-dos") is None
    assert (await first).status == "abandoned"
    task.go.set()
    assert (await run_session(task, store=store, lock=lock)).status == "succeeded"
    lock.close()


async def test_a_clock_that_was_ahead_blocks_no_node(run: Run, services: Services, store: Store) -> None:
    with store.write() as connection:
        take_fence(connection, "to-dos", 2**50)  # then Redis lost its counter, and has the right time now
    record = await run(ToDos(services))
    assert (record.status, record.fence) == ("succeeded", 2**50 + 1)


async def test_a_total_is_the_end(run: Run, services: Services, store: Store, lock: MemorySyncLock) -> None:
    task = ToDos(services).run_every(hours=1).in_total(2)
    records = [await run(task) for _ in range(4)]
    assert [record.status for record in records] == ["succeeded", "succeeded", "skipped", "skipped"]
    assert records[2].reason == "all 2 runs of this task are done"
    assert store.runs.count_finished("to-dos") == 2
    assert lock.holder("to-dos") is None


async def test_a_message_that_is_delivered_twice_runs_once(run: Run, services: Services) -> None:
    task = ToDos(services).run_every(hours=1)
    first = await run(task, message_id="m")
    second = await run(task, message_id="m")
    third = await run(task, message_id="n")
    assert [each.status for each in (first, second, third)] == ["succeeded", "skipped", "succeeded"]
    assert second.reason == "this message was delivered before and has run"


async def test_an_object_that_fails_fails_alone(run: Run, services: Services, store: Store) -> None:
    class Picky(ToDos):
        refused = "Milk"

        def other_create_obj(self, **kwargs: Any) -> ToDo:
            if kwargs["summary"] == self.refused:
                raise ItemError("read-only today")
            return super().other_create_obj(**kwargs)

    task = Picky(services).run_every(hours=1)
    record = await run(task)
    assert record.status == "failed"
    assert record.reason == "create in the other side for p1: read-only today"
    assert record.counts == {"right_created": 1, "failed": 1}
    assert list(record.notes) == [record.reason]
    assert services.find(ToDo, "Bread")
    task.refused = ""
    assert (await run(task)).counts == {"right_created": 1, "in_step": 1}
    assert services.agreed() == [("Bread", False), ("Milk", False)]
    assert [each.status for each in store.runs.list()] == ["succeeded", "failed"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SideError("the other side is down: start it"), "the other side is down: start it"),
        (KeyError("surprise"), "KeyError: 'surprise'"),
        (
            SystemExit("no login"),
            "the task's code asked for the end of the process (SystemExit: no login)",
        ),
    ],
)
@pytest.mark.parametrize("where", ["open", "check", "get_other_objects", "other_to_dict", "close"])
async def test_whatever_fails_is_the_record_of_the_run_and_not_an_error(
    run: Run, services: Services, lock: MemorySyncLock, error: BaseException, reason: str, where: str
) -> None:
    services.todo("Eggs")
    task = ToDos(services)

    def fail(*_: Any) -> None:
        raise error

    setattr(task, where, fail)
    record = await run(task)
    assert (record.status, record.reason) == ("failed", reason)
    assert lock.holder("to-dos") is None
    if where != "close":
        assert services.writes == []


async def test_a_side_that_is_suddenly_empty_halts(run: Run, services: Services, store: Store) -> None:
    task = ToDos(services).run_every(hours=1)
    await run(task)
    services.pages.clear()
    before = rows(store)["link"]
    record = await run(task)
    assert record.status == "halted"
    assert record.reason.startswith("Notion lists no object at all, though 2 are linked")
    assert record.counts == {"planned_delete": 2}
    assert services.writes == []
    assert rows(store)["link"] == before


async def test_a_run_that_could_only_see_a_part_is_incomplete_and_says_so(
    run: Run, services: Services, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    class Partial(ToDos):
        def get_other_objects(self) -> list[Any]:
            return Listing(super().get_other_objects(), partial="tea.ics cannot be read")

    record = await run(Partial(services))
    assert (record.status, record.counts) == ("incomplete", {"left": 2})
    assert record.reason == (
        "the listing of the other side is partial (tea.ics cannot be read), so nothing new was made there and no "
        "deletion there was carried across"
    )
    assert store.runs.list()[0].reason == record.reason
    assert [each.levelname for each in caplog.records if record.reason in each.message] == ["WARNING"]


async def test_in_mode_error_a_conflict_leaves_both_sides_and_the_others_sync(
    run: Run, services: Services, store: Store
) -> None:
    task = ToDos(services, mode=ConflictMode.ERROR).run_every(hours=1)
    await run(task)
    services.find(Page, "Milk").title, services.find(ToDo, "Milk").summary = "ours", "theirs"
    services.find(Page, "Bread").done = True
    for _ in range(2):
        record = await run(task)
        assert record.status == "conflicts"
        assert record.reason == "1 attribute edited on both sides and left as before"
        assert record.counts["conflicts"] == 1
        assert services.shown() == ([("Bread", True), ("ours", False)], [("Bread", True), ("theirs", False)])
    (conflict,) = store.conflicts.list("to-dos")  # once, however often it is met
    assert (conflict.entry.base, conflict.entry.open) == ("Milk", True)
    assert [(one.where, one.value) for one in conflict.entry.stayed] == [
        ("Notion", "ours"),
        ("the other side", "theirs"),
    ]
    services.find(Page, "ours").title = "theirs"  # a person settles it
    record = await run(task)
    assert (record.status, record.counts) == ("succeeded", {"agreed": 1, "in_step": 1})


@pytest.mark.parametrize(("mode", "stays"), [("newer", "theirs"), ("notion", "ours"), ("other", "theirs")])
async def test_the_value_that_loses_a_conflict_is_in_the_ledger(
    run: Run, services: Services, store: Store, mode: str, stays: str
) -> None:
    task = ToDos(services, mode=mode)
    await run(task)
    task.in_total(2)
    services.find(Page, "Milk").title = "ours"
    todo = services.find(ToDo, "Milk")
    todo.summary, todo.modified = "theirs", LATER
    record = await run(task)
    assert record.status == "succeeded"
    assert services.agreed() == [("Bread", False), (stays, False)]
    (conflict,) = store.conflicts.list()
    (stayed,), (lost,) = conflict.entry.stayed, conflict.entry.lost
    assert (stayed.value, lost.value) == (stays, "ours" if stays == "theirs" else "theirs")
    assert stayed.where == ("Notion" if stays == "ours" else "the other side")
    assert conflict.run_id == record.run_id


# -- ends from outside ------------------------------------------------------------------------------------------


class Blocking(ToDos):
    """Waits in the middle of its second write until it is let go."""

    concurrency = 1

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        self.created = 0

    async def other_create_obj(self, **kwargs: Any) -> ToDo:  # type: ignore[override]
        self.created += 1
        if self.created == 2:
            self.reached.set()
            await self.go.wait()
        return super().other_create_obj(**kwargs)


def wait_for_link(store: Store) -> None:
    while not store.links.count("to-dos"):
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("message", "status"), [(None, "cancelled"), (f"{TIME_LIMIT} of 5 s reached", "failed")]
)
async def test_a_cancelled_run_is_recorded_released_and_cancelled(
    run: Run, services: Services, store: Store, lock: MemorySyncLock, message: str | None, status: str
) -> None:
    task = Blocking(services)
    session = asyncio.ensure_future(run(task))
    await task.reached.wait()
    await asyncio.to_thread(wait_for_link, store)  # the first one is entered beside the second one's write
    session.cancel(message)
    with pytest.raises(asyncio.CancelledError):
        await session
    (record,) = store.runs.list()
    assert (record.status, record.reason) == (status, message or "cancelled")
    assert record.finished_at is not None
    assert lock.holder("to-dos") is None
    assert store.links.count("to-dos") == 1  # what was proved before is kept

    assert (await run(ToDos(services).run_every(hours=1))).status == "succeeded"
    assert services.agreed() == [("Bread", False), ("Milk", False)]


async def test_a_run_that_is_cancelled_while_it_asks_for_the_lock_does_not_keep_it(
    services: Services, store: Store, lock: MemorySyncLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()
    acquire = lock.acquire

    def slow(*args: Any, **kwargs: Any) -> str:
        asked.set()
        answer.wait(5)
        return acquire(*args, **kwargs)

    monkeypatch.setattr(lock, "acquire", slow)
    session = asyncio.ensure_future(run_session(ToDos(services), store=store, lock=lock))
    await asyncio.to_thread(asked.wait)
    session.cancel()
    await asyncio.sleep(0.05)
    answer.set()
    with pytest.raises(asyncio.CancelledError):
        await session
    assert lock.holder("to-dos") is None
    assert services.writes == []


async def test_after_the_lock_is_lost_nothing_is_written(
    run: Run, services: Services, store: Store, locks: MemoryLockStore, lock: MemorySyncLock
) -> None:
    task = Blocking(services)
    services.page("Eggs")
    session = asyncio.ensure_future(run(task))
    await task.reached.wait()
    held = locks._held["to-dos"]
    del locks._held["to-dos"]  # the records of Redis are gone, and another worker comes
    newer = MemorySyncLock(locks)
    newer.acquire("to-dos", session_id="newer")
    with pytest.raises(LockLostError):
        lock.hold("to-dos")
    done = list(services.writes)
    record = await asyncio.wait_for(session, 5)  # the write that is under way is not waited for
    assert record.status == "abandoned"
    assert "lock" in record.reason
    assert services.writes == done
    assert [each.status for each in store.runs.list()] == ["abandoned"]
    assert store.runs.count_finished("to-dos") == 0
    assert newer.holder("to-dos").session_id == "newer"  # type: ignore[union-attr]
    assert held.session_id == record.run_id
    newer.release("newer", "done")
    newer.close()


async def test_a_session_that_does_not_know_yet_is_refused_by_the_store(
    run: Run, services: Services, store: Store
) -> None:
    task = Blocking(services)
    session = asyncio.ensure_future(run(task))
    await task.reached.wait()
    (record,) = store.runs.list()
    newer = Link("p9", "t9", {}, {})
    with store.write() as connection:
        take_fence(connection, "to-dos", record.fence + 1)
    await SqlJournal(store, "to-dos", "newer", record.fence + 1).confirm(put=newer)
    before = rows(store)
    task.go.set()
    ended = await session
    assert ended.status == "abandoned"
    assert "another session of 'to-dos' has taken over" in ended.reason
    after = rows(store)
    assert (after["link"], after["intent"], after["node"]) == (
        before["link"],
        before["intent"],
        before["node"],
    )


async def test_a_run_after_a_lost_one_finds_what_it_made(run: Run, services: Services, store: Store) -> None:
    """The worker died after a write was applied and before it was proved."""
    task = Blocking(services)

    async def die(**kwargs: Any) -> ToDo:
        ToDos.other_create_obj(task, **kwargs)
        task.reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    task.other_create_obj = die  # type: ignore[method-assign]
    session = asyncio.ensure_future(run(task))
    await task.reached.wait()
    session.cancel()
    with pytest.raises(asyncio.CancelledError):
        await session
    assert len(rows(store)["intent"]) >= 1
    record = await run(ToDos(services))
    assert record.status == "succeeded"
    assert services.agreed() == [("Bread", False), ("Milk", False)]
    assert rows(store)["intent"] == []


# -- dry runs ------------------------------------------------------------------------------------------------------


def edit(services: Services) -> None:
    """Something of everything."""
    services.find(Page, "Milk").title = "Oat milk"
    bread = services.find(ToDo, "Bread")
    bread.completed, bread.modified = True, LATER
    services.pages.remove(services.find(Page, "Eggs"))
    services.todo("Ham"), services.page("Tea")
    tie_page, tie_todo = services.find(Page, "Tie"), services.find(ToDo, "Tie")
    tie_page.title, tie_todo.summary, tie_todo.modified = "left", "right", LATER


def planned(record: RunRecord) -> list[tuple[Any, ...]]:
    """The writes of a plan, as the services would log them."""
    assert record.plan is not None
    found: list[tuple[Any, ...]] = []
    names = {"notion": {"Title": "Title", "Done": "Done"}, "other": {"Title": "summary", "Done": "completed"}}
    for action in record.plan.writes:
        side = "notion" if action.side is End.LEFT else "other"
        match action:
            case Create():
                found.append((side, "create", action.values["Title"]))
            case Update():
                for name, change in action.changes.items():
                    found.append((side, "update", action.target_id, names[side][name], change.new))
            case Delete():
                found.append((side, "delete", action.target_id))
    return sorted(found, key=str)


async def test_a_dry_run_writes_nowhere_and_the_run_does_what_it_said(
    run: Run, services: Services, store: Store, lock: MemorySyncLock, state_dir: Path
) -> None:
    services.page("Eggs"), services.page("Tie")
    task = ToDos(services).run_every(hours=1)
    await run(task)
    edit(services)

    def everything() -> Any:
        files = contents(state_dir)
        return rows(store), files, services.shown(), lock.holders(), lock.history("to-dos")

    before = everything()
    for _ in range(2):
        plan = await run(task, dry_run=True)
        assert plan.status == "planned"
        assert services.writes == []
    assert everything() == before
    assert plan.counts == {"update": 3, "conflict": 1, "create": 2, "delete": 1}

    record = await run(task)
    assert record.status == "succeeded"
    assert sorted(services.writes, key=str) == planned(plan)
    assert (await run(task, dry_run=True)).counts == {}


async def test_a_dry_run_tells_what_would_halt(run: Run, services: Services, store: Store) -> None:
    task = ToDos(services).run_every(hours=1)
    await run(task)
    services.todos.clear()
    plan = await run(task, dry_run=True)
    assert plan.status == "planned"
    assert plan.reason.startswith("the other side lists no object at all")


async def test_a_dry_run_of_a_held_node_can_be_had(
    run: Run, services: Services, locks: MemoryLockStore
) -> None:
    other = MemorySyncLock(locks)
    other.acquire("to-dos", session_id="somebody")
    assert (await run(ToDos(services), dry_run=True)).status == "planned"
    other.close()


# -- the state of runs without a database ------------------------------------------------------------------------------


async def test_the_state_of_local_runs_is_taken_over_once(
    run: Run, services: Services, store: Store, state_dir: Path
) -> None:
    task = ToDos(services).run_every(hours=1)
    await run_once(task)
    journal = FileJournal(task.state_path)
    await journal.load()
    await journal.confirm(put=Link("p70", "t70", {}, {}))  # a killed run left this in its journal
    services.pages.remove(services.find(Page, "Milk"))

    before = contents(state_dir)
    plan = await run(task, dry_run=True)
    assert plan.counts == {"delete": 1, "unlink": 1}  # from the local base, not as if for the first time
    assert contents(state_dir) == before
    assert store.links.count("to-dos") == 0

    record = await run(task)
    assert record.counts == {"right_deleted": 1, "unlinked": 1, "in_step": 1}
    assert services.agreed() == [("Bread", False)]
    assert State.read(state_dir / "to-dos.json.imported").ids.keys() == {"p1", "p2", "p70"}  # type: ignore[union-attr]
    assert json.loads(task.state_path.read_text()) == {"moved": "database"}
    assert not task.state_path.with_suffix(".journal").exists()
    assert (await run(task)).counts == {"in_step": 1}
    with pytest.raises(Exception, match="kept by the database now"):
        await run_once(task)


async def test_links_of_the_database_are_not_overwritten_by_a_file(
    run: Run, services: Services, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    task = ToDos(services).run_every(hours=1)
    await run(task)
    State(ids={"p1": "t99"}).write(task.state_path)
    with caplog.at_level(logging.WARNING):
        assert (await run(task)).counts == {"in_step": 2}
    assert "the database has links already" in caplog.text
    assert task.state_path.with_suffix(".json.imported").exists()


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_local_state_that_cannot_be_read_fails_the_run_and_is_left(
    run: Run, services: Services, state_dir: Path, dry_run: bool
) -> None:
    task = ToDos(services).run_every(hours=1)
    State().write(task.state_path)
    task.state_path.write_text("{torn")
    if dry_run:
        with pytest.raises(Exception, match="cannot be read"):
            await run(task, dry_run=True)
    else:
        for _ in range(2):
            record = await run(task)
            assert record.status == "failed"
            assert "state file" in record.reason
            assert "Nothing was synced" in record.reason
    assert task.state_path.read_text() == "{torn"
    assert services.writes == []


async def test_a_task_that_runs_without_the_database_just_now_is_not_taken_over(
    run: Run, services: Services
) -> None:
    local = Blocking(services)
    going = asyncio.ensure_future(run_once(local))
    await local.reached.wait()
    record = await run(ToDos(services).run_every(hours=1))
    assert record.status == "failed"
    assert "is running in another process" in record.reason
    local.go.set()
    assert (await going).status == "succeeded"
    record = await run(ToDos(services).run_every(hours=1))
    assert (record.status, record.counts) == ("succeeded", {"in_step": 2})


# -- who hears of it -------------------------------------------------------------------------------------------


async def test_a_run_pings_its_check_without_titles(run: Run, services: Services) -> None:
    with receiving() as check:
        task = ToDos(services).run_every(hours=1)
        task.ping = f"http://{check.address}/check"
        record = await run(task)
        services.todo("Very private")
        again = await run(task)
        await run(ToDos(services).run_every(hours=1))  # has no address
        PINGER.flush(20)
    paths = [path.partition("?")[0] for path, _ in check.got]
    assert paths == ["/check/start", "/check", "/check/start", "/check"]
    assert [body.splitlines()[0] for _, body in check.got[1::2]] == ["succeeded", "succeeded"]
    assert str(uuid.UUID(record.run_id)) in check.got[0][0]
    assert str(uuid.UUID(again.run_id)) in check.got[3][0]
    assert "private" not in str(check.got)


async def test_a_check_that_is_away_fails_no_run(run: Run, services: Services) -> None:
    task = ToDos(services).run_every(hours=1)
    task.ping = "http://127.0.0.1:1/check"
    assert (await run(task)).status == "succeeded"
    PINGER.flush(20)


async def test_when_logins_expire_is_told_by_the_sides(
    run: Run, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await run(ToDos(services).run_every(hours=1))).expires == {}
    monkeypatch.setattr(MethodSide, "login_expires", property(lambda side: LATER))
    assert (await run(ToDos(services).run_every(hours=1))).expires == {
        "Notion": LATER,
        "the other side": LATER,
    }
