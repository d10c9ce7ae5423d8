"""What a program for the page relies on when nodes decide: failing resolvers, excluded fields, kinds of keys."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.database import (
    ConflictType,
    DatabaseEngine,
    DatabaseResult,
    DependencyGraph,
    FieldOwnershipWins,
    FieldTimestampWins,
    HybridLogicalClock,
    LocalWins,
    MemoryStorage,
    MemoryTransport,
    ModelPayload,
    PayloadReconciler,
    RecordConflict,
    RecordResolution,
    RemoteWins,
    ResolutionSource,
    SyncAbortedError,
    SyncManifest,
    SyncRecord,
)
from tasks.database.deciding.reconciler import ReconciliationResult

M = "m"


class Two:
    """A node that answers and one that asks."""

    def __init__(self, resolver: Any = None, asking_resolver: Any = None) -> None:
        self.time = 1_700_000_000_000
        self.results: list[DatabaseResult] = []
        self.here, self.there = (MemoryStorage(HybridLogicalClock(lambda: self.time)) for _ in range(2))
        self.answering = self._engine(self.there, "there", resolver)
        self.asking = self._engine(self.here, "here", asking_resolver, MemoryTransport(self._process))

    def _engine(self, storage: Any, name: str, resolver: Any, transport: Any = None) -> DatabaseEngine:
        reconciler = PayloadReconciler(resolver) if resolver else None
        graph = DependencyGraph({M: set()})
        return DatabaseEngine(storage, graph, storage.clock, name, transport=transport, reconciler=reconciler)

    def _process(self, manifest: SyncManifest) -> Any:
        answer, result = self.answering.process(manifest)
        self.results.append(result)
        return answer, result

    def edit(self, storage: MemoryStorage, key: str, **fields: Any) -> None:
        self.time += 1000
        storage.edit(M, key, **fields)

    def sync(self) -> DatabaseResult:
        self.time += 1000
        return self.asking.sync()

    def both(self, key: str, name: str = "x") -> list[Any]:
        return [
            found.data.get(name)
            for storage in (self.here, self.there)
            for found in storage.get_records(M, [key]).values()
        ]


class Failing:
    """A resolver that fails on some keys."""

    def __init__(self, *keys: str) -> None:
        self.keys = set(keys)

    def resolve(self, conflict: RecordConflict) -> RecordResolution:
        if conflict.key in self.keys:
            raise RuntimeError("resolver exploded")
        return FieldTimestampWins().resolve(conflict)


class Saying:
    """A resolver that gives what it was made with."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def resolve(self, conflict: RecordConflict) -> Any:
        return self.answer


NO_ANSWERS = [
    None,
    "local",
    RecordResolution(None, ResolutionSource.LOCAL),
    RecordResolution("k", ResolutionSource.LOCAL),
]  # type: ignore[arg-type]


def lost_values(two: Two, name: str) -> set[Any]:
    fields = [f for s in (two.here, two.there) for e in s.conflicts for f in e.conflict.field_conflicts]
    return {value for f in fields if f.field_name == name for value in (f.local_value, f.remote_value)}


def test_a_resolver_that_fails_holds_its_record_alone() -> None:
    failing = Failing("1", "2")
    two = Two(failing)
    for key in ("1", "2", "3"):
        two.edit(two.there, key, x="old")
    two.sync()
    two.here.remove(M, "2")
    for key in ("1", "2", "3"):
        two.edit(two.there, key, x="there")
    for key in ("1", "3", "4"):
        two.edit(two.here, key, x="here")
    before = len(two.results)
    two.sync()
    result = two.results[before]
    assert not result.ok
    assert {error.key for error in result.errors} == {"1", "2"}
    assert result.errors[0].startswith("m '1': the resolver failed on it (RuntimeError: resolver exploded)")
    assert sorted(result.skipped[M]) == ["1", "2"]
    assert two.both("4") == two.both("3") == ["here", "here"]
    assert two.there.get_records(M, ["2"])["2"].data["x"] == "there", "nothing is decided"
    failing.keys.clear()
    two.sync()
    assert two.sync().ok
    assert two.results[-1].ok
    assert two.both("1") == ["here", "here"]
    assert two.both("2") == ["there", "there"]
    assert lost_values(two, "x") >= {"here", "there"}
    assert not two.sync().counts()


