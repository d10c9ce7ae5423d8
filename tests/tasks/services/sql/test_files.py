"""Files in columns of bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ItemError, PreconditionError, TaskDefinitionError, UnfitError
from tasks.services.sql import Table
from tasks.sides import File, Kind
from tasks.values.opaque import Opaque
from tests.tasks.services.sql.conftest import Place, by_title

BYTES = {"sqlite": "BLOB", "postgresql": "bytea"}
NAMED = {"files": {"scan": {"column": "scan_name"}}}


def make_table(place: Place, more: str = "") -> None:
    key = "serial" if place.kind == "postgresql" else "INTEGER"
    place.run(
        f"CREATE TABLE task (id {key} PRIMARY KEY, name TEXT, scan {BYTES[place.kind]}{more}, scan_name VARCHAR(20))"
    )


def file(folder: Path, name: str, data: bytes) -> File:
    path = folder / hashlib.sha256(data).hexdigest()
    path.write_bytes(data)
    return File(name, f"sha256:{path.name}", len(data), path=path)


def shown(side: Table, title: str = "a") -> Any:
    return side.values(by_title(side)[title])["scan"]


def test_a_row_shows_its_file_by_its_digest(place: Place, tmp_path: Path) -> None:
    make_table(place)
    place.run("INSERT INTO task VALUES (1, 'a', :data, 'plan b.pdf')", data=b"\0\xff bytes")
    place.run("INSERT INTO task VALUES (2, 'b', NULL, 'x'), (3, 'c', :data, NULL)", data=b"")
    side = place.opened_side(**NAMED)
    assert side.describe()["scan"].kind is Kind.FILE
    assert not side.describe()["scan_name"].writable
    plan = file(tmp_path, "plan b.pdf", b"\0\xff bytes")
    assert shown(side) == (plan,)
    assert (shown(side)[0].size, shown(side, "b")) == (8, ())
    assert shown(side, "c") == (file(tmp_path, "scan", b""),)
    into = tmp_path / "into"
    side.read_file("1", plan, into)
    assert into.read_bytes() == b"\0\xff bytes"
    with pytest.raises(ItemError, match=r"has other\.pdf no more in the row 1"):
        side.read_file("1", File("other.pdf", plan.content), into)


def test_bytes_go_once_and_a_new_name_without_them(place: Place, tmp_path: Path) -> None:
    make_table(place)
    side = place.opened_side(**NAMED)
    one = file(tmp_path, "one.txt", b"1")
    row = side.create("k", {"name": "a", "scan": (one,)})
    assert side.values(row)["scan"] == (one,)
    assert place.run("SELECT scan_name FROM task") == [{"scan_name": "one.txt"}]
    renamed = File("two.txt", one.content)  # without a path: the bytes are there
    assert side.lacks_files(row, "scan", [renamed]) == []
    row = side.update(row, {"scan": (renamed,)})
    assert side.values(row)["scan"] == (renamed,)
    other = file(tmp_path, "two.txt", b"2")
    assert side.lacks_files(row, "scan", [other]) == [other]
    stale, row = row, side.update(row, {"scan": (other,)})
    with pytest.raises(PreconditionError, match="was edited"):
        side.update(stale, {"scan": ()})
    row = side.update(row, {"scan": ()})
    assert (side.values(row)["scan"], place.run("SELECT scan, scan_name FROM task")) == (
        (),
        [{"scan": None, "scan_name": None}],
    )


def test_a_file_of_one_name_whatever_it_is_called_across(place: Place, tmp_path: Path) -> None:
    make_table(place)
    side = place.opened_side(files={"scan": "scan.pdf"})
    row = side.create("k", {"name": "a", "scan": (file(tmp_path, "other.pdf", b"1"),)})
    (there,) = side.values(row)["scan"]
    assert there.name == "scan.pdf"
    row = side.update(row, {"scan": (File("renamed.pdf", there.content),)})
    assert side.values(row)["scan"] == (there,)


def test_what_a_column_does_not_take_is_said_before_bytes_are_carried(place: Place, tmp_path: Path) -> None:
    make_table(place)
    side = place.opened_side(max_file_mb=1, **NAMED)
    row = side.create("k", {"name": "a"})
    large = File("large.bin", "sha256:x", 1_000_001)
    for files, message in (
        (
            [File("a", "sha256:1"), File("b", "sha256:2")],
            r"scan holds one file, not 2 \(a, b\): leave one of them",
        ),
        ([File.link("a", "https://example.org")], "scan holds bytes, and a is a link"),
        ([large], r"takes files of up to 1,000,000 bytes \(max_file_mb\), and large.bin has 1,000,001"),
    ):
        with pytest.raises(ItemError, match=message):
            side.lacks_files(row, "scan", files)
    with pytest.raises(UnfitError, match="takes files of up to") as caught:  # its size was not known before
        side.update(row, {"scan": (file(tmp_path, "large.bin", b"x" * 1_000_001),)})
    assert caught.value.attributes == ("scan",) or list(caught.value.attributes) == ["scan"]
    with pytest.raises(UnfitError, match="scan_name is longer than 20 signs"):
        side.update(row, {"scan": (file(tmp_path, "a" * 21, b"1"),)})
    place.run("UPDATE task SET scan = :data, scan_name = 'large.bin'", data=b"x" * 1_000_001)
    with pytest.raises(ItemError, match="files of up to 1,000,000 are carried"):
        side.read_file("1", shown(side)[0], tmp_path / "into")


def test_a_text_where_bytes_should_be_hides_its_value_only(sqlite: Place) -> None:
    make_table(sqlite)
    sqlite.run("INSERT INTO task VALUES (1, 'a', 'a text', 'x')")
    value = shown(sqlite.opened_side(**NAMED))
    assert isinstance(value, Opaque)
    assert value.odd


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"name": "a.txt"}, "files names name, a column of the kind text: give one of bytes"),
        ({"scna": "a.txt"}, "files names 'scna', which task does not have: did you mean 'scan'?"),
        ({"scan": {"column": "id"}}, "files.scan names id for the names of files: give a column of texts"),
        ({"scan": ""}, 'files.scan: give the name of the file, such as "scan.pdf"'),
        ({"scan": {"name": "x"}}, "files.scan: give the name of the file"),
    ],
)
def test_a_set_up_that_does_not_fit_is_refused(place: Place, files: Any, message: str) -> None:
    make_table(place)
    with pytest.raises(TaskDefinitionError) as caught:
        place.opened_side(files=files)
    assert message in str(caught.value)
