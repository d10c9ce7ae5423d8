"""Which file is which note, whatever people and programs do to the files between two runs."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from tasks.services.markdown.identities import Known, Seen, identify, sketch
from tests.tasks.services.markdown.conftest import Desk

#: Long enough that an edit leaves most of it.
TEXT = "".join(f"line {number}\n" for number in range(9))


def ids(desk: Desk) -> dict[str, str]:
    """Ids by path, as the next run lists them."""
    return {path: note.id for path, note in desk.notes().items()}


def test_ids_stay_without_memory(either: Desk) -> None:
    either.write("a.md", "x")
    either.write("Sub/b.md", "x")
    before = ids(either)
    assert len(set(before.values())) == 2
    either.side.close()
    either.memory = None
    either.open()
    assert ids(either) == before


def test_a_renamed_file_is_the_same_note(either: Desk) -> None:
    file = either.write("a.md", TEXT)
    before = ids(either)["a.md"]
    file.rename(either.root / "b.md")
    assert ids(either) == {"b.md": before}
    (either.root / "Sub").mkdir()
    (either.root / "b.md").rename(either.root / "Sub/c.md")
    assert ids(either) == {"Sub/c.md": before}
    assert either.side.get(before).title == "c"  # type: ignore[union-attr]


def test_a_file_that_is_renamed_and_edited_in_place_is_the_same_note(either: Desk) -> None:
    file = either.write("a.md", TEXT)
    before = ids(either)["a.md"]
    file.rename(either.root / "b.md")
    either.write("b.md", TEXT.replace("line 4", "line four"))
    assert ids(either) == {"b.md": before}


def test_a_file_that_is_made_anew_elsewhere_with_the_same_bytes_is_the_same_note(either: Desk) -> None:
    file = either.write("a.md", TEXT)
    either.write("keeps the inode.md", "x")
    before = ids(either)["a.md"]
    shutil.copy(file, either.root / "b.md")
    file.unlink()
    assert ids(either)["b.md"] == before


def test_a_file_that_is_written_anew_at_its_place_is_the_same_note(either: Desk) -> None:
    file = either.write("a.md", TEXT)
    before = ids(either)
    fresh = either.write("fresh.txt", "all new")
    fresh.replace(file)
    assert ids(either) == before


def test_two_files_that_change_names_stay_what_they_were(either: Desk) -> None:
    a, b = either.write("a.md", "a " + TEXT), either.write("b.md", "b " + TEXT)
    before = ids(either)
    a.rename(either.root / "c.md")
    b.rename(a)
    (either.root / "c.md").rename(b)
    assert ids(either) == {"a.md": before["b.md"], "b.md": before["a.md"]}


def test_a_new_file_in_the_place_of_a_renamed_one_is_another_note(either: Desk) -> None:
    file = either.write("a.md", TEXT)
    before = ids(either)["a.md"]
    file.rename(either.root / "b.md")
    either.write("a.md", "another one")
    now = ids(either)
    assert now["b.md"] == before
    assert now["a.md"] != before


def test_another_file_that_got_the_inode_of_a_deleted_one_is_another_note(either: Desk) -> None:
    file = either.write("a.md", TEXT)
    before = ids(either)["a.md"]
    file.rename(either.root / "b.md")  # which is what it looks like
    either.write("b.md", "nothing of it\n")
    assert ids(either)["b.md"] != before
    assert either.side.is_gone(before)


def test_inodes_that_are_given_away_again_make_no_other_note_of_a_file() -> None:
    def seen(path: str, inode: int, text: str) -> Seen:
        content = f"content of {text}"
        return Seen(path, (1, 1, 9, inode), text, content, lines=sketch(f"tags:\nsame: line\n{text}"))

    known = {name: Known(name, seen(name, inode, name), 1) for name, inode in (("a", 1), ("b", 2), ("c", 3))}
    # Each was written anew, and got the inode that another one had.
    found = identify([seen("a", 2, "a new"), seen("b", 3, "b new"), seen("c", 1, "c new")], known, ())
    assert found.ids == {"a": "a", "b": "b", "c": "c"}
    # A new file with much of a note in it, which got the inode that the note had until it was written anew.
    found = identify(
        [seen("a", 9, "a new"), *(known[name].seen for name in "bc"), seen("d", 1, "a 2")], known, ()
    )
    assert {found.ids[name] for name in "abc"} == {"a", "b", "c"}
    # One was written anew, with the text of one that was deleted, and got its inode.
    new = replace(seen("a", 2, "a new"), content="content of b")
    found = identify([new, known["c"].seen], known, ())
    assert found.ids == {"a": "a", "c": "c"}
    # They changed names, and nothing else.
    found = identify([seen("a", 2, "b"), seen("b", 1, "a"), seen("d", 3, "c")], known, ())
    assert found.ids == {"a": "b", "b": "a", "d": "c"}


def test_two_lost_notes_of_the_same_bytes_are_not_guessed(either: Desk) -> None:
    one, two = either.write("a.md", TEXT), either.write("b.md", TEXT)
    before = set(ids(either).values())
    keep = [either.write(f"{number}.txt", "") for number in range(3)]
    shutil.copy(one, either.root / "c.md")
    one.unlink()
    two.unlink()
    assert not set(ids(either).values()) & before
    assert len(keep) == 3


def test_an_id_in_the_file_is_what_counts(desk: Desk) -> None:
    desk.write("a.md", "---\nlockstep_id: one\n---\n" + TEXT)
    assert ids(desk) == {"a.md": "one"}
    (desk.root / "a.md").unlink()
    desk.write("Elsewhere/b.md", "---\nlockstep_id: 'one' # ours\n---\nall else is new")
    assert ids(desk) == {"Elsewhere/b.md": "one"}


def test_a_file_whose_id_somebody_took_out_is_still_the_note(desk: Desk) -> None:
    desk.write("a.md", "---\nlockstep_id: one\n---\n" + TEXT)
    desk.list()
    desk.write("a.md", TEXT)
    (note,) = desk.list()
    assert note.id == "one"
    desk.side.update(note, {"content": "new"})
    assert desk.read("a.md") == "---\nlockstep_id: one\n---\nnew\n"


def test_a_copy_of_a_note_is_a_new_one(desk: Desk) -> None:
    desk.write("a.md", "---\nlockstep_id: one\n---\n" + TEXT)
    desk.list()
    shutil.copy(desk.root / "a.md", desk.root / "a 1.md")
    now = ids(desk)
    assert now["a.md"] == "one"
    copy = now["a 1.md"]
    assert copy != "one"
    assert ids(desk) == now
    found = {note.path: note for note in desk.list()}
    desk.side.update(found["a 1.md"], {"content": "copy"})
    assert f"lockstep_id: {copy}\n" in desk.read("a 1.md")
    assert ids(desk) == now
    desk.memory = None
    desk.side.close()
    desk.open()
    assert ids(desk) == now


def test_a_copy_is_told_from_a_note_that_was_renamed_meanwhile(desk: Desk) -> None:
    file = desk.write("a.md", "---\nlockstep_id: one\n---\n" + TEXT)
    desk.list()
    shutil.copy(file, desk.root / "copy.md")
    file.rename(desk.root / "z.md")
    now = ids(desk)
    assert now["z.md"] == "one"
    assert now["copy.md"] != "one"


def test_files_that_say_one_id_are_held_where_nobody_knows_which_is_the_copy(desk: Desk) -> None:
    desk.write("a.md", "---\nlockstep_id: one\n---\n" + TEXT)
    desk.write("b.md", "---\nlockstep_id: one\n---\n" + TEXT)
    desk.write("c.md", "---\nlockstep_id: two\n---\n")
    found = desk.list()
    assert [note.id for note in found] == ["two"]
    assert found.unreadable == {
        "one": "a.md and b.md say that they are the same note; take lockstep_id out of the copy"
    }
    assert not desk.side.is_gone("one")
    assert desk.list().unreadable == found.unreadable
    changes = desk.changes(found.cursor)
    assert changes.unreadable == found.unreadable
    assert not changes.deleted
    desk.write("b.md", TEXT)
    now = ids(desk)
    assert now["a.md"] == "one"
    assert now["b.md"] not in ("one", "two")


def test_a_hard_link_is_no_second_note(desk: Desk) -> None:
    file = desk.write("a.md", "---\nlockstep_id: one\n---\n" + TEXT)
    desk.list()
    os.link(file, desk.root / "b.md")
    now = ids(desk)
    assert now["a.md"] == "one"
    assert now["b.md"] != "one"


def test_a_link_to_a_file_elsewhere_is_a_note_and_one_within_is_none(desk: Desk, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.md"
    elsewhere.write_text("text")
    desk.write("a.md", "x")
    (desk.root / "link.md").symlink_to(elsewhere)
    (desk.root / "within.md").symlink_to(desk.root / "a.md")
    notes = desk.notes()
    assert set(notes) == {"a.md", "link.md"}
    desk.side.update(notes["link.md"], {"content": "new"})
    assert (desk.root / "link.md").is_symlink()
    assert elsewhere.read_text().endswith("---\nnew")
    note = desk.notes()["link.md"]
    desk.side.update(note, {"title": "other"})
    assert (desk.root / "other.md").is_symlink()
    assert elsewhere.exists()


def test_a_note_that_cannot_be_read_any_more_keeps_its_id(either: Desk) -> None:
    either.write("a.md", "text")
    before = ids(either)["a.md"]
    either.write("a.md", b"\xff\xfe\xe9")
    found = either.list()
    assert list(found.unreadable) == [before]
    assert not either.side.is_gone(before)
    either.write("a.md", "text again")
    assert ids(either)["a.md"] == before
