"""A run that would destroy much of a table is halted on the node that has it, until a person lets it through."""

from __future__ import annotations

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
from tasks.database.exceptions import InvalidParameterError, MassChangeError
from tasks.database.storages.guard import Guard, Kind, Toll

M = "m"
ROWS = 60


class Two:
    """A node that asks and one that answers, both with the same rows, of which one is watched."""

    def __init__(self, watched: str, *, rows: int = ROWS, guard: Guard | None = None, **options: Any) -> None:
        self.time = 1_700_000_000_000
        self.storages = {
            name: MemoryStorage(HybridLogicalClock(lambda: self.time)) for name in ("asks", "answers")
        }
        self.guards = {name: guard or Guard() if name == watched else None for name in self.storages}
        self.options = options
        self.approve = False
        self.asked: list[MassChangeError] = []
        self.exchanges: list[SyncManifest] = []
        self.answering = self.engine("answers")
        self.watched = self.storages[watched]
        [self.other] = [storage for name, storage in self.storages.items() if name != watched]
        for number in range(rows):
            self.watched.edit(M, f"k{number:03}", x=f"old {number}", y="" if number % 2 else "y")
        if rows:
            self.sync()

    def engine(self, name: str, transport: Any = None) -> DatabaseEngine:
        storage = self.storages[name]
        assert storage.clock is not None
        graph = DependencyGraph({M: set()})
        return DatabaseEngine(
            storage, graph, storage.clock, name, transport=transport, guard=self.guards[name], **self.options
        )

    def said(self, error: MassChangeError) -> bool:
        self.asked.append(error)
        return self.approve

    def exchange(self, manifest: SyncManifest) -> SyncManifest:
        self.exchanges.append(manifest)
        process = self.answering.process
        return MemoryTransport(lambda sent: process(sent, approve=self.said)).exchange(manifest)

    def sync(self, *, dry_run: bool = False) -> Any:
        self.time += 1000
        return self.engine("asks", self).sync(dry_run, approve=self.said)

    def edit(self, count: int, *, storage: MemoryStorage | None = None, **fields: Any) -> None:
        self.time += 1000
        for number in range(count):
            (storage or self.other).edit(M, f"k{number:03}", **fields)

    def remove(self, count: int) -> None:
        self.time += 1000
        for number in range(count):
            self.other.remove(M, f"k{number:03}")

    def state(self) -> Any:
        kept = self.watched._kept()
        after_keys = self.watched.get_after_keys("asks")
        after_keys.pop("told", None)  # that an exchange began is noted, whatever becomes of it
        return kept[:2], self.watched.get_checkpoint("asks"), after_keys


WATCHED = pytest.mark.parametrize("watched", ["asks", "answers"])
SIZES = pytest.mark.parametrize("size", [None, 7], ids=["one page", "many pages"])


@WATCHED
@pytest.mark.parametrize(
    ("verb", "fields"),
    [("delete", None), ("blank", {"x": None}), ("blank", {"x": ""}), ("change", {"x": "oops"})],
    ids=str,
)
def test_mass_destruction_is_halted_and_let_through_once(watched: str, verb: str, fields: Any) -> None:
    two = Two(watched)
    two.remove(50) if fields is None else two.edit(50, **fields)
    two.watched.edit(M, "k058", y="made here")
    two.watched.edit(M, "new", x="made here")
    before = two.state()
    for _ in range(2):
        with pytest.raises(MassChangeError, match=f"would {verb}.*50 of 6[01] rows of 'm' .*'k000', 'k001'"):
            two.sync()
        assert two.state() == before
    [change] = two.asked[-1].changes
    assert (change.kind.verb, change.number, len(change.examples)) == (verb, 50, 50)
    assert two.asked[0].changes == two.asked[1].changes, "the same plan"
    two.approve = True
    two.sync()
    two.approve = False
    assert two.sync().counts() == {}
    assert two.watched.get_keys(M) == two.other.get_keys(M)
    assert two.watched.get_records(M, two.watched.get_keys(M)) == two.other.get_records(
        M, two.other.get_keys(M)
    )
    assert "new" in two.other.get_keys(M)
    assert two.watched.get_records(M, ["k055"])["k055"].data["x"] == "old 55"
    if verb != "change":
        two.edit(50, x="filled again")
        two.sync()
    two.remove(50)
    with pytest.raises(MassChangeError, match="delete"):
        two.sync()


@SIZES
def test_pages_are_looked_at_before_the_first_is_written(size: int | None) -> None:
    two = Two("asks", batch_size=size)
    two.remove(50)
    before = two.state()
    asked = len(two.exchanges)
    with pytest.raises(MassChangeError, match="50 of 60"):
        two.sync()
    assert two.state() == before
    assert len(two.exchanges) - asked < 12
    two.approve = True
    two.sync()
    assert len(two.watched.get_keys(M)) == 10
    assert len(two.asked) == 2, "asked once in a run"


