"""The collector of a process of ours."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from worker.cli import main
from worker.machine.collector import SELDOM


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_a_command_collects_seldom() -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert gc.get_threshold() == SELDOM
    assert gc.isenabled()
