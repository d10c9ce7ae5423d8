"""The table of services and rules says something of each, and no rule is one that nobody meets."""

from __future__ import annotations

import importlib
import re
import sys

import pytest

from tasks.testing import Rule
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")


def table() -> tuple[list[str], dict[str, list[str]]]:
    head, _, *rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    services = re.findall(r"`(\w+)`", head)
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return services, {re.match(r"\*\*(.+?)\*\*", first)[1]: rest for first, *rest in cells}  # type: ignore[index]


def test_every_service_of_ours_has_a_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "proof"), *sys.path])
    tests = importlib.import_module("conformance").contract_tests()
    assert all((ROOT / test).is_file() for test in tests), tests
    folders = [re.search(r"services/(\w+)/|test_(\w+)\.py", test).groups() for test in tests]  # type: ignore[union-attr]
    assert sorted(one or other for one, other in folders) == table()[0]


def test_every_rule_has_a_line_and_was_met_or_says_why_not() -> None:
    services, rows = table()
    assert [*rows] == [rule.title for rule in Rule]
    notes = set(re.findall(r"^(\d+)\. \S", PAGE, re.MULTILINE))
    for rule, cells in rows.items():
        assert len(cells) == len(services)
        met = [cell for cell in cells if re.fullmatch(r"[\d,]+", cell)]
        assert met, rule
        for cell in set(cells) - set(met):
            assert cell.strip("[]") in notes, (rule, cell)
