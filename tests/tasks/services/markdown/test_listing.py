"""Which files are notes, what is told of them, and what is never taken for a deletion."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks.errors import CursorExpiredError, SideError, TaskDefinitionError
from tasks.services.markdown import Folder
from tasks.services.markdown import files as disk
from tasks.services.markdown import vault as vaults
from tasks.sides import Kind
from tasks.values.opaque import Opaque
from tests.tasks.services.markdown.conftest import Desk


def test_files_are_notes_with_what_their_front_matter_says(desk: Desk) -> None:
    desk.write("Plan.md", "---\ndue: 2026-07-04\ntags: [b, a]\ndone: false\n---\n# Plan\n\nText\n")
    desk.write("Work/Läuse.MD", "No front matter")
    notes = desk.notes()
    assert notes["Plan.md"].values == {
        "title": "Plan", "content": "# Plan\n\nText", "folder": "",
        "due": datetime(2026, 7, 4).date(), "tags": ("a", "b"), "done": False,
    }  # fmt: skip
    assert notes["Work/Läuse.MD"].values == {
        "title": "Läuse", "content": "No front matter", "folder": "Work", "due": None, "tags": (), "done": None,
    }  # fmt: skip
    described = desk.side.describe()
    assert {name: one.kind for name, one in described.items() if name in ("due", "tags", "done")} == {
        "due": Kind.MOMENT, "tags": Kind.CHOICES, "done": Kind.YES_NO,
    }  # fmt: skip
    assert {one.meaning for one in described.values()} == {"title", "notes", "due", "tags", "done", ""}
    assert desk.side.address(notes["Plan.md"]) == str(desk.root / "Plan.md")
    assert abs((desk.side.edited(notes["Plan.md"]) - datetime.now(UTC)).total_seconds()) < 60


def test_what_is_hidden_or_no_note_is_skipped(desk: Desk) -> None:
    for path in (
        ".obsidian/a.md",
        ".git/b.md",
        ".trash/c.md",
        ".d.md",
        "e.txt",
        "Sub/.f.md",
        "g.md.bak",
        "h.md~",
    ):
        desk.write(path, "x")
    (desk.root / "folder.md").mkdir()
    os.mkfifo(desk.root / "pipe.md")
    desk.write("Sub/i.md", "x")
    assert list(desk.notes()) == ["Sub/i.md"]
    assert not desk.list().unreadable


def test_the_user_says_which_files_are_notes(desk: Desk) -> None:
    for path in ("a.md", "b.md", "todo-1.md", "Tasks/c.md", "Tasks/Old/d.md", "Bin/e.md"):
        desk.write(path, "x")
    desk.options = {"subfolders": False}
    assert set(desk.notes()) == {"a.md", "b.md", "todo-1.md"}
    desk.options = {"pattern": "todo-*.md"}
    assert set(desk.notes()) == {"todo-1.md"}
    desk.options = {"pattern": "Tasks/*.md", "trash": "Bin"}
    assert set(desk.notes()) == {"Tasks/c.md", "Tasks/Old/d.md"}
    desk.options = {"trash": "Bin"}
    assert "Bin/e.md" not in desk.notes()


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(desk: Desk) -> None:
    desk.write("good.md", "---\nlockstep_id: g\n---\n")
    desk.write("yaml.md", "---\na: [\n---\n")
    desk.write("latin.md", b"caf\xe9")
    desk.write("merge.md", "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n")
    desk.write("good.sync-conflict-20260101-101010-ABCDEFG.md", "---\nlockstep_id: g\n---\nother\n")
    desk.write("good (conflicted copy 2026-01-01).md", "---\nlockstep_id: g\n---\n")
    desk.write(".cloud.md.icloud", b"\0")
    (desk.root / "broken.md").symlink_to(desk.root / "nowhere")
    os.close(os.open(os.fsencode(desk.root) + b"/caf\xe9.md", os.O_CREAT))
    found = desk.list()
    assert [note.id for note in found] == ["g"]
    assert found.partial is None
    told = sorted(found.unreadable.values())
    for word in (
        "yaml.md its front matter cannot be read in line 3",
        "latin.md is no UTF-8",
        "merge.md holds the marks of a merge",
        "ABCDEFG.md is another version of a note",
        "(conflicted copy 2026-01-01).md is another version",
        "cloud.md is kept in iCloud",
        "broken.md cannot be read",
        "caf�.md has a name that is no text",
    ):
        assert sum(word in one for one in told) == 1, (word, told)
    assert len(told) == 8
    assert "g" not in found.unreadable
    assert desk.next_run().list().unreadable == found.unreadable


def test_a_file_without_the_right_to_read_it_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("a.md", "---\nlockstep_id: a\n---\n")
    desk.write("b.md", "x")
    assert desk.list()
    plain = disk.read

    def read(path: Path) -> object:
        if path.name == "a.md":
            raise PermissionError(13, "Permission denied")
        return plain(path)

    monkeypatch.setattr(disk, "read", read)
    desk.write("a.md", "---\nlockstep_id: a\n---\nnew")
    found = desk.list()
    assert found.unreadable == {"a": "a.md cannot be read: Permission denied"}
    assert [note.path for note in found] == ["b.md"]
    assert not desk.side.is_gone("a")
    gone = desk.write("c.md", "---\nlockstep_id: c\n---\n")
    desk.list()
    gone.unlink()
    assert desk.next_run().is_gone("c"), "what cannot be read was read before, and is another one"


def test_a_value_that_is_not_of_its_kind_holds_only_itself(desk: Desk) -> None:
    for number in range(3):
        desk.write(f"{number}.md", f"---\ndue: 2026-07-0{number + 1}\neffort: {number}\n---\n")
    desk.write("odd.md", "---\ndue: soon\neffort: 5\n---\n")
    values = desk.notes()["odd.md"].values
    assert isinstance(values["due"], Opaque)
    assert values["effort"] == 5
    for number in range(3):
        desk.write(f"{number}.md", f"---\ndue: soon {number}\n---\n")
    desk.write("one.md", "---\ndue: 2026-07-01\n---\n")
    desk.list()
    assert desk.next_run().describe()["due"].kind is Kind.MOMENT, "one date is left, so dates are meant"


def test_kinds_that_were_guessed_stay_when_no_file_has_the_key_any_more(desk: Desk) -> None:
    desk.write("a.md", "---\ndue: 2026-07-01\n---\n")
    desk.list()
    desk.write("a.md", "x")
    side = desk.next_run()
    assert side.describe()["due"].kind is Kind.MOMENT
    side.check(["due", "title"])
    with pytest.raises(TaskDefinitionError, match=r'fields = \{ dues = "text" \}'):
        side.check(["dues"])


# -- a folder that is not there ---------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_no_empty_one(either: Desk) -> None:
    either.write("a.md", "x")
    either.list()
    shutil.rmtree(either.root)
    for ask in (
        either.side.list,
        either.side.describe,
        lambda: either.side.is_gone("a"),
        lambda: either.side.get("b"),
    ):
        with pytest.raises(SideError, match="is it moved, or a drive not mounted"):
            ask()
    either.root.write_text("a file")
    with pytest.raises(SideError, match="is no folder"):
        either.side.list()


def test_an_empty_folder_in_the_place_of_another_one_is_no_empty_one(either: Desk, tmp_path: Path) -> None:
    either.write("a.md", "x")
    either.list()
    either.root.rename(tmp_path / "unmounted")
    either.root.mkdir()
    either.memory = either.side.remembered()
    either.side = Folder(either.root, **either.options)
    either.side.open()
    either.side.recall(either.memory, {})
    with pytest.raises(SideError, match="is a drive not mounted"):
        either.side.describe()
    either.root.rmdir()
    (tmp_path / "unmounted").rename(either.root)
    assert len(either.list()) == 1
    (either.root / "a.md").unlink()
    assert either.list() == [], "the same folder may become empty"


def test_a_folder_within_that_cannot_be_looked_into_makes_the_listing_partial(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    either.write("Sub/a.md", "x")
    either.write("b.md", "y")
    (a,) = (note.id for note in either.list() if note.path == "Sub/a.md")
    plain = disk._walk

    def walk(area: object, below: str, found: object) -> None:
        if below == "Sub/":
            raise PermissionError(13, "Permission denied")
        plain(area, below, found)  # type: ignore[arg-type]

    monkeypatch.setattr(disk, "_walk", walk)
    found = either.list()
    assert "b.md" in [note.path for note in found]
    assert "Sub: Permission denied" in str(found.partial)
    assert not either.side.is_gone(a)
    monkeypatch.undo()
    assert {note.id for note in either.list()} >= {a}


def test_a_note_that_left_what_is_synced_is_not_deleted(either: Desk) -> None:
    either.options["subfolders"] = False
    text = "---\nlockstep_id: x\n---\ntext\n"
    either.write("a.md", text)
    (note,) = either.list()
    (either.root / "Done").mkdir()
    (either.root / "a.md").rename(either.root / "Done/a.md")
    assert either.list() == []
    assert not either.side.is_gone(note.id)
    (either.root / "Done/a.md").unlink()
    assert either.next_run().is_gone(note.id)


def test_a_note_of_which_another_version_is_left_is_not_deleted(desk: Desk) -> None:
    desk.write("a.md", "---\nlockstep_id: x\n---\ntext\n")
    desk.list()
    (desk.root / "a.md").rename(desk.root / "a (conflicted copy).md")
    assert desk.list() == []
    assert not desk.side.is_gone("x")


# -- changes ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("later")
def test_a_look_without_changes_reads_no_file(either: Desk, reads: list[str]) -> None:
    for number in range(5):
        either.write(f"{number}.md", f"text {number}")
    cursor = either.list().cursor
    reads.clear()
    changes = either.changes(cursor)
    assert (list(changes.changed), list(changes.deleted), changes.partial) == ([], [], None)
    assert reads == []
    either.write("3.md", "new")
    (either.root / "4.md").unlink()
    changes = either.changes(changes.cursor)
    assert [note.path for note in changes.changed] == ["3.md"]
    assert len(changes.deleted) == 1
    assert set(reads) == {"3.md"}


def test_an_edit_within_one_tick_of_the_clock_is_seen(either: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    tick = time.time_ns()
    monkeypatch.setattr(disk, "stamp_of", lambda status: (tick, tick, status.st_size, status.st_ino))
    either.write("a.md", "one")
    cursor = either.list().cursor
    either.write("a.md", "two")
    (note,) = either.changes(cursor).changed
    assert note.values["content"] == "two"


@pytest.mark.usefixtures("later")
def test_an_edit_that_keeps_the_time_of_the_file_is_seen(either: Desk) -> None:
    file = either.write("a.md", "one")
    cursor = either.list().cursor
    before = file.stat()
    either.write("a.md", "two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    (note,) = either.changes(cursor).changed
    assert note.values["content"] == "two"


def test_a_cursor_of_another_memory_is_of_no_use(either: Desk) -> None:
    either.write("a.md", "x")
    cursor = either.list().cursor
    either.side.close()
    either.memory = None
    with pytest.raises(CursorExpiredError):
        either.open().changes(cursor)


def test_a_file_that_is_just_being_written_is_not_taken_for_an_empty_one(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = either.write("a.md", "text")
    either.list()
    file.write_text("")
    monkeypatch.setattr("time.sleep", lambda seconds: file.write_text("all of it"))
    (note,) = either.list()
    assert note.values["content"] == "all of it"


def test_a_file_that_is_gone_for_a_moment_was_not_deleted(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = either.write("a.md", "text")
    cursor = either.list().cursor
    file.unlink()
    monkeypatch.setattr("time.sleep", lambda seconds: file.write_text("saved"))
    changes = either.changes(cursor)
    assert [note.values["content"] for note in changes.changed] == ["saved"]
    assert not changes.deleted


# -- set-up -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"fields": {"due": "day"}}, "due is said to be 'day'; there are text,"),
        ({"fields": {"title": "text"}}, "'title' stands for something else"),
        ({"zone": "Mars/Base"}, "'Mars/Base' is unknown"),
        ({"trash": "/tmp/x"}, "trash '/tmp/x' is no folder within"),
        ({"new_in": "../x"}, "new_in '../x' is no folder within"),
        ({"new_in": ".inbox"}, "are not synced"),
        ({"id_key": "a", "title_key": "a"}, "both 'a'"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(tmp_path: Path, options: dict[str, object], word: str) -> None:
    with pytest.raises(TaskDefinitionError, match=word):
        Folder(tmp_path, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("kept", [0, 2, 1_000])
def test_notes_come_page_by_page_and_are_as_their_files_are_then(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(vaults, "PAGE", 2)
    monkeypatch.setattr(vaults, "KEPT", kept)
    for number in range(7):
        desk.write(f"{number}.md", f"---\ndue: 2026-07-0{number + 1}\n---\nText {number}\n")
    desk.write("bad.md", b"\xff\xfe\x00")
    whole = desk.list()
    assert {note.path: note.values["content"] for note in whole} == {f"{n}.md": f"Text {n}" for n in range(7)}
    assert {note.values["due"] for note in whole} == {datetime(2026, 7, n + 1).date() for n in range(7)}
    first, *rest = desk.next_run().pages()
    assert [*map(len, rest)] == [2, 2, 2, 1]
    assert (first.cursor, first.unreadable, first.partial) == (whole.cursor, whole.unreadable, None)
    assert [note for page in rest for note in page] == list(whole)
    assert len(whole.unreadable) == 1
    pages = desk.next_run().pages()
    start = next(pages).cursor
    next(pages)
    desk.write("6.md", "---\ndue: 2026-08-01\n---\nNew text, longer\n")
    (desk.root / "5.md").unlink()
    later = {note.path: note.values["content"] for page in pages for note in page}
    assert later["6.md"] == ("Text 6" if kept > 6 else "New text, longer")
    changes = desk.side.changes(start)
    assert [note.path for note in changes.changed] == ["6.md"]
    assert list(changes.deleted) == [note.id for note in whole if note.path == "5.md"]


def test_a_listing_reads_each_file_though_its_stamp_says_that_it_is_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vaults, "KEPT", 1)
    for name in "abc":
        desk.write(f"{name}.md", "old text")
    monkeypatch.setattr(disk, "stamp_of", lambda _: (1, 1, 8, 1))
    desk.list()
    desk.write("c.md", "NEW TEXT")
    assert desk.notes()["c.md"].values["content"] == "NEW TEXT"
