"""Files of a property and attachments of notes, between a local Notion workspace and a real folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.notion import Limits, Sandbox
from tests.tasks.services.notion_markdown.cabinet import COLUMNS, Cabinet


@pytest.fixture
def cabinet(tmp_path: Path) -> Iterator[Cabinet]:
    notes = tmp_path / "Notes"
    notes.mkdir()
    with Sandbox() as sandbox:
        source = sandbox.person("Ada").create_data_source("Files", COLUMNS)
        yield Cabinet(sandbox, source, notes, tmp_path / "journal.json")


async def test_files_cross_both_ways(cabinet: Cabinet) -> None:
    from_notion = cabinet.add_row("from Notion", plan_txt="the plan", cat_png="a cat")
    cabinet.write("attachments/list.txt", "the list")
    cabinet.note("from disk.md", "[[list.txt]]", "https://example.org/a.pdf", "[b](https://example.org/x)")
    assert await cabinet.sync() == {"left_created": 1, "right_created": 1}
    assert cabinet.note_files("from Notion") == {"plan.txt": "the plan", "cat.png": "a cat"}
    assert cabinet.attachments() == {
        "attachments/list.txt": "the list",
        "attachments/plan.txt": "the plan",
        "attachments/cat.png": "a cat",
    }
    assert '  - "[[attachments/cat.png]]"\n' in cabinet.read("from Notion.md")
    assert cabinet.row_files(cabinet.rows()["from disk"]) == {
        "list.txt": "the list",
        "a.pdf": "https://example.org/a.pdf",
        "b": "https://example.org/x",
    }
    assert cabinet.row_files(from_notion) == {"plan.txt": "the plan", "cat.png": "a cat"}


async def test_only_what_is_new_is_carried(cabinet: Cabinet) -> None:
    page = cabinet.add_row("a", one_txt="1", two_txt="2")
    await cabinet.sync()
    cabinet.sandbox.counters.reset()
    cabinet.sandbox.person("Ada").add_file(page, "Files", "three.txt", "3")
    await cabinet.run()
    assert cabinet.moved() == (0, 1)
    cabinet.write("four.txt", "4")
    text = cabinet.read("a.md")
    cabinet.write("a.md", text.replace("files:\n", 'files:\n  - "[[four.txt]]"\n'))
    cabinet.sandbox.counters.reset()
    await cabinet.run()
    assert cabinet.moved() == (1, 0)
    assert cabinet.row_files(page) == {"one.txt": "1", "two.txt": "2", "three.txt": "3", "four.txt": "4"}
    assert await cabinet.sync() == {}


async def test_a_file_that_is_edited_goes_on(cabinet: Cabinet) -> None:
    page = cabinet.add_row("a", one_txt="1", two_txt="2")
    await cabinet.sync()
    cabinet.write("attachments/one.txt", "1 edited on disk")
    assert await cabinet.sync() == {"left_updated": 1}
    assert cabinet.row_files(page) == {"one.txt": "1 edited on disk", "two.txt": "2"}
    cabinet.set_files(page, [one for one in cabinet.entries(page) if one["name"] != "two.txt"])
    cabinet.sandbox.person("Ada").add_file(page, "Files", "two.txt", "2 edited in Notion")
    assert await cabinet.sync() == {"right_updated": 1}
    assert cabinet.attachments() == {
        "attachments/one.txt": "1 edited on disk",
        "attachments/two.txt": "2 edited in Notion",
    }


async def test_an_address_that_was_signed_anew_is_no_edit(cabinet: Cabinet) -> None:
    from datetime import timedelta

    page = cabinet.add_row("a", one_txt="1")
    await cabinet.sync()
    before = cabinet.entries(page)[0]["file"]["url"]
    cabinet.sandbox.clock.advance(timedelta(hours=5))
    assert cabinet.entries(page)[0]["file"]["url"] != before
    assert await cabinet.sync() == {}


async def test_a_file_that_is_taken_out_goes_at_the_other_side(cabinet: Cabinet) -> None:
    page = cabinet.add_row("a", one_txt="1", two_txt="2", three_txt="3")
    await cabinet.sync()
    cabinet.write("other.md", "see [this](attachments/two.txt)\n")
    cabinet.set_files(page, [one for one in cabinet.entries(page) if one["name"] == "three.txt"])
    await cabinet.run()
    assert cabinet.note_files("a") == {"three.txt": "3"}
    assert cabinet.attachments() == {"attachments/two.txt": "2", "attachments/three.txt": "3"}
    assert cabinet.read(".trash/attachments/one.txt") == "1"
    cabinet.note("a.md")
    text = cabinet.read("a.md")
    assert "files" not in text


async def test_names_are_safe_and_each_its_own(cabinet: Cabinet) -> None:
    names = {"a/b: [c].txt": "1", "CON.txt": "2", "readme.md": "3", "dup.txt": "4"}
    ada, page = cabinet.sandbox.person("Ada"), cabinet.add_row("a")
    for name, text in names.items():
        ada.add_file(page, "Files", name, text)
    cabinet.add_row("b", dup_txt="5")
    cabinet.write("attachments/DUP.txt", "somebody else's")
    await cabinet.sync()
    assert cabinet.note_files("a") == names
    assert cabinet.note_files("b") == {"dup.txt": "5"}
    assert cabinet.read("attachments/DUP.txt") == "somebody else's"
    assert cabinet.row_files(page) == names
    assert sorted(path.name for path in cabinet.notes.glob("*.md")) == ["a.md", "b.md"]


@pytest.mark.parametrize("path", ["/v1/file_uploads", "/v1/file_uploads/*/send", "/v1/pages/*"])
async def test_a_lost_answer_attaches_nothing_twice(cabinet: Cabinet, path: str) -> None:
    cabinet.note("a.md")
    await cabinet.sync()
    cabinet.write("one.txt", "1")
    cabinet.note("a.md", "[[one.txt]]")
    method = "PATCH" if path.endswith("pages/*") else "POST"
    cabinet.sandbox.faults.add({"method": method, "path": path, "applied": True, "drop": True})
    assert (await cabinet.run()).status == "succeeded"
    assert not cabinet.sandbox.faults.waiting()
    assert await cabinet.sync() == {}
    assert cabinet.row_files(cabinet.rows()["a"]) == {"one.txt": "1"}


async def test_a_row_that_was_made_without_an_answer_is_not_made_again(cabinet: Cabinet) -> None:
    cabinet.write("one.txt", "1")
    cabinet.note("a.md", "[[one.txt]]")
    cabinet.sandbox.faults.add({"method": "POST", "path": "/v1/pages", "applied": True, "drop": True})
    assert (await cabinet.run()).status == "failed"
    for _ in range(3):
        await cabinet.run()
    assert await cabinet.sync() == {}
    assert cabinet.row_files(cabinet.rows()["a"]) == {"one.txt": "1"}
    assert cabinet.attachments() == {"one.txt": "1"}


async def test_a_download_that_breaks_off_is_made_again(cabinet: Cabinet) -> None:
    cabinet.add_row("a", one_txt="1")
    cabinet.sandbox.faults.add({"path": "/_files/", "drop": True, "times": 2})
    await cabinet.sync()
    assert cabinet.note_files("a") == {"one.txt": "1"}


@pytest.mark.parametrize(
    ("name", "size", "limits", "reason"),
    [
        ("big.txt", 3_000_000, {}, "files of up to 2,000,000 are carried"),
        ("big.txt", 500, {"file_bytes": 100}, "the workspace's plan takes files of up to 100"),
        ("odd.xyz", 5, {}, "an extension that is not supported"),
        ("empty.txt", 0, {}, "is empty"),
    ],
)
async def test_what_notion_does_not_take_holds_nothing_else_back(
    cabinet: Cabinet, name: str, size: int, limits: dict[str, int], reason: str
) -> None:
    cabinet.rows_options["max_file_mb"] = 2
    cabinet.sandbox.workspace.limits = replace(Limits(), **limits)
    cabinet.write(name, b"x" * size)
    cabinet.note("new.md", f"[[{name}]]")
    cabinet.note("old.md")
    report = await cabinet.run()
    assert report.status == "failed"
    assert reason in report.reason
    rows = cabinet.rows()
    assert set(rows) == {"new", "old"}, "a file keeps no row from being made"
    assert cabinet.row_files(rows["new"]) == {}
    cabinet.write("old.md", f'---\nfiles: ["[[{name}]]"]\neffort: 3\n---\ntext\n')
    await cabinet.run()
    shown = cabinet.sandbox.person("Ada").request("GET", f"pages/{rows['old']}")["properties"]
    assert (shown["Effort"]["number"], shown["Files"]["files"]) == (3, [])
    assert cabinet.attachments() == {name: "x" * size}, "nothing is emptied"
    cabinet.note("new.md")
    cabinet.write("old.md", "---\neffort: 3\n---\n")
    assert (await cabinet.run()).status == "succeeded"


async def test_a_file_that_is_too_large_to_fetch_stays_in_notion(cabinet: Cabinet) -> None:
    cabinet.rows_options["max_file_mb"] = 1
    page = cabinet.add_row("a", small_txt="s", big_txt="b" * 1_000_001)
    cabinet.add_row("b", fine_txt="f")
    report = await cabinet.run()
    assert "has 1,000,001 bytes; files of up to 1,000,000 are carried" in report.reason
    assert cabinet.note_files("a") == {}
    assert cabinet.note_files("b") == {"fine.txt": "f"}
    assert set(cabinet.row_files(page)) == {"small.txt", "big.txt"}
    cabinet.rows_options["max_file_mb"] = 2
    cabinet.sandbox.person("Ada").edit_page(page, {"Effort": {"number": 1}})
    await cabinet.sync()
    assert set(cabinet.note_files("a")) == {"small.txt", "big.txt"}


async def test_a_large_file_goes_in_pieces(cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.services.notion.rows.transfers.ONE_PIECE", 20)
    monkeypatch.setattr("tasks.services.notion.rows.transfers.PIECE", 10)
    cabinet.sandbox.workspace.limits = Limits(piece_bytes=(10, 20))
    cabinet.write("long.txt", "0123456789" * 3 + "end")
    cabinet.note("a.md", "[[long.txt]]")
    cabinet.sandbox.faults.add(
        {"method": "POST", "path": "/v1/file_uploads/*/send", "skip": 1, "applied": True, "drop": True}
    )
    await cabinet.sync()
    assert cabinet.row_files(cabinet.rows()["a"]) == {"long.txt": "0123456789" * 3 + "end"}
    sent = cabinet.sandbox.person("Ada").request("GET", f"pages/{cabinet.rows()['a']}")
    assert len(sent["properties"]["Files"]["files"]) == 1


async def test_a_link_to_nothing_is_told_and_takes_no_file_away(cabinet: Cabinet) -> None:
    page = cabinet.add_row("a", one_txt="1")
    await cabinet.sync()
    (cabinet.notes / "attachments/one.txt").unlink()
    report = await cabinet.run()
    assert "leads to no file" in report.reason
    assert cabinet.row_files(page) == {"one.txt": "1"}
    cabinet.write("attachments/one.txt", "1")
    assert await cabinet.sync() == {}


async def test_files_that_both_sides_added_are_kept(cabinet: Cabinet) -> None:
    page = cabinet.add_row("a", one_txt="1", two_txt="2")
    await cabinet.sync()
    cabinet.set_files(page, [one for one in cabinet.entries(page) if one["name"] != "one.txt"])
    cabinet.sandbox.person("Ada").add_file(page, "Files", "ada.txt", "from Ada")
    cabinet.write("mine.txt", "from disk")
    cabinet.write("a.md", cabinet.read("a.md").replace("files:\n", 'files:\n  - "[[mine.txt]]"\n'))
    cabinet.write("attachments/two.txt", "2 edited on disk")
    for _ in range(2):
        report = await cabinet.run()
        assert (report.status, report.outcome.conflicts) == ("succeeded", 0), report.reason
    assert await cabinet.sync() == {}
    wanted = {"two.txt": "2 edited on disk", "ada.txt": "from Ada", "mine.txt": "from disk"}
    assert cabinet.row_files(page) == cabinet.note_files("a") == wanted
