"""Writes to files that people and programs have open: nothing of theirs is lost, and no half of ours is seen."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ItemError, LockLostError, PreconditionError, UnfitError
from tasks.services.markdown import Note
from tasks.services.markdown import files as disk
from tasks.sides import check_lock
from tests.tasks.services.markdown.conftest import Desk

NOTE = "---\n# mine\ndue:   2026-07-04   # when\nother: 'x'\n---\n\nText\n"


def only(desk: Desk) -> Note:
    (note,) = desk.list()
    return note


def test_an_update_changes_its_lines_and_adds_the_id(desk: Desk) -> None:
    desk.write("a.md", NOTE)
    note = desk.side.update(only(desk), {"due": date(2026, 8, 1)})
    assert desk.read("a.md") == (
        f"---\n# mine\ndue:   2026-08-01   # when\nother: 'x'\nlockstep_id: {note.id}\n---\n\nText\n"
    ).replace("due:   2026-08-01", "due: 2026-08-01")
    assert only(desk) == note
    desk.side.update(note, {"content": "New\ntext"})
    assert desk.read("a.md").endswith("---\n\nNew\ntext\n")


def test_what_is_shown_already_is_not_written(either: Desk) -> None:
    file = either.write("a.md", NOTE)
    before = file.stat()
    note = only(either)
    assert either.side.update(note, {"due": date(2026, 7, 4), "content": "Text\n", "title": "a"}) == note
    assert (file.stat().st_ino, either.read("a.md")) == (before.st_ino, NOTE)


def test_without_ids_a_file_gets_nothing_that_nobody_asked_for(anonymous: Desk) -> None:
    anonymous.write("a.md", "Text")
    anonymous.side.update(only(anonymous), {"content": "New"})
    assert anonymous.read("a.md") == "New"
    made = anonymous.side.create("key", {"title": "b", "content": "---\nx\n---"})
    assert anonymous.read("b.md") == "---\n---\n---\nx\n---\n"
    assert anonymous.side.create("key", {"title": "b", "content": "---\nx\n---"}).id == made.id
    assert anonymous.files() == ["a.md", "b.md"]


def test_a_new_note_is_a_file_named_after_its_title(desk: Desk) -> None:
    desk.options = {"fields": {"due": "date", "tags": "choices"}, "new_in": "Inbox"}
    side = desk.next_run()
    note = side.create(
        "k-1", {"title": "Plan", "content": "# Plan", "due": date(2026, 7, 4), "tags": ("a", "b")}
    )
    assert note.id == "k-1"
    assert desk.read("Inbox/Plan.md") == (
        "---\ndue: 2026-07-04\ntags:\n  - a\n  - b\nlockstep_id: k-1\n---\n# Plan\n"
    )
    assert desk.notes()["Inbox/Plan.md"] == note
    assert desk.next_run().create("k-1", {"title": "Plan"}) == note, "made by a run that was cut off"
    assert desk.files() == ["Inbox/Plan.md"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A/B", "A-B.md"),
        ("", "Untitled.md"),
        ("CON", "CON-.md"),
        (".x", "x.md"),
        ("e\u0301", "é.md"),
        ("a" * 300, "a" * 136 + ".md"),
    ],
)
def test_a_title_that_can_be_no_name_is_kept(desk: Desk, title: str, name: str) -> None:
    made = desk.side.create("k", {"title": title})
    assert desk.files() == [name]
    assert only(desk) == made
    assert made.title == title
    renamed = desk.side.update(only(desk), {"title": "plain"})
    assert desk.files() == ["plain.md"]
    assert "lockstep_title" not in desk.read("plain.md")
    desk.side.update(renamed, {"title": title})
    assert only(desk).title == title
    (desk.root / name).rename(desk.root / "by hand.md")
    assert only(desk).title == "by hand"
    desk.side.update(only(desk), {"title": "again"})
    assert desk.read("again.md") == "---\nlockstep_id: k\n---\n"


def test_a_title_that_can_be_no_name_is_refused_where_nothing_may_say_it(either: Desk) -> None:
    either.options["title_key"] = ""
    either.write("a.md", "x")
    either.next_run()
    either.next_run()
    for write in (
        lambda: either.side.create("k", {"title": "A/B"}),
        lambda: either.side.update(only(either), {"title": "A/B", "content": "new"}),
    ):
        with pytest.raises(UnfitError, match="no file can be called 'A/B'") as caught:
            write()
        assert caught.value.attributes == {"title"}
    assert either.files() == ["a.md"]
    assert either.read("a.md") == "x"


def test_titles_that_file_systems_take_for_one_stay_two(either: Desk) -> None:
    titles = ["Plan", "plan", "PLAN", "Plan", "Café", "Cafe\u0301", "Straße", "STRASSE"]
    made = [either.side.create(f"k{number}", {"title": title}) for number, title in enumerate(titles)]
    assert len({note.id for note in made}) == len(titles)
    assert len({name.casefold() for name in either.files()}) == len(titles)
    assert sorted(note.title for note in either.list()) == sorted(titles)
    assert either.files()[:2] == ["Café ~2.md", "Café.md"]
    note = next(one for one in either.list() if one.title == "PLAN")
    either.side.update(note, {"title": "Other"})
    assert sorted(one.title for one in either.list()) == sorted(["Other", *titles[:2], *titles[3:]])


def test_only_the_case_of_a_name_may_change(either: Desk) -> None:
    either.write("plan.md", "x")
    note = either.side.update(only(either), {"title": "Plan"})
    assert either.files() == ["Plan.md"]
    assert only(either).id == note.id


def test_a_renamed_note_stays_in_its_folder(either: Desk) -> None:
    either.write("Work/a.md", "x")
    note = either.side.update(only(either), {"title": "b", "content": "y"})
    assert (note.path, either.files()) == ("Work/b.md", ["Work/b.md"])
    assert only(either) == note


def test_a_name_that_would_leave_what_is_synced_is_refused(either: Desk) -> None:
    either.options["pattern"] = "todo *.md"
    either.next_run()
    either.write("todo a.md", "x")
    with pytest.raises(ItemError, match=r"a file b\.md is none that is synced"):
        either.side.update(only(either), {"title": "b"})
    with pytest.raises(ItemError, match="those are todo"):
        either.side.create("k", {"title": "b"})
    assert either.files() == ["todo a.md"]


# -- edits meanwhile --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["edited", "emptied", "renamed", "deleted"])
@pytest.mark.parametrize("write", ["update", "rename", "delete"])
def test_a_file_that_changed_since_it_was_read_is_left_alone(either: Desk, how: str, write: str) -> None:
    file = either.write("a.md", "x")
    note = only(either)
    match how:
        case "edited":
            file.write_text("theirs")
        case "emptied":
            file.write_text("")
        case "renamed":
            file.rename(either.root / "b.md")
        case _:
            file.unlink()
    before = {name: either.read(name) for name in either.files()}
    writes: dict[str, Callable[[], object]] = {
        "update": lambda: either.side.update(note, {"content": "ours"}),
        "rename": lambda: either.side.update(note, {"title": "ours"}),
        "delete": lambda: either.side.delete(note),
    }
    with pytest.raises(PreconditionError):
        writes[write]()
    assert {name: either.read(name) for name in either.files()} == before


def at_the_last_moment(monkeypatch: pytest.MonkeyPatch, name: str, happens: Callable[[], Any]) -> None:
    """Let something happen right before a step of a write."""
    plain = getattr(disk, name)

    def step(*args: Any) -> Any:
        monkeypatch.undo()
        happens()
        return plain(*args)

    monkeypatch.setattr(disk, name, step)


def test_an_edit_while_ours_is_prepared_is_not_overwritten(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = either.write("a.md", "x")
    note = only(either)
    plain = disk.write_beside

    def prepared(path: Path, data: bytes) -> Path:
        made = plain(path, data)
        file.write_text("theirs")
        return made

    monkeypatch.setattr(disk, "write_beside", prepared)
    with pytest.raises(PreconditionError, match="edited meanwhile"):
        either.side.update(note, {"content": "ours"})
    assert either.files() == ["a.md"]
    assert either.read("a.md") == "theirs"


def test_a_name_that_is_taken_meanwhile_is_not_written_over(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    either.write("a.md", "x")
    note = only(either)
    at_the_last_moment(monkeypatch, "move", lambda: either.write("b.md", "theirs"))
    with pytest.raises(PreconditionError, match=r"there is a b\.md now"):
        either.side.update(note, {"title": "b"})
    assert either.read("b.md") == "theirs"
    at_the_last_moment(monkeypatch, "create", lambda: either.write("c.md", "theirs"))
    made = either.side.create("k", {"title": "c"})
    assert (made.path, made.title, either.read("c.md")) == ("c ~2.md", "c", "theirs")


@pytest.mark.parametrize("trash", [".trash", ""])
def test_an_edit_at_the_moment_of_a_deletion_is_kept(
    either: Desk, monkeypatch: pytest.MonkeyPatch, trash: str
) -> None:
    either.options["trash"] = trash
    file = either.write("a.md", "x")
    note = only(either)
    at_the_last_moment(monkeypatch, "move" if trash else "remove", lambda: file.write_text("theirs"))
    with pytest.raises(PreconditionError):
        either.side.delete(note)
    assert either.files() == ["a.md"]
    assert either.read("a.md") == "theirs"


def test_a_file_that_is_saved_again_while_it_is_deleted_stays(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    either.options["trash"] = ""
    file = either.write("a.md", "x")
    note = only(either)

    def unchanged(path: Path) -> str:
        path.write_text("theirs, by the open file")
        file.write_text("theirs, by its name")
        return "another one"

    plain = disk.remove
    monkeypatch.setattr(disk, "remove", lambda path, check: plain(path, lambda aside: unchanged(aside) == ""))
    with pytest.raises(PreconditionError):
        either.side.delete(note)
    assert either.read("a.md") == "theirs, by its name"
    assert either.read("a (conflicted copy).md") == "theirs, by the open file"


def test_a_crash_between_the_new_file_and_its_name_leaves_the_old_one(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    either.write("a.md", "x")
    note = only(either)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *args: os._exit(1))
        child = os.fork()
        if not child:
            either.side.update(note, {"content": "ours"})
        os.waitpid(child, 0)
    assert either.read("a.md") == "x"
    assert either.files() == [".~lockstep-a.md", "a.md"]
    assert only(either) == note
    either.side.update(note, {"content": "ours"})
    assert either.files() == ["a.md"]


def test_what_a_process_left_that_ended_is_swept_in_time(either: Desk) -> None:
    old, new = either.write("Sub/.~lockstep-a.md", "x"), either.write(".~lockstep-b.md", "y")
    os.utime(old, (1, 1))
    either.list()
    assert old.exists(), "a look writes nothing"
    either.side.create("k", {"title": "c"})
    assert (old.exists(), new.exists()) == (False, True)


def test_a_lost_lock_writes_nothing(either: Desk) -> None:
    either.write("a.md", "x")
    note = only(either)

    def lost() -> None:
        raise LockLostError("another run")

    token = check_lock.set(lost)
    try:
        for write in (
            lambda: either.side.update(note, {"content": "y"}),
            lambda: either.side.create("k", {"title": "b"}),
            lambda: either.side.delete(note),
            lambda: either.side.restore(note.id),
        ):
            with pytest.raises(LockLostError):
                write()
    finally:
        check_lock.reset(token)
    assert either.files() == ["a.md"]


def test_modes_of_files_stay(either: Desk) -> None:
    file = either.write("a.md", "x")
    file.chmod(0o640)
    either.side.update(only(either), {"content": "y"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_the_disk_refuses_is_told_and_nothing_is_left(
    either: Desk, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    either.write("a.md", "x")
    note = only(either)
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(error, os.strerror(error))))
    for write in (
        lambda: either.side.update(note, {"content": "y"}),
        lambda: either.side.create("k", {"title": "b"}),
    ):
        with pytest.raises(ItemError, match=os.strerror(error)):
            write()
    assert either.files() == ["a.md"]
    assert either.read("a.md") == "x"


def test_all_that_does_not_fit_is_named_and_nothing_is_written(either: Desk) -> None:
    either.options["fields"] = {"effort": "number", "due": "date"}
    either.next_run()
    either.write("a.md", "x")
    with pytest.raises(UnfitError) as caught:
        either.side.update(
            only(either), {"title": "b", "content": "\ud800", "effort": "much", "due": date(2026, 1, 1)}
        )
    assert caught.value.attributes == {"content", "effort"}
    with pytest.raises(ItemError, match="has no folder that can be written"):
        either.side.update(only(either), {"folder": "x"})
    assert (either.files(), either.read("a.md")) == (["a.md"], "x")


def test_a_note_that_could_not_be_read_again_is_not_written(
    either: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.services.markdown.document.LARGEST", 1000)
    either.write("a.md", "x")
    with pytest.raises(UnfitError, match="notes of up to 1,000 are synced"):
        either.side.update(only(either), {"content": "a" * 1001})
    with pytest.raises(UnfitError, match="notes of up to 1,000 are synced"):
        either.side.create("k", {"title": "b", "content": "a" * 1001})
    assert either.files() == ["a.md"]


def test_a_note_is_not_made_a_second_time_while_the_first_one_cannot_be_read(either: Desk) -> None:
    either.write("Plan.md", "---\na: [\n---\n")
    either.list()
    with pytest.raises(PreconditionError, match=r"may be there already: Plan\.md its front matter"):
        either.side.create("k", {"title": " plan"})
    either.write("Plan.md", "---\na: []\n---\n")
    assert [note.title for note in either.list()] == ["Plan"]
    either.write("Plan.md", "---\na: [\n---\n")
    either.list()
    assert either.side.create("k", {"title": "Plan"}).path == "Plan ~2.md", (
        "the first one is known to be another"
    )


def test_a_key_that_is_no_plain_word_is_quoted(either: Desk) -> None:
    either.options["fields"] = {"a: b": "number", "#x": "text", "yes": "text"}
    either.write("a.md", "x")
    either.next_run()
    note = either.side.update(only(either), {"a: b": 1, "#x": "z", "yes": "no"})
    assert either.read("a.md").startswith('---\n"a: b": 1\n"#x": z\n"yes": "no"\n')
    assert only(either).values == note.values


# -- the trash --------------------------------------------------------------------------------------------------


def test_a_deleted_note_lies_in_the_trash_and_is_restored(either: Desk) -> None:
    either.write("Work/a.md", NOTE)
    note = only(either)
    either.side.delete(note)
    assert either.files() == [".trash/Work/a.md"]
    assert either.side.is_gone(note.id)
    assert either.list() == []
    restored = either.side.restore(note.id)
    assert restored is not None
    assert (restored.id, restored.path, restored.values) == (note.id, note.path, note.values)
    assert either.read("Work/a.md") == NOTE
    assert only(either).id == note.id


def test_a_note_is_restored_beside_another_one_that_took_its_name(either: Desk) -> None:
    either.write("a.md", NOTE)
    note = only(either)
    either.side.delete(note)
    either.write("a.md", "another one")
    assert only(either).id != note.id
    restored = either.side.restore(note.id)
    assert restored is not None
    assert (restored.id, restored.path, restored.title) == (note.id, "a ~2.md", "a")
    assert either.read("a.md") == "another one"
    assert len({one.id for one in either.list()}) == 2


def test_notes_of_one_name_lie_side_by_side_in_the_trash(either: Desk) -> None:
    found = []
    for text in ("one", "two"):
        either.write("a.md", text)
        found.append(only(either))
        either.side.delete(found[-1])
    assert either.files() == [".trash/a ~2.md", ".trash/a.md"]
    restored = [either.side.restore(note.id) for note in found]
    assert [note.values["content"] for note in restored if note is not None] == ["one", "two"]


def test_a_note_is_found_in_the_trash_without_memory(desk: Desk) -> None:
    desk.side.create("k", {"title": "a", "content": "x"})
    desk.side.delete(only(desk))
    desk.memory = None
    desk.side.close()
    restored = desk.open().restore("k")
    assert restored is not None
    assert restored.values["content"] == "x"
    assert desk.side.restore("never there") is None


def test_without_a_trash_a_deleted_note_is_gone(either: Desk) -> None:
    either.options["trash"] = ""
    either.write("a.md", "x")
    note = only(either)
    either.side.delete(note)
    assert either.files() == []
    assert either.side.is_gone(note.id)
    assert either.side.restore(note.id) is None


# -- links ------------------------------------------------------------------------------------------------------


def test_links_are_ids_of_notes(desk: Desk) -> None:
    desk.options["fields"] = {"project": "reference"}
    desk.write("Work.md", "x")
    desk.write("Old/Work.md", "x")
    desk.write("Home.md", "x")
    desk.write("a.md", '---\nproject: "[[Home|at home]]"\n---\n')
    notes = desk.notes()
    home, work, old = (notes[path].id for path in ("Home.md", "Work.md", "Old/Work.md"))
    assert notes["a.md"].values["project"] == (home,)
    note = desk.side.update(notes["a.md"], {"project": tuple(sorted((home, old)))})
    assert desk.read("a.md").startswith('---\nproject: ["[[Home|at home]]", "[[Old/Work]]"]\n')
    assert note.values["project"] == tuple(sorted((home, old)))
    note = desk.side.update(note, {"project": (work,)})
    assert desk.read("a.md").startswith('---\nproject: ["[[Work]]"]\n')
    with pytest.raises(UnfitError, match="no note of the folder has the id"):
        desk.side.update(note, {"project": ("nobody",)})


@pytest.mark.usefixtures("later")
def test_a_link_changes_with_the_names_of_others(either: Desk) -> None:
    either.options["fields"] = {"project": "reference"}
    either.next_run()
    either.write("a.md", '---\nproject: "[[Home]]"\n---\n')
    cursor = either.list().cursor
    either.write("Home.md", "x")
    changes = either.changes(cursor)
    assert {note.path for note in changes.changed} == {"a.md", "Home.md"}
    home = next(note.id for note in changes.changed if note.path == "Home.md")
    assert next(note for note in changes.changed if note.path == "a.md").values["project"] == (home,)
