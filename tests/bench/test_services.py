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
    begin = "<!-- services: made by python -m bench services --write docs/bench.md -->"
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
    with pytest.raises(SystemExit):
        __main__.main(["locks", "--write", str(tmp_path / "page.md")])
    assert "the page lacks <!-- locks" in capsys.readouterr().err


def test_the_page_was_made_by_the_bench() -> None:
    """It has a line for each service, and no idle poll that asks for more than a few things."""
    text = (Path(__file__).parents[2] / "docs/bench.md").read_text("utf-8")
    _, _, rest = text.partition("<!-- services: ")
    rows = [line.split("|") for line in rest.partition("<!-- end of services")[0].splitlines() if "|" in line]
    cells = {row[1].strip(): row[3].strip() for row in rows[2:]}
    assert list(cells) == list(places.PLACES)
    assert all(int(cell.split(" + ")[0]) <= 4 for cell in cells.values())
