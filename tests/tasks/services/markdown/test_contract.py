"""A folder is held to all that the contract of a side says, with ids in its files and without."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tasks import TwoWay
from tasks.services.markdown import Folder
from tasks.testing import Rule, SideReport, check_side, check_task

HISTORIES = int(os.environ.get("MARKDOWN_HISTORIES", "2"))


@pytest.fixture(autouse=True)
def fast_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of writes that need not survive a loss of power."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


#: A key of each kind.
FIELDS = {
    "subtitle": "text",
    "summary": "formatted text",
    "effort": "number",
    "pages": "whole number",
    "done": "yes/no",
    "start": "date",
    "due": "moment",
    "status": "choice",
    "tags": "choices",
    "priority": "priority",
    "link": "address",
    "project": "reference",
    "papers": "file",
}


def check(folder: Path, steps: int = 30, **options: Any) -> SideReport:
    folder.mkdir(exist_ok=True)
    report = check_side(lambda: Folder(folder, **{"fields": FIELDS, **options}), steps=steps)
    assert report.ok, report.text
    return report


def test_a_folder_keeps_the_contract(tmp_path: Path) -> None:
    report = check(tmp_path / "notes")
    must = {
        Rule.UPDATE,
        Rule.PRECONDITION,
        Rule.UNFIT,
        Rule.GONE,
        Rule.CREATE_ONCE,
        Rule.MADE,
        Rule.RESTORE,
        Rule.GET,
    }
    assert (
        must | {Rule.PAGES, Rule.CHANGES_ALL, Rule.CHANGES_NEXT, Rule.CHANGES_EXPIRED}
        <= report.reached.keys()
    )


def test_a_folder_without_ids_in_its_files_keeps_the_contract(tmp_path: Path) -> None:
    # Who renames a file and writes it anew at the same time makes another one, as long as nothing in it says which.
    report = check(tmp_path / "notes", id_key="", steps=0)
    assert {Rule.UPDATE, Rule.IDS, Rule.CREATE_ONCE, Rule.RESTORE} <= report.reached.keys()


def test_two_folders_keep_every_edit(tmp_path: Path) -> None:
    numbers = count()

    def make_task() -> TwoWay:
        folders = [tmp_path / f"{next(numbers)}" for _ in range(2)]
        for folder in folders:
            folder.mkdir()
        kinds = {"due": "moment", "tags": "choices"}
        left, right = (Folder(folder, fields=kinds) for folder in folders)
        return TwoWay("notes", left, right, {name: name for name in ("title", "content", *kinds)})

    report = check_task(make_task, histories=HISTORIES)
    assert report.ok, report.text
