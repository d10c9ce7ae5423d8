"""Marks of exchanges, by which a node that was set back is noticed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.database.exceptions import ManifestFieldError, SyncAbortedError
from tasks.database.records.manifest import SyncManifest
from tasks.database.records.marks import TOLD_MAX, Mark, Marks, Told, new_mark
from tasks.database.storages.peer import PeerState
from tests.tasks.database.test_engine import M, Pair


def told(*places: int) -> Told:
    result = Told()
    for place in places:
        result = result.and_then(Mark(place, "g", str(place)))
    return result


def test_a_node_knows_the_marks_that_it_told_since_the_last_that_was_heard() -> None:
    some = told(10, 20, 30).heard(Mark(20, "g", "20"))
    assert [mark.place for mark in some.marks] == [20, 30]
    assert some.knows(None, "g")
    assert some.knows(Mark(30, "g", "30"), "g")
    assert some.knows(Mark(10, "g", "10"), "g"), "an older one, of a clone"
    assert not some.knows(Mark(30, "g", "other"), "g"), "the same place in another past"
    assert not some.knows(Mark(40, "g", "40"), "g")
    assert not some.knows(Mark(10, "before", "10"), "g")
    assert not Told().knows(Mark(10, "g", "10"), "g"), "it has told nothing"


def test_what_was_heard_last_is_remembered_however_many_answers_are_lost() -> None:
    some = told(*range(5 * TOLD_MAX)).heard(Mark(4, "g", "4"))
    assert some.marks[0].place != 4, "it is too old"
    some = told(1, 2).heard(Mark(1, "g", "1"))
    for place in range(3, 5 * TOLD_MAX):
        some = some.and_then(Mark(place, "g", str(place)))
    assert len(some.marks) <= TOLD_MAX + 2
    assert some.knows(Mark(1, "g", "1"), "g")
    assert not some.knows(Mark(100, "g", "of another past"), "g")


def test_no_two_marks_are_alike() -> None:
    assert new_mark(1, "g") != new_mark(1, "g")


def test_marks_travel() -> None:
    marks = Marks(told(1, 2).heard(Mark(1, "g", "1")), Mark(7, "h", "x"))
    manifest = SyncManifest("a", 0, marks=marks)
    assert SyncManifest.from_dict(json.loads(json.dumps(manifest.to_dict()))).marks == marks
    assert SyncManifest.from_dict(SyncManifest("a", 0).to_dict()).marks is None


@pytest.mark.parametrize(
    "wrong",
    [
        1,
        {},
        {"told": 1},
        {"told": [1]},
        {"told": [[1, "g"]]},
        {"told": [[-1, "g", "t"]]},
        {"told": [[True, "g", "t"]]},
        {"told": [[1, "g" * 65, "t"]]},
        {"told": [], "since": -1},
        {"told": [], "heard": [1]},
        {"told": [[1, "g", "t"]] * 1000},
    ],
    ids=json.dumps,
)
def test_what_are_no_marks_is_refused(wrong: Any) -> None:
    with pytest.raises(ManifestFieldError):
        SyncManifest.from_dict({**SyncManifest("a", 0).to_dict(), "marks": wrong})


def test_a_peer_that_tells_no_marks_is_served() -> None:
    pair = Pair()
    storage, engine = pair.client()
    storage.edit(M, "1", name="x")
    exchange = pair.exchange

    def plain(manifest: SyncManifest) -> SyncManifest:
        manifest.marks = None
        answer = exchange(manifest)
        assert not answer.set_back
        answer.marks = None
        return answer

    pair.exchange = plain  # type: ignore[method-assign]
    assert engine.sync().counts() == {"pushed": 1}
    pair.server.edit(M, "1", name="y")
    assert engine.sync().counts() == {"applied": 1}
    assert engine.sync().counts() == {}


def test_a_run_does_not_go_on_where_what_was_received_has_changed() -> None:
    pair = Pair(batch_size=1)
    for key in "abc":
        pair.server.edit(M, key, name=key)
    storage, engine = pair.client()
    exchange, count = pair.exchange, 0

    def changing(manifest: SyncManifest) -> SyncManifest:
        nonlocal count
        answer, count = exchange(manifest), count + 1
        if count == 2:  # as by a backup that is two pages old
            state = PeerState.load(storage, "a")
            state.received.places.clear()
            state.save(storage, "a")
        return answer

    pair.exchange = changing  # type: ignore[method-assign]
    with pytest.raises(SyncAbortedError, match="replaced"):
        engine.sync()
    engine.sync()
    assert storage.get_keys(M) == ["a", "b", "c"]
