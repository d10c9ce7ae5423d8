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
    "caldav/test_contract.py",
    "processes/test_up.py",
    "sql/test_cascades.py",
    "broker/test_rabbitmq.py",
    "test_error_replies.py",
    "engine/test_histories.py",
    "acceptance/test_bad_input.py",
    "sql/test_columns_later.py",
    "test_stops_under_load.py",
    "docs/test_blocks.py",
    "test_beats.py",
    "engine/test_crash_sweep.py",
    "test_states_of_redis.py",
    "notion/test_soak.py",
    "acceptance/test_ready_task.py",
    "sql/test_columns.py",
    "acceptance/test_workers.py",
    "cli/test_mending.py",
    "acceptance/test_two_ways.py",
    "dashboard/test_in_browser.py",
    "deploy/test_processes.py",
    "keeping/test_keeping.py",
    "acceptance/test_redis_outages.py",
    "sql/test_processes.py",
    "pool/test_held_loop.py",
    "runs/test_run.py",
    "sql/test_restored_processes.py",
    "bench/test_nodes.py",
    "acceptance/test_watching.py",
    "caldav/test_quirks.py",
    "acceptance/test_changes.py",
    "session/test_crash_sweep_processes.py",
    "sql/test_bad_rows.py",
    "test_bad_messages.py",
    "engine/test_kept_shorter.py",
    "sql/test_process_histories.py",
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
