"""The order in which test files begin, so that no core is idle while the last ones end.

It is what the processes of `pytest -n` follow with `--dist loadfile --no-loadscope-reorder`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

#: The files that take longest, in the order in which they begin: one that began last would be waited for alone.
#: Those that wait for processes stand beside those that need the processor.
LONG = (
    "acceptance/test_bad_input.py",
    "test_error_replies.py",
    "engine/test_histories.py",
    "sql/test_restored_processes.py",
    "test_stops_under_load.py",
    "sql/test_cascades.py",
    "test_beats.py",
    "test_states_of_redis.py",
    "keeping/test_keeping.py",
    "sql/test_columns_later.py",
    "acceptance/test_workers.py",
    "acceptance/test_ready_task.py",
    "sql/test_columns.py",
    "acceptance/test_two_ways.py",
    "deploy/test_processes.py",
    "sql/test_processes.py",
    "engine/test_crash_sweep.py",
    "sql/test_process_histories.py",
    "docs/test_blocks.py",
    "caldav/test_quirks.py",
    "acceptance/test_redis_outages.py",
    "processes/test_up.py",
    "caldav/test_contract.py",
    "acceptance/test_watching.py",
    "runs/test_run.py",
    "sql/test_bad_rows.py",
    "test_bad_messages.py",
    "engine/test_kept_shorter.py",
    "harness/test_stack.py",
)


def in_order(files: Iterable[Path], waiting: set[Path]) -> list[Path]:
    """Long files first; then at any time some that wait for processes and some that work themselves."""
    files = list(files)
    long = [file for name in LONG for file in files if file.as_posix().endswith(f"/{name}")]
    rest = [file for file in files if file not in long]
    place: dict[Path, float] = {}
    for kind in ([file for file in rest if file in waiting], [file for file in rest if file not in waiting]):
        place |= {file: number / len(kind) for number, file in enumerate(kind)}
    return long + sorted(rest, key=place.__getitem__)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files in order; within a file nothing moves."""
    waiting = {item.path for item in items if item.get_closest_marker("processes")}
    place = {file: number for number, file in enumerate(in_order({item.path: 0 for item in items}, waiting))}
    items.sort(key=lambda item: place[item.path])
