"""What a node may believe of what its peer has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.database.records.record import WHOLE, SyncRecord
from tasks.database.storages.view import Cursor, PeerView


def test_what_was_edited_since_it_was_sent_is_not_known() -> None:
    """The answer to what was sent before must not replace it unseen."""
    view = PeerView(sent={"note": {"1": SyncRecord("1", {"x": "old", "y": "same"}, {"x": 5, "y": 5})}})
    edited = SyncRecord("1", {"x": "new", "y": "same"}, {"x": 9, "y": 5})
    assert [view.knows_field("note", edited, name) for name in ("x", "y")] == [False, True]
    assert view.unknown_fields("note", edited) == ["x"]
    assert not view.knows_record("note", edited)
    assert not PeerView().knows_field("note", edited, "y"), "it was never sent"


_TIMES = st.integers(0, 6)


@given(
    st.dictionaries(st.sampled_from("xyz"), _TIMES),
    st.dictionaries(st.sampled_from([*"xyz", WHOLE]), _TIMES),
    _TIMES,
    _TIMES,
    st.frozensets(_TIMES, max_size=2),
)
def test_what_is_unknown_of_a_record_is_what_is_unknown_of_its_fields(
    stamps: dict[str, int], arrivals: dict[str, int], received_at: int, floor: int, own: frozenset[int]
) -> None:
    view = PeerView(has=Cursor(floor), own=own)
    record = SyncRecord("1", dict.fromkeys("xyz", "value"), stamps, received_at, arrivals)
    came = {
        name: max(stamps.get(name, 0), arrivals.get(name, arrivals.get(WHOLE, received_at))) for name in "xyz"
    }
    expected = [name for name, at in came.items() if at > floor and at not in own]
    assert view.unknown_fields("note", record) == expected
