"""The bench of services, in small: what it counts is what was asked, and it would tell if an edit got lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from rich import box
from rich.table import Table

from bench import __main__, pages
from bench.services import measured, places, runs
from tasks.services import sql


async def asked(name: str, folder: Path) -> dict[str, Counter[str]]:
    with places.PLACES[name]() as place:
        return await measured(place, 3, folder)


async def test_a_folder_is_read_only_where_it_changed(tmp_path: Path) -> None:
    found = await asked("Markdown folder", tmp_path)
    assert list(found) == list(runs.COLUMNS)
    assert found["Idle poll"]["file"] == 0 < found["Idle poll"]["folder"]
    assert found["Change there"]["file"] == 1
    assert found["First link"]["file"] == 3


async def test_an_idle_poll_of_a_stand_in_is_one_request(tmp_path: Path) -> None:
    found = await asked("GitHub issues", tmp_path)
    assert found["Idle poll"].total() == found["Change there"].total() == 1
    assert [what.split()[0] for what in found["Write"]] == ["GET", "GET", "PATCH"]
    assert runs.told(found["Idle poll"]) == "GET issues"


async def test_statements_at_the_table_are_few_and_those_of_the_catalogue_told_apart(tmp_path: Path) -> None:
    found = await asked("SQL, SQLite", tmp_path)
    assert found["Idle poll"]["SELECT"] == 4
    assert found["Idle poll"].keys() == {"SELECT", "look at the catalogue"}
    assert [found[column][word] for column, word in _WRITES] == [1, 1, 1]


_WRITES = (("Write", "UPDATE"), ("Create", "INSERT"), ("Delete", "DELETE"))


async def test_a_write_that_is_not_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql.Table, "delete", lambda self, obj: None)
    with pytest.raises(RuntimeError, match="do not hold the same"):
        await asked("SQL, SQLite", tmp_path)


def test_the_table_stands_in_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table("Service", "Idle poll", title="What a run asks", box=box.MARKDOWN)
    table.add_row("a folder", "2")
    begin = "<!-- services: made by python -m bench services --write -->"
    page = f"a\n{begin}olden<!-- end of services -->\nb"
    text = pages.written(page, "services", table)
    lines = text.splitlines()
    assert [lines[0], lines[-1]] == ["a", "b"]
    assert "olden" not in text
    assert [line.split("|")[1].strip() for line in lines if line.startswith("|")] == [
        "Service",
        "-" * 10,
        "a folder",
    ]
    assert "What a run asks" not in text
    assert pages.written(text, "services", table) == text
    (tmp_path / "page.md").write_text("nothing")
    monkeypatch.setitem(__main__.BENCHES, "locks", lambda: table)
    monkeypatch.setattr(__main__, "PAGES", (tmp_path / "page.md",))
    with pytest.raises(SystemExit):
        __main__.main(["locks", "--write"])
    assert "no page has the mark <!-- locks" in capsys.readouterr().err
    (tmp_path / "page.md").write_text("<!-- locks: made by python -m bench locks --write -->")
    with pytest.raises(SystemExit):
        __main__.main(["locks", "--write"])
    assert "the page lacks <!-- end of locks -->" in capsys.readouterr().err


def test_a_table_that_is_no_markdown_stands_in_the_page_as_it_was_printed() -> None:
    table = Table("Links", "ms", title="Idle", caption="of one hour")
    table.add_row("100", "2")
    page = "<!-- polls: made by python -m bench polls --write -->\nolden<!-- end of polls -->"
    text = pages.written(page, "polls", table)
    assert [line.strip() for line in text.splitlines()][2:4] == ["```text", "Idle"]
    assert "│ 100   │ 2  │" in text
    assert text.splitlines()[-4].strip() == "of one hour"
    assert pages.written(text, "polls", table) == text


def test_what_stands_below_a_table_in_markdown_is_a_paragraph() -> None:
    table = Table("Links", box=box.MARKDOWN, caption="of one hour")
    table.add_row("100")
    assert pages.markdown(table).splitlines()[-2:] == ["", "of one hour"]
    assert table.caption == "of one hour"


def test_each_bench_that_can_be_quoted_has_its_place_in_a_page() -> None:
    texts = [page.read_text("utf-8") for page in __main__.PAGES]
    for name in [*__main__.BENCHES, *__main__.SCALABLE]:
        assert (
            sum(f"<!-- {name}: made by python -m bench {name} --write -->" in text for text in texts) == 1
        ), name


def test_in_small_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        __main__.main(["--quick", "--write", "locks"])
    assert "nothing worth quoting" in capsys.readouterr().err


def test_the_page_was_made_by_the_bench() -> None:
    """It has a line for each service, and no idle poll that asks for more than a few things."""
    text = (Path(__file__).parents[2] / "docs/bench.md").read_text("utf-8")
    _, _, rest = text.partition("<!-- services: ")
    rows = [line.split("|") for line in rest.partition("<!-- end of services")[0].splitlines() if "|" in line]
    cells = {row[1].strip(): row[3].strip() for row in rows[2:]}
    assert list(cells) == list(places.PLACES)
    assert all(int(cell.split(" + ")[0]) <= 4 for cell in cells.values())
