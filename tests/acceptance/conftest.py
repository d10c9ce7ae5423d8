from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.office import Office
from tests.harness import ProbeSpec, Stack

MakeOffice = Callable[..., Office]
MakeStack = Callable[..., Stack]


@pytest.fixture
def make_office(tmp_path: Path) -> Iterator[MakeOffice]:
    """Installations with the ready task; all their processes end with the test."""
    with ExitStack() as exits:
        yield lambda **options: exits.enter_context(Office(tmp_path, **options))


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[MakeStack]:
    """Installations with probe tasks; all their processes end with the test, without ado."""
    with ExitStack() as exits:

        def make(*specs: ProbeSpec, lease_seconds: float = 2.0, **options: Any) -> Stack:
            stack = exits.enter_context(Stack(tmp_path, *specs, lease_seconds=lease_seconds, **options))
            exits.callback(lambda: [process.kill() for process in stack._processes])
            return stack

        yield make
