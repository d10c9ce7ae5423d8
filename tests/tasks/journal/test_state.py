from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tasks import State, StateError
from tasks.journal.file import FileJournal

STATE = State(
    ids={"p1": "t1"},
    objs={"p1": {"Due": date(2026, 1, 2), "At": datetime(2026, 1, 2, 3, tzinfo=UTC), "Tags": ("a", "b")}},
    others={"p1": {"Due": None, "At": Decimal("1.5"), "Tags": ()}},
    intents={"key": {"side": "notion", "source_id": "t2", "values": {"$type": 1}, "target_id": None}},
)


def test_a_state_comes_back_from_json_with_its_types() -> None:
    assert State.from_json(STATE.to_json()) == STATE
    assert type(State.from_json(STATE.to_json()).objs["p1"]["Tags"]) is tuple


def test_a_state_with_the_two_parts_of_the_page_alone_is_a_state() -> None:
    assert State.from_json('{"ids": {"p": "t"}, "objs": {"p": {"a": 1}}}') == State(
        ids={"p": "t"}, objs={"p": {"a": 1}}
    )


def test_a_state_comes_back_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "made" / "state.json"
    assert State.read(path) is None
    STATE.write(path)
    assert State.read(path) == STATE
    assert [each.name for each in path.parent.iterdir()] == ["state.json"]


def test_a_write_that_fails_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    STATE.write(path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StateError, match=r"state\.json cannot be written: No space left on device"):
        State().write(path)
    assert State.read(path) == STATE


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b'{"ids": {"a": ', "Expecting value"),
        (b"\xc3(", "decode"),
        (b"[]", "valid dictionary"),
        (b"null", "valid dictionary"),
        (b'{"ids": {"a": 1}}', r"ids\.a: "),
        (b'{"objs": {"a": {"d": {"$type": "date", "value": "x"}}}}', "Invalid isoformat"),
    ],
)
def test_an_unreadable_file_is_told_and_left_alone(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(StateError, match=reason) as caught:
        State.read(path)
    message = str(caught.value)
    assert message.startswith(f"state file {path} cannot be read (")
    assert "Nothing was synced" in message
    assert "\n" not in message
    assert path.read_bytes() == content


def test_a_state_file_that_is_a_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="Is a directory"):
        State.read(tmp_path)


def test_states_do_not_share_their_parts() -> None:
    one, two = State(), State()
    parts: list[dict[str, Any]] = [one.ids, one.objs, one.others, one.intents]
    for part in parts:
        part["x"] = "y"
    assert two == State()


async def test_a_file_of_another_version_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    State(ids={"a": "b"}, objs={"a": {}}, parked={"a": ["elsewhere"]}).write(path)
    before = path.read_bytes()
    with pytest.raises(StateError, match="another version wrote it"):
        await FileJournal(path).load()
    assert path.read_bytes() == before
