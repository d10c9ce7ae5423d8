"""What a node may believe of what its peer has."""

from __future__ import annotations

from tasks.database.records.record import SyncRecord
from tasks.database.storages.view import PeerView


def test_what_was_edited_since_it_was_sent_is_not_known() -> None:
    """The answer to what was sent before must not replace it unseen."""
    view = PeerView(sent={"note": {"1": SyncRecord("1", {"x": "old", "y": "same"}, {"x": 5, "y": 5})}})
    edited = SyncRecord("1", {"x": "new", "y": "same"}, {"x": 9, "y": 5})
    assert [view.knows_field("note", edited, name) for name in ("x", "y")] == [False, True]
    assert view.unknown_fields("note", edited) == ["x"]
    assert not view.knows_record("note", edited)
    assert not PeerView().knows_field("note", edited, "y"), "it was never sent"
