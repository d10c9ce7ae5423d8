"""An older copy of the database in the place of the newer one: noticed, and judged with a person's word."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import delete, insert, select

from config import get_settings
from tasks import LockLostError
from tasks.engine.report import Order
from tests.tasks.sync_task.seed_style import START, Page, Services, ToDo, ToDos
from tests.worker.store.conftest import open_store, url  # noqa: F401  SQLite and PostgreSQL
from worker.errors import StoreError
from worker.lock import MemoryLockStore, MemorySyncLock, RedisSyncLock, SyncLock
from worker.session.restored import CAREFUL
from worker.session.run import run_session
from worker.store import RunRecord, Store, schema
from worker.store.tables.runs import Runs

LATER = START + timedelta(hours=1)

Run = Callable[..., RunRecord]
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:  # noqa: F811
    made = open_store()
    made.migrate()
    return made


@pytest.fixture
def lock() -> Iterator[SyncLock]:
    lock = MemorySyncLock(MemoryLockStore())
    yield lock
    lock.close()


@pytest.fixture
def services() -> Services:
    services = Services()
    for title in ("Milk", "Bread", "Salt", "Eggs"):
        services.page(title)
    return services


@pytest.fixture
def run(store: Store, lock: SyncLock, services: Services) -> Run:
    def run(task: ToDos | None = None, **options: Any) -> RunRecord:
        services.writes.clear()
        options = {"store": store, "lock": lock, **options}
        task = task or ToDos(services)
        if task.plan_schedule.every is None:
            task.run_every(hours=1)
        return asyncio.run(run_session(task, **options))

    return run


def copy_of(store: Store) -> Rows:
    """A backup."""
    with store.read() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in schema.metadata.tables.values()
        }


def put_back(store: Store, copy: Rows) -> None:
    with store.write() as connection:
        for name, rows in copy.items():
            connection.execute(delete(schema.metadata.tables[name]))
            if rows:
                connection.execute(insert(schema.metadata.tables[name]), rows)


def edit(services: Services, title: str, new: str) -> None:
    page = services.find(Page, title)
    page.title, page.edited = new, LATER


def test_what_would_be_taken_back_waits_for_a_persons_word(
    run: Run, services: Services, store: Store
) -> None:
    run()
    copy = copy_of(store)
    edit(services, "Milk", "Oat milk")
    assert run().status == "succeeded"
    put_back(store, copy)
    todo = services.find(ToDo, "Oat milk")
    todo.summary, todo.modified = (
        "Milk",
        LATER + timedelta(hours=1),
    )  # taken back by a person, which the copy hides
    halted = run()
    assert halted.status == "halted"
    assert halted.reason.startswith(CAREFUL)
    assert services.writes == []
    again = run()
    assert (again.status, again.reason) == ("halted", halted.reason)
    (plan,) = store.plans.list()
    applied = run(order=Order(plan_id=plan.id), kind="apply")
    assert (applied.status, services.writes) == (
        "succeeded",
        [("other", "update", todo.uid, "summary", "Oat milk")],
    )
    edit(services, "Bread", "Rye bread")
    assert run().status == "succeeded"
    assert "Rye bread" in dict(services.agreed())


def test_what_needs_no_write_needs_no_word(run: Run, services: Services, store: Store) -> None:
    run()
    copy = copy_of(store)
    services.page("Tea"), services.todo("Rice")
    edit(services, "Milk", "Oat milk")
    run()
    put_back(store, copy)
    careful = run()
    assert (careful.status, services.writes) == ("succeeded", [])
    assert store.links.count("to-dos") == 6
    assert store.runs.restored_at("to-dos") is None
    edit(services, "Tea", "Green tea")
    assert run().status == "succeeded"
    assert len(services.agreed()) == 6


def test_a_copy_from_the_middle_of_a_run_is_noticed(run: Run, services: Services, store: Store) -> None:
    copies: list[Rows] = []

    class Backed(ToDos):
        def other_update_obj(self, obj: ToDo, attr: str, value: Any) -> None:
            copies.append(copy_of(store))
            super().other_update_obj(obj, attr, value)

    run()
    edit(services, "Milk", "Oat milk")
    run(Backed(services))
    put_back(store, copies[0])
    edit(services, "Bread", "Rye bread")
    assert run().status == "halted"


def test_a_copy_that_is_put_back_under_a_run_ends_it(run: Run, services: Services, store: Store) -> None:
    run()
    copy = copy_of(store)
    edit(services, "Milk", "Oat milk")
    run()

    class Under(ToDos):
        def get_other_objects(self) -> list[Any]:
            put_back(store, copy)
            return super().get_other_objects()

    edit(services, "Bread", "Rye bread")
    ended = run(Under(services))
    assert ended.status == "failed"
    assert "another database was put in the place" in ended.reason
    assert services.writes == []
    (newest, *_) = store.runs.list()
    assert (newest.run_id, newest.status) == (ended.run_id, "failed")
    assert run().status == "halted"


def test_redis_and_the_file_beside_it_each_notice_it_alone(
    services: Services, store: Store, lock: SyncLock, run: Run
) -> None:
    run()
    copy = copy_of(store)
    edit(services, "Milk", "Oat milk")
    run()
    put_back(store, copy)
    edit(services, "Bread", "Rye bread")
    if store.file is not None:
        elsewhere = MemorySyncLock(MemoryLockStore())  # a Redis that was flushed
        assert run(lock=elsewhere).status == "halted"
        elsewhere.close()
        put_back(store, copy)
        store.file.marks_path.unlink()
    assert run().status == "halted"


def test_where_nobody_knows_better_it_is_not_noticed_and_nothing_is_made_twice(
    services: Services, store: Store, run: Run
) -> None:
    run()
    copy = copy_of(store)
    services.page("Tea")
    run()
    put_back(store, copy)
    if store.file is not None:
        store.file.marks_path.write_text("{")  # unreadable: a power cut on a bad disk
    other = MemorySyncLock(MemoryLockStore())
    assert run(lock=other).status == "succeeded"
    other.close()
    assert len(services.agreed()) == 5


def test_a_plan_says_so_too(run: Run, services: Services, store: Store) -> None:
    run()
    copy = copy_of(store)
    edit(services, "Milk", "Oat milk")
    run()
    put_back(store, copy)
    edit(services, "Bread", "Rye bread")
    before = copy_of(store)
    planned = run(dry_run=True)
    assert (planned.status, planned.reason) == ("planned", CAREFUL)
    assert copy_of(store) == before


def test_a_copy_that_lacks_no_more_than_idle_runs_lacks_nothing(
    run: Run, services: Services, store: Store
) -> None:
    run()
    copy = copy_of(store)
    assert [run().status for _ in range(2)] == ["succeeded"] * 2
    put_back(store, copy)
    edit(services, "Milk", "Oat milk")
    assert run().status == "succeeded"
    assert "Oat milk" in dict(services.agreed())


@pytest.mark.parametrize(
    "how", ["killed", "lost its lock", "busy", "delivered twice", "all runs done", "failed"]
)
def test_no_end_of_a_run_looks_like_an_older_copy(
    how: str, run: Run, services: Services, store: Store, lock: SyncLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(message_id="first")
    match how:
        case "killed":
            with monkeypatch.context() as patched:
                patched.setattr(Runs, "finish", _fail)
                with pytest.raises(StoreError):
                    run()
        case "lost its lock":
            with monkeypatch.context() as patched:
                patched.setattr(SyncLock, "check", _lost)
                edit(services, "Salt", "Sea salt")
                assert run().status == "abandoned"
        case "busy":
            lock.acquire("to-dos", session_id="somebody")
            run()
            lock.release("somebody", "done")
        case "delivered twice":
            assert run(message_id="first").status == "skipped"
        case "all runs done":
            assert run(ToDos(services).run_every(hours=1).in_total(1)).status == "skipped"
        case "failed":

            class Failing(ToDos):
                def get_other_objects(self) -> list[Any]:
                    raise OSError("away")

            assert run(Failing(services)).status == "failed"
    edit(services, "Milk", "Oat milk")
    assert run().status == "succeeded"
    assert "Oat milk" in dict(services.agreed())


def _fail(*_: Any, **__: Any) -> None:
    raise StoreError("the machine went down")


def _lost(*_: Any) -> None:
    raise LockLostError("the lock was lost")


def test_redis_keeps_the_marks(
    services: Services, store: Store, client: redis.Redis, run: Run, tmp_path: Path
) -> None:
    lock = RedisSyncLock(client, prefix=tmp_path.name)
    run(lock=lock)
    copy = copy_of(store)
    edit(services, "Milk", "Oat milk")
    run(lock=lock)
    put_back(store, copy)
    if store.file is not None:
        store.file.marks_path.unlink()
    edit(services, "Bread", "Rye bread")
    assert run(lock=lock).status == "halted"
    lock.close()


# -- the file of SQLite ----------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lockstep.db"


@pytest.fixture
def on_file(path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{path}")
    store.migrate()
    yield store
    store.close()


def test_a_file_that_is_deleted_under_a_process_is_noticed(path: Path, on_file: Store, run: Run) -> None:
    run(store=on_file)
    path.unlink()
    for use in (on_file.links.tasks, on_file.prove_writable):
        with pytest.raises(StoreError, match=r"lockstep\.db was deleted while it was in use"):
            use()
    assert not path.exists()


def test_no_empty_database_takes_the_place_of_one_that_was_there(
    path: Path, on_file: Store, run: Run
) -> None:
    run(store=on_file)
    on_file.close()
    path.unlink()
    other = Store(f"sqlite:///{path}")
    with pytest.raises(
        StoreError, match=r"is gone: it held what 1 task had linked\. Put it back from a backup"
    ):
        other.migrate()
    assert not path.exists()
    path.with_name("lockstep.db.reached").unlink()
    other.migrate()
    assert other.links.tasks() == set()
    other.close()


def test_a_copy_that_is_moved_into_its_place_is_used_and_noticed(
    path: Path, on_file: Store, run: Run, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    run(store=on_file)
    backup = path.with_name("backup.db")
    with sqlite3.connect(path) as source, sqlite3.connect(backup) as target:
        source.backup(target)
    edit(services, "Milk", "Oat milk")
    run(store=on_file)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    backup.replace(path)
    edit(services, "Bread", "Rye bread")
    assert run(store=on_file).status == "halted"
    assert "Another file lies in the place of the database" in caplog.text
    fresh = Store(f"sqlite:///{path}")
    assert [each.status for each in fresh.runs.list()] == ["halted", "succeeded"]
    fresh.close()