def test_a_resolver_that_fails_on_the_asking_node() -> None:
    failing, two = Failing("1"), Two()
    two.edit(two.there, "1", x="old")
    two.sync()
    edits = ["meanwhile"]

    def process(manifest: SyncManifest) -> Any:
        answer = two._process(manifest)
        if edits:
            two.edit(two.here, "1", x=edits.pop())
        return answer

    two.edit(two.there, "1", x="there")
    two.edit(two.there, "2", x="new")
    asking = two._engine(two.here, "here", failing, MemoryTransport(process))
    result = asking.sync()
    assert [(error.key, error.model_label) for error in result.errors] == [("1", M)]
    assert (result.skipped[M], result.applied[M]) == (["1"], ["2"])
    for _ in range(2):
        two.sync()
    assert two.both("1") == ["meanwhile", "meanwhile"]
    assert lost_values(two, "x") >= {"there"}
    assert two.sync().ok


@pytest.mark.parametrize("answer", NO_ANSWERS, ids=str)
def test_an_answer_that_is_none_holds_the_record(answer: Any) -> None:
    local = {"1": SyncRecord("1", {"x": "L", "y": 1}, {"x": 15, "y": 1})}
    remote = {"1": SyncRecord("1", {"x": "R", "y": 1}, {"x": 20, "y": 1})}
    result = PayloadReconciler(Saying(answer)).reconcile(ModelPayload(M, remote), local, 10)
    assert [error.key for error in result.errors] == ["1"]
    assert "m '1'" in result.errors[0].message
    assert not result.to_upsert
    assert not result.response_records


def test_a_resolver_that_fails_on_a_deletion() -> None:
    local = {"1": SyncRecord("1", {"x": 1}, {"x": 150})}
    result = PayloadReconciler(Failing("1")).reconcile(ModelPayload(M, {}, {"1": 100}), local, 50)
    assert [(error.key, error.model_label) for error in result.errors] == [("1", M)]
    assert "resolver exploded" in result.errors[0].message
    assert isinstance(result.errors[0].exception, RuntimeError)
    assert (result.to_delete, result.conflict_keys) == ({}, [])


def conflict(local: SyncRecord, remote: SyncRecord) -> RecordConflict:
    return RecordConflict("k", M, ConflictType.BOTH_MODIFIED, [], local, remote)


@pytest.mark.parametrize(
    "make", [FieldTimestampWins, lambda **more: FieldOwnershipWins(set(), {"secret", "x"}, **more)]
)
def test_no_word_is_said_of_excluded_fields(make: Any) -> None:
    resolver = make(exclude_fields={"secret"})
    local = SyncRecord("k", {"x": "L", "sync_field_last_modified": 1}, {"x": 5})
    remote = SyncRecord(
        "k",
        {"x": "R", "secret": "s", "sync_field_timestamps": {}},
        {"x": 7, "secret": 9, "sync_field_timestamps": 9},
    )
    for one, other, value in (
        (local, remote, "R"),
        (remote, local, "R" if make is FieldTimestampWins else "L"),
    ):
        found = resolver.resolve(conflict(one, other)).record
        assert found.data == {"x": value}
        assert set(found.timestamps) == {"x"}


@pytest.mark.parametrize("both", [True, False], ids=["both have it", "only the peer has it"])
def test_excluded_fields_stay_as_they_are_on_each_node(both: bool) -> None:
    two = Two(FieldTimestampWins(exclude_fields={"secret"}), FieldTimestampWins(exclude_fields={"secret"}))
    two.edit(two.there, "1", x="old", **({"secret": "old"} if both else {}))
    two.sync()
    two.edit(two.there, "1", x="there", **({"secret": "there"} if both else {}))
    two.edit(two.here, "1", x="here", secret="here")
    for _ in range(3):
        two.sync()
    assert two.both("1") == ["here", "here"]
    assert two.both("1", "secret") == ["here", "there" if both else None]
    assert not two.sync().counts(), "the nodes do not come to rest"


