"""The probe tasks of the harness, as if their Notion side were a data source."""

from __future__ import annotations

import tests.harness.probe_tasks  # noqa: F401  schedules them
from tasks import all_tasks

DATA_SOURCE = "38b9ce7b-60a4-810a-a3e0-d0c7fde33f0c"

for task in all_tasks:
    task.data_source = DATA_SOURCE  # type: ignore[attr-defined]