def test_pages_that_are_pushed_are_counted_together() -> None:
    two = Two("answers", batch_size=7)
    two.remove(50)
    with pytest.raises(MassChangeError, match="of 60 rows"):
        two.sync()
    left = len(two.watched.get_keys(M))
    assert left >= 30, "half may go"
    with pytest.raises(MassChangeError):
        two.sync()
    assert len(two.watched.get_keys(M)) == left
    two.approve = True
    two.sync()
    assert len(two.watched.get_keys(M)) == 10
    assert not two.watched.get_after_keys("asks").get("through")
    assert not two.watched.get_after_keys("asks").get("toll")


class Fussy(MemoryStorage):
    """Cannot write the first rows."""

    def upsert_many(self, model_label: str, records: dict[str, SyncRecord]) -> set[str]:
        bad = {key for key in records if key < "k025" and key in self.get_keys(model_label)}
        super().upsert_many(model_label, {key: record for key, record in records.items() if key not in bad})
        return bad


def test_what_cannot_be_written_is_no_loss_of_the_exchanges_that_follow() -> None:
    two = Two("answers", batch_size=30)
    fussy = Fussy(two.watched.clock)
    fussy._records, fussy._checkpoints = two.watched._records, two.watched._checkpoints
    two.storages["answers"] = two.watched = fussy
    two.answering = two.engine("answers")
    two.edit(25, x="changed")
    for number in range(200):
        two.other.edit(M, f"n{number:03}", x="new")
    for number in range(50, 56):
        two.other.edit(M, f"k{number:03}", x="changed")
    two.sync()
    assert two.watched.get_records(M, ["k055"])["k055"].data["x"] == "changed"
    assert not two.asked


@WATCHED
@SIZES
def test_everyday_work_is_not_halted(watched: str, size: int | None) -> None:
    two = Two(watched, batch_size=size)
    two.remove(29)
    two.sync()
    for number in range(20):
        two.other.edit(M, f"n{number:03}", x="new", y="new")
    two.sync()
    two.edit(0)
    for number in range(30, 60):
        two.other.edit(M, f"k{number:03}", y="filled" if number % 2 else "changed")
    two.sync()
    assert not two.asked


@WATCHED
def test_small_tables_and_first_syncs_are_not_halted(watched: str) -> None:
    two = Two(watched, rows=20)
    two.remove(20)
    two.sync()
    assert two.watched.get_keys(M) == []
    first = Two(watched, rows=0)
    for number in range(200):
        first.other.edit(M, str(number), x=number)
    first.sync()
    assert len(first.watched.get_keys(M)) == 200
    assert not [*two.asked, *first.asked]


def test_another_plan_needs_another_word() -> None:
    two = Two("asks")
    two.remove(50)
    with pytest.raises(MassChangeError):
        two.sync()
    two.remove(51)
    with pytest.raises(MassChangeError):
        two.sync()
    one, other = (error.changes[0].digest for error in two.asked)
    assert one != other


def test_a_dry_run_tells_it() -> None:
    two = Two("asks")
    two.remove(50)
    before = two.state()
    with pytest.raises(MassChangeError, match="50 of 60"):
        two.sync(dry_run=True)
    assert two.state() == before


def test_a_full_comparison_with_a_peer_that_lost_its_rows_is_halted() -> None:
    two = Two("asks")
    two.time += 10 * 86_400_000
    with two.other.transaction():
        two.other._records[M].clear()
    two.other._purged = two.other.horizon(two.time << 16)
    before = two.watched.get_keys(M)
    with pytest.raises(MassChangeError, match="delete 60 of 60"):
        two.sync()
    assert two.watched.get_keys(M) == before
    with pytest.raises(MassChangeError, match="delete 60 of 60"):
        two.sync()
    two.approve = True
    two.sync()
    assert two.watched.get_keys(M) == []


@pytest.mark.parametrize("values", [{"delete_share": 1.5}, {"change_share": -0.1}, {"handful": -1}], ids=str)
def test_a_guard_refuses_what_does_not_fit(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameterError, match=next(iter(values))):
        Guard(**values)


@pytest.mark.parametrize(("share", "halts"), [(0.0, True), (0.5, True), (0.84, False), (1.0, False)])
def test_the_share_is_what_decides(share: float, halts: bool) -> None:
    two = Two("asks", guard=Guard(delete_share=share, handful=0))
    two.remove(50)
    if halts:
        with pytest.raises(MassChangeError):
            two.sync()
    else:
        two.sync()


def test_a_toll_without_a_guard_counts_nothing() -> None:
    assert not Toll().watches
    assert str(Kind("m", "blank", "x")) == "blank 'x' on "


def test_what_was_not_too_much_is_asked_again_where_it_has_grown() -> None:
    storage = MemoryStorage(HybridLogicalClock())
    records = [storage.edit(M, f"k{number}", x="old") for number in range(10)]
    toll = Toll(Guard(handful=1))
    for record in records[:5]:
        toll.delete(M, record)
    for _ in range(2):
        toll.check("node", storage, more=False)
    toll.delete(M, records[5])
    with pytest.raises(MassChangeError, match="6 of 10"):
        toll.check("node", storage, more=False)