@pytest.mark.parametrize("asking", [True, False], ids=["asked", "answered"])
def test_a_missing_checksum_aborts(asking: bool) -> None:
    two = Two()
    if not asking:
        with pytest.raises(SyncAbortedError, match="checksum"):
            two.answering.process(SyncManifest("here", 0))
        return

    class Bare:
        def exchange(self, manifest: SyncManifest) -> SyncManifest:
            return SyncManifest("there", 0)

    with pytest.raises(SyncAbortedError, match="checksum"):
        two._engine(two.here, "here", None, Bare()).sync()


def kinds(result: ReconciliationResult) -> list[set[str]]:
    return [
        result.created_keys,
        result.applied_keys,
        set(result.conflict_keys),
        set(result.compatible_keys),
        {error.key for error in result.errors},
    ]


KEYS = st.sampled_from("123")
RECORDS = st.dictionaries(
    KEYS,
    st.tuples(
        st.dictionaries(st.sampled_from("xy"), st.sampled_from([None, "a", "b"])),
        st.dictionaries(st.sampled_from("xy"), st.integers(0, 30)),
    ),
)


def records(given_: dict[str, Any]) -> dict[str, SyncRecord]:
    return {key: SyncRecord(key, data, stamps) for key, (data, stamps) in given_.items()}


@example({"1": ({"x": "a"}, {"x": 15})}, {"1": ({"x": "b"}, {"x": 12})}, {}, 10, 0)  # edited on both
@given(RECORDS, RECORDS, st.dictionaries(KEYS, st.integers(0, 40)), st.integers(0, 20), st.integers(0, 3))
def test_every_key_is_of_one_kind(here: Any, there: Any, deletes: Any, checkpoint: int, which: int) -> None:
    resolver = [FieldTimestampWins(), LocalWins(), RemoteWins(), Failing("2")][which]
    payload = ModelPayload(M, records(there), {key: at for key, at in deletes.items() if key not in there})
    result = PayloadReconciler(resolver).reconcile(payload, records(here), checkpoint)
    found = kinds(result)
    assert sum(map(len, found)) == len(set().union(*found)), found
    assert set().union(*found) >= set(there)
    assert set(result.to_upsert) <= set().union(*found[:4])
    assert len(result.conflict_keys) == len(set(result.conflict_keys))


def test_equal_edits_on_both_nodes_are_compatible() -> None:
    local = {"1": SyncRecord("1", {"x": "same", "y": 1}, {"x": 15, "y": 5})}
    for stamp in (12, 20):
        remote = {"1": SyncRecord("1", {"x": "same", "y": 1}, {"x": stamp, "y": 5})}
        result = PayloadReconciler().reconcile(ModelPayload(M, remote), local, 10)
        assert kinds(result)[2:4] == [set(), {"1"}]
    known = {"1": SyncRecord("1", {"x": "same", "y": 1}, {"x": 9, "y": 5})}
    result = PayloadReconciler().reconcile(ModelPayload(M, remote), known, 10)
    assert kinds(result)[1:4] == [{"1"}, set(), set()]


def test_a_run_names_each_key_once_and_what_it_took_unasked_as_applied() -> None:
    two = Two()
    for key in "123":
        two.edit(two.there, key, x="old")
    result = two.sync()
    assert (sorted(result.applied[M]), dict(result.created)) == (["1", "2", "3"], {})
    two.edit(two.here, "4", x="new")
    two.edit(two.here, "1", x="same")
    two.edit(two.there, "1", x="same")
    two.edit(two.here, "2", x="here")
    two.edit(two.there, "2", x="there")
    result = two.sync()
    answered = next(each for each in two.results[::-1] if each.counts())
    assert answered.counts() == {"created": 1, "compatible": 1, "conflicts": 1}
    assert result.counts() == {"pushed": 3, "applied": 2}
    assert not two.sync().counts()
