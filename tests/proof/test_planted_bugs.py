"""Each planted bug can be planted: the place that it changes is there, once."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name",
    [
        "mutant_list",
        "notion_mutants",
        "node_mutants",
        "operator_mutants",
        "policy_mutants",
        "poll_mutants",
        "reference_mutants",
        "step_mutants",
        "write_mutants",
    ],
)
def test_no_planted_bug_is_stale(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "proof"), *sys.path])
    mutants = importlib.import_module(name).MUTANTS
    places = {
        mutant.name: (ROOT / mutant.path).read_text().count(mutant.old) for mutant in mutants if mutant.old
    }
    assert {name: number for name, number in places.items() if number != 1} == {}
    assert len(places) > 10
