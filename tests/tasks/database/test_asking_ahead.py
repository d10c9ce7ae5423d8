"""The next page is asked for while the one before is written; what is not kept is given again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.database import (
    DatabaseEngine,
    DependencyGraph,
    HybridLogicalClock,
    MemoryStorage,
    MemoryTransport,
    SyncManifest,
    SyncRecord,
)
from tasks.database.exceptions import ManifestFieldError, SyncAbortedError, TransportError
from tasks.database.storages.peer import PeerState

GRAPH = DependencyGraph({"m": set()})


class Failing(MemoryStorage):
    """Fails in its writes when it is told to."""

    writes_left = 1_000

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        self.writes_left -= 1
        if self.writes_left < 0:
            raise SyncAbortedError("the disk is full")
        return super().upsert_many(model_label, records)


class Link(MemoryTransport):
    """Tells what was asked, and in which order with what was written."""

    def __init__(self, office: DatabaseEngine) -> None:
        super().__init__(office.process)
        self.asked: list[SyncManifest] = []
        self.open = 0
        self.lost = False

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        self.asked.append(manifest)
        if self.lost and manifest.ahead is not None:
            raise TransportError("the line is dead")
        return super().exchange(manifest)

    def begin(self, manifest: SyncManifest) -> Callable[[], SyncManifest]:
        self.open += 1

        def answer() -> SyncManifest:
            self.open -= 1
            return self.exchange(manifest)

        return answer


class Pair:
    def __init__(self, records: int = 10) -> None:
        self.office, self.laptop = MemoryStorage(HybridLogicalClock()), Failing(HybridLogicalClock())
        self.office_engine = self.engine(self.office, "office")
        self.link = Link(self.office_engine)
        self.laptop_engine = self.engine(self.laptop, "laptop", transport=self.link)
        for number in range(records):
            self.office.edit("m", str(number), name="Ada")

    def engine(self, storage: MemoryStorage, name: str, **more: Any) -> DatabaseEngine:
        assert storage.clock is not None
        return DatabaseEngine(storage, GRAPH, storage.clock, name, batch_size=3, **more)

    def equal(self) -> bool:
        return all(
            self.office.get_records("m", [key])[key].data == record.data
            for key, record in self.laptop.get_records("m", self.office.get_keys("m")).items()
        ) and self.laptop.get_keys("m") == self.office.get_keys("m")


def test_pages_are_asked_for_ahead_and_come_once() -> None:
    pair = Pair()
    assert pair.laptop_engine.sync().counts() == {"applied": 10}
    assert pair.equal()
    ahead = [manifest for manifest in pair.link.asked if manifest.ahead is not None]
    assert len(ahead) == 3
    for manifest in ahead:
        assert manifest.ahead is not None
        assert manifest.checkpoint <= manifest.ahead["checkpoint"]
        assert (manifest.checkpoint, manifest.after_keys) != tuple(manifest.ahead.values())


def test_what_was_not_kept_is_given_again() -> None:
    pair = Pair()
    pair.laptop.writes_left = 1
    with pytest.raises(SyncAbortedError, match="the disk is full"):
        pair.laptop_engine.sync()
    assert pair.link.open == 0
    kept = PeerState.load(pair.laptop, "laptop").received
    assert kept == PeerState.load(pair.office, "laptop").sent
    pair.laptop.writes_left = 1_000
    assert pair.laptop_engine.sync().counts() == {"applied": 7}
    assert pair.equal()


def test_a_lost_answer_ends_the_run_after_what_was_there_is_kept() -> None:
    pair = Pair()
    pair.link.lost = True
    with pytest.raises(TransportError, match="the line is dead"):
        pair.laptop_engine.sync()
    assert len(pair.laptop.get_keys("m")) == 3
    pair.link.lost = False
    pair.laptop_engine.sync()
    assert pair.equal()


def test_edits_made_meanwhile_go_with_a_later_exchange() -> None:
    pair = Pair()
    original = pair.laptop.upsert_many
    edited: list[str] = []

    def upsert_many(model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        if not edited:
            edited.append("new")
            pair.laptop.edit("m", "new", name="Grace")
        return original(model_label, records)

    pair.laptop.upsert_many = upsert_many  # type: ignore[method-assign]
    assert pair.laptop_engine.sync().counts() == {"applied": 10, "pushed": 1}
    assert pair.equal()


def test_a_dry_run_and_a_node_with_news_ask_for_nothing_ahead() -> None:
    pair = Pair()
    pair.laptop_engine.sync(dry_run=True)
    for number in range(20):
        pair.laptop.edit("m", f"mine {number}", name="Ada")
    pair.link.asked.clear()
    pair.laptop_engine.sync()
    assert all(manifest.ahead is None for manifest in pair.link.asked if manifest.payloads)
    assert pair.equal()


@pytest.mark.parametrize("ahead", [1, {}, {"checkpoint": 1}, {"checkpoint": -1, "after_keys": {}}])
def test_a_wrong_place_is_refused(ahead: Any) -> None:
    with pytest.raises(ManifestFieldError, match="ahead"):
        SyncManifest.from_dict({"node_id": "a", "checkpoint": 0, "ahead": ahead})
