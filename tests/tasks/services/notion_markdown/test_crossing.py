"""Rows with their contents, and notes, between a local Notion workspace and a real folder."""

from __future__ import annotations

from datetime import date

import pytest

from tasks.errors import SideError
from tasks.merge import Skip
from tests.tasks.services.notion.person import Person
from tests.tasks.services.notion_markdown.place import Place


async def test_rows_and_notes_cross_with_their_contents(place: Place) -> None:
    await place.person.make_page(
        place.source,
        "# Head\n\n- one\n- two",
        Name=Person.text("A/B: from Notion"),
        Due={"date": {"start": "2026-07-04"}},
        Effort={"number": 2.5},
        Tags={"multi_select": [{"name": "b"}, {"name": "a"}]},
        Status={"select": {"name": "Open"}},
    )
    place.write(
        "Work/from disk.md", "---\ndue: 2026-08-01 # when\ntags: [x]\ndone: true\n---\n\n# Mine\nText\n"
    )
    assert await place.sync() == {"left_created": 1, "right_created": 1}
    rows = await place.rows()
    assert set(rows) == {"A/B: from Notion", "from disk"}
    disk = rows["from disk"]
    assert (disk["Due"], disk["Tags"], disk["Done"]) == (date(2026, 8, 1), ("x",), True)
    assert disk["page body"] == "# Mine\nText"
    assert place.files() == ["A-B- from Notion.md", "Work/from disk.md"]
    text = place.read("A-B- from Notion.md")
    assert "due: 2026-07-04\n" in text
    assert "effort: 2.5\n" in text
    assert "tags:\n  - a\n  - b\n" in text
    assert "status: Open\n" in text
    assert 'lockstep_title: "A/B: from Notion"\n' in text
    assert text.endswith(f"---\n{rows['A/B: from Notion']['page body']}\n")
    assert place.read("Work/from disk.md").startswith("---\ndue: 2026-08-01 # when\ntags: [x]\ndone: true\n")


async def test_edits_renames_and_deletions_cross(place: Place) -> None:
    for name in "abcd":
        place.write(f"{name}.md", f"---\nkeep:   'this' # mine\n---\ntext of {name}\r\n")
    await place.sync()
    rows = await place.rows()
    await place.person.edit(rows["a"]["id"], Name=Person.text("a new"), Effort={"number": 3})
    await place.type(rows["b"]["id"], "typed in Notion")
    (place.notes / "c.md").rename(place.notes / "c new.md")
    place.write("d.md", place.read("d.md").replace("text of d", "typed on disk"))
    assert await place.sync() == {"left_updated": 2, "right_updated": 2}
    assert place.files() == ["a new.md", "b.md", "c new.md", "d.md"]
    assert place.read("a new.md").startswith("---\nkeep:   'this' # mine\neffort: 3\n")
    assert place.read("b.md").endswith("typed in Notion\r\n")
    rows = await place.rows()
    assert rows["d"]["page body"] == "typed on disk"
    (place.notes / "c new.md").unlink()
    await place.person.patch_page(rows["b"]["id"], {"in_trash": True})
    assert await place.sync() == {"left_deleted": 1, "right_deleted": 1}
    assert set(await place.rows()) == {"a new", "d"}
    assert place.files() == ["a new.md", "d.md"]
    assert place.read(".trash/b.md").endswith("typed in Notion\r\n")


@pytest.mark.parametrize("id_key", ["lockstep_id", ""])
async def test_what_is_on_both_sides_already_is_paired(place: Place, id_key: str) -> None:
    place.options["id_key"] = id_key
    await place.person.make_page(place.source, "same", Name=Person.text("Plan"), Effort={"number": 1})
    place.write("plan.md", "---\neffort: 1\n---\nsame\n")
    await place.run()
    await place.run()
    assert len(await place.rows()) == 1
    assert len(place.files()) == 1


async def test_rows_of_one_title_are_files_of_their_own(place: Place) -> None:
    for number in (1, 2, 3):
        await place.person.make_page(place.source, f"text {number}", Name=Person.text("Plan"))
    await place.sync()
    assert place.files() == ["Plan ~2.md", "Plan ~3.md", "Plan.md"]
    assert sorted(place.read(path).splitlines()[-1] for path in place.files()) == [
        "text 1",
        "text 2",
        "text 3",
    ]
    assert len(await place.rows()) == 1, "which all have one title"


async def test_a_note_that_cannot_be_read_is_held_alone(place: Place) -> None:
    file = place.write("tea.md", "---\neffort: 1\n---\n")
    place.write("milk.md", "x")
    await place.sync()
    file.write_text("---\neffort: [\n---\n")
    place.write("milk.md", "---\neffort: 2\n---\nx")
    report = await place.run()
    told = [(skip.name.title, skip.reason) for skip in report.plan.of(Skip)]
    assert [title for title, _ in told] == ["tea"]
    assert "tea.md its front matter cannot be read in line 3" in told[0][1]
    rows = await place.rows()
    assert set(rows) == {"tea", "milk"}
    assert rows["milk"]["Effort"] == 2
    file.write_text("---\neffort: 5\n---\n")
    await place.sync()
    assert (await place.rows())["tea"]["Effort"] == 5


async def test_a_folder_that_vanished_deletes_nothing(place: Place) -> None:
    place.write("a.md", "x")
    place.write("b.md", "y")
    await place.sync()
    place.notes.rename(place.notes.with_name("away"))
    with pytest.raises(SideError, match="is it moved, or a drive not mounted"):
        await place.run()
    place.notes.mkdir()
    with pytest.raises(SideError, match="is a drive not mounted"):
        await place.run()
    assert set(await place.rows()) == {"a", "b"}
    place.notes.rmdir()
    place.notes.with_name("away").rename(place.notes)
    assert await place.sync() == {}


async def test_an_image_that_notion_keeps_is_left_whole_and_told(place: Place) -> None:
    """Its address is good for an hour: nothing of the text is carried, and nothing is lost at either side."""
    page = await place.person.make_page(place.source, "the text", Name=Person.text("a"), Effort={"number": 1})
    await place.sync()
    upload = await place.person.send(
        "POST", "file_uploads", {"filename": "cat.png", "content_type": "image/png"}
    )
    sent = await place.person.client.post(
        f"{place.person.url}/v1/file_uploads/{upload['id']}/send",
        headers={"Authorization": "Bearer ntn_test", "Notion-Version": "2026-03-11"},
        files={"file": ("cat.png", b"the bytes of a cat", "image/png")},
    )
    assert sent.status_code == 200, sent.text
    image = {"type": "image", "image": {"type": "file_upload", "file_upload": {"id": upload["id"]}}}
    await place.person.send("PATCH", f"blocks/{page}/children", {"children": [image]})
    await place.person.edit(page, Effort={"number": 2})
    note = place.read("a.md")
    report = await place.run()
    assert report.status == "succeeded"
    told = [
        line
        for line in report.plan.told
        if "1 object of Notion: page body is left as it is on both sides" in line
    ]
    assert len(told) == 1, report.plan.told
    assert place.read("a.md") == note.replace("effort: 1", "effort: 2")
    place.write("a.md", place.read("a.md").replace("the text", "edited on disk"))
    for _ in range(2):
        await place.run()
    blocks = await place.person.send("GET", f"blocks/{page}/children")
    assert [block["type"] for block in blocks["results"]] == ["paragraph", "image"]
    assert "edited on disk" in place.read("a.md")
    assert "X-Amz" not in place.read("a.md")
