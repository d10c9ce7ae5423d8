from __future__ import annotations

from pathlib import Path

from tests.harness.memory_folder import memory_folder


def test_a_folder_where_there_is_room(tmp_path: Path) -> None:
    first, second = memory_folder(tmp_path, 1), memory_folder(tmp_path, 1)
    assert first is not None
    assert second is not None
    assert first != second
    assert {first.parent, second.parent} == {tmp_path}


def test_none_where_there_is_no_room_or_no_place(tmp_path: Path) -> None:
    assert memory_folder(tmp_path, 1 << 60) is None
    assert memory_folder(tmp_path / "nowhere", 1) is None
    assert list(tmp_path.iterdir()) == []
