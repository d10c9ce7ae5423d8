"""The side keeps the contract of sides: run it with `python -m pytest`."""

from __future__ import annotations

from pathlib import Path

from lockstep_todotxt import TodoTxt

from tasks.testing import check_side


def test_the_side_keeps_its_contract(tmp_path: Path) -> None:
    """Every rule that the side can be put to, with random edits by two people besides."""
    file = tmp_path / "todo.txt"
    file.touch()
    report = check_side(lambda: TodoTxt(file))
    assert report.ok, report.text
