"""Database nodes as scheduled tasks: run under the lock, in the history, with their conflicts in the ledger."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import get_settings
from tasks import all_tasks, run_all_tasks
from tasks.database import DatabaseEngine, DependencyGraph, HybridLogicalClock, MemoryStorage
from tasks.database.records.conflict import ResolutionSource
from tasks.database.records.lost import LostValue
from tasks.database.transport.memory import MemoryTransport
from tasks.errors import TaskDefinitionError
from tasks.node_task import NodeTask, as_entry
from tests.harness.stores import new_store
from worker.cli.keeping import conflicts
from worker.errors import StoreError
from worker.lock import MemorySyncLock
from worker.session.run import run_session
from worker.store import RunRecord, Store
from worker.store.tables.conflicts import Conflicts
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError

#: Whose value stayed, and whose lost.
NODES = (ResolutionSource.LOCAL, ResolutionSource.REMOTE)


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    before = set(all_tasks)
    all_tasks.clear()
    yield
    all_tasks.clear()
    all_tasks.update(before)
    get_settings.cache_clear()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = new_store(tmp_path / "lockstep.db")
    yield store
    store.close()


class Pair:
    """A laptop that asks an office."""

    def __init__(self) -> None:
        self.clocks = [HybridLogicalClock(), HybridLogicalClock()]
        self.laptop, self.office = (MemoryStorage(clock) for clock in self.clocks)
        graph = DependencyGraph({"person": set()})
        self.server = DatabaseEngine(self.office, graph, self.clocks[1], "office")
        self.transport: Any = MemoryTransport(self.server.process)
        self.engine = DatabaseEngine(self.laptop, graph, self.clocks[0], "laptop", transport=self.transport)
        self.task = NodeTask("people", self.engine).run_every(minutes=5)


def run(pair: Pair, store: Store, **options: Any) -> RunRecord:
    lock = MemorySyncLock()
    try:
        return asyncio.run(run_session(pair.task, store=store, lock=lock, **options))
    finally:
        lock.close()


def test_a_database_that_only_nodes_have_used_is_missed_when_it_is_gone(store: Store) -> None:
    assert run(Pair(), store).status == "succeeded"
    assert store.file is not None
    store.close()
    store.file.path.unlink()
    with pytest.raises(StoreError, match="is gone: it held what 1 task had linked"):
        Store(f"sqlite:///{store.file.path}").migrate()


def test_a_node_runs_like_any_other_task(store: Store) -> None:
    pair = Pair()
    pair.laptop.edit("person", "1", name="Ada")
    planned = run(pair, store, dry_run=True)
    assert planned.status == "planned"
    assert pair.office.get_records("person", {"1"}) == {}
    assert store.runs.list() == []
    record = run(pair, store)
    assert (record.status, record.counts["pushed"]) == ("succeeded", 1)
    assert pair.office.get_records("person", {"1"})["1"].data["name"] == "Ada"
    assert [one.status for one in store.runs.list("people")] == ["succeeded"]
    assert store.runs.count_finished("people") == 1
    assert run(pair, store).counts == {}


def test_a_value_that_lost_on_this_node_is_in_the_ledger(store: Store) -> None:
    """Edited on the laptop while the office's edit was on its way: the laptop resolves it."""
    pair = Pair()
    pair.laptop.edit("person", "1", name="Ada")
    run(pair, store)

    class Meanwhile:
        def exchange(self, manifest: Any) -> Any:
            answer = pair.transport.exchange(manifest)
            if pair.laptop.get_records("person", {"1"})["1"].data["name"] == "Ada":
                time.sleep(0.01)
                pair.laptop.edit("person", "1", name="Ada L.")
            return answer

    pair.office.edit("person", "1", name="Lovelace")
    pair.engine._transport = Meanwhile()
    run(pair, store)
    run(pair, store)
    shown = [side.get_records("person", {"1"})["1"].data["name"] for side in (pair.laptop, pair.office)]
    assert shown == ["Ada L."] * 2
    (line,) = store.conflicts.list("people")
    (stayed,), (lost,) = line.entry.stayed, line.entry.lost
    assert (line.entry.model, line.entry.attribute, line.entry.name.title) == ("person", "name", "Ada L.")
    assert (stayed.where, stayed.id, stayed.value) == ("laptop", "1", "Ada L.")
    assert (lost.where, lost.id, lost.value) == ("office", "1", "Lovelace")


def test_a_peer_that_is_away_fails_the_run(store: Store) -> None:
    class Away:
        def exchange(self, manifest: Any) -> Any:
            from tasks.database.exceptions import SyncAbortedError

            raise SyncAbortedError("the office does not answer")

    pair = Pair()
    pair.engine._transport = Away()
    record = run(pair, store)
    assert (record.status, record.reason) == ("failed", "the office does not answer")


def test_a_node_is_scheduled_and_runs_without_celery() -> None:
    pair = Pair()
    pair.laptop.edit("person", "1", name="Ada")
    pair.task.run_once().schedule()
    assert pair.task in all_tasks
    with pytest.raises(TaskDefinitionError, match="two tasks are named 'people'"):
        NodeTask("people", pair.engine).schedule()
    run_all_tasks()
    assert pair.office.get_records("person", {"1"})["1"].data["name"] == "Ada"


def test_the_ledger_of_a_node_is_shown_in_its_own_words(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.write() as connection:
        for name in ("name", ""):
            kept, lost = ("Ada L.", "Lovelace") if name else (None, {"name": "Lovelace"})
            found = LostValue("person", "1", name, kept, lost, 1 << 56, 1 << 56, "local", *NODES)
            Conflicts.keep(connection, "office", as_entry(found, "office", "laptop"), "")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'lockstep.db'}")
    get_settings.cache_clear()
    assert conflicts.conflicts(None, limit=5, as_json=False) == ExitCode.OK
    listed = " ".join(capsys.readouterr().out.split())
    assert re.search(r"person 1 office \S+ \S+ \S+ name - Ada L\. \(office\) Lovelace \(laptop\)", listed)
    assert "name edited on office and laptop; that of office stays" in listed
    assert "deleted on office, edited on laptop; the deletion stays" in listed
    assert "Notion's" not in listed
    number = next(one.id for one in store.conflicts.list("office") if one.entry.attribute)
    conflicts.show(number, as_json=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert "Object person 1 When" in shown
    assert "What name Base - Stayed Ada L. (office, edited" in shown
    assert "Lost Lovelace (laptop, edited" in shown
    assert "--take" not in shown
    with pytest.raises(CommandError, match="edit the record"):
        conflicts.take(number, "other", dry_run=False, as_json=False)
