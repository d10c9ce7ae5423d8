"""The bench of the shared budget, in its short form."""

from __future__ import annotations

import pytest

from bench.rate_limit import run

pytestmark = pytest.mark.processes


def test_four_processes_use_the_budget_and_none_is_refused() -> None:
    found = run(3, shared=True)
    assert found.statuses[429] == 0
    assert found.share >= 0.8
    assert len(found.tasks) >= 6
    assert max(found.tasks.values()) <= 2
