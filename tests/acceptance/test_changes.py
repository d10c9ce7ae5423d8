"""Tasks that change while beat and a worker run: no run is lost, none is made twice, and nothing is restarted."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.acceptance.office import FAST, stays
from tests.harness import Stack, eventually, starting
from worker.store import RunRecord

pytestmark = pytest.mark.processes

MakeStack = Callable[..., Stack]

#: Seconds within which a change is to be taken over, as the pages promise.
MINUTE = 60.0
MODULE = """
import asyncio, os
from pathlib import Path
from tests.tasks.sync_task.seed_style import Services, ToDos

class Calm(ToDos):
    async def get_notion_objects(self):
        while Path("hold-" + self.name).exists():
            await asyncio.sleep(0.1)
        return []

def task(name):
    return Calm(Services(), name)

"""


class Desk:
    """A person with an editor, beside an installation."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.cwd = stack.directory / "cwd"

    def write(self, *lines: str) -> None:
        (self.cwd / "own_tasks.py").write_text(MODULE + "\n".join(lines) + "\n")

    def hold(self, name: str) -> Path:
        path = self.cwd / f"hold-{name}"
        path.touch()
        return path

    def lockstep(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return starting.run(
            [sys.executable, "-c", "from worker.cli import main; main()", *arguments],
            cwd=self.cwd,
            env={**self.stack.env(), "NO_COLOR": "1", "COLUMNS": "200"},
        )

    def runs(self, name: str) -> list[RunRecord]:
        return [run for run in self.stack.history(name) if run.status != "skipped"]

    def gaps(self, name: str, last: int) -> list[float]:
        """Seconds between the starts of the last runs."""
        starts = sorted(run.started_at.timestamp() for run in self.runs(name))[-last:]
        return [after - before for before, after in pairwise(starts)]


def test_what_changes_is_taken_over_while_all_goes_on(make_stack: MakeStack) -> None:
    stack = make_stack(env={"LOCKSTEP_TASKS": "own_tasks"})
    desk = Desk(stack)
    desk.write(
        "task('fast').run_every(seconds=1).schedule()",
        "task('long').run_every(seconds=1).schedule()",
        "task('gone').run_every(seconds=1).schedule()",
        "task('once').run_once().schedule()",
    )
    held = desk.hold("long")
    worker, beat = stack.worker(*FAST), stack.beat()
    eventually(lambda: len(desk.runs("fast")) >= 2 and desk.runs("long") and desk.runs("once"), MINUTE)
    (under_way,) = desk.runs("long")

    # Another period, a task less, a task more, and another one that is under way.
    desk.write(
        "task('fast').run_every(seconds=4).schedule()",
        "task('long').run_every(seconds=2).schedule()",
        "task('new').in_total(2).schedule()",
        "task('once').run_once().schedule()",
    )
    eventually(lambda: len(desk.runs("new")) == 2, MINUTE, "the new task's runs")
    assert under_way.run_id in {run.run_id for run in desk.runs("long") if run.status == "running"}
    held.unlink()
    eventually(lambda: len(desk.runs("long")) >= 2, MINUTE)
    assert {run.run_id: run.status for run in desk.runs("long")}[under_way.run_id] == "succeeded"
    seen, before = len(desk.runs("gone")), len(desk.runs("fast"))
    eventually(lambda: len(desk.runs("fast")) >= before + 3, MINUTE)
    assert min(desk.gaps("fast", 3)) > 3
    assert len(desk.runs("gone")) == seen
    assert len(desk.runs("new")) == 2
    assert len(desk.runs("once")) == 1

    # Broken: the old ones go on, and it is said.
    desk.write("task('fast').run_every(seconds=1).schedule()", "task('fast').schedule(")
    worker.wait_for_line("are refused, and the old ones go on", timeout=MINUTE)
    beat.wait_for_line("are refused, and the old ones go on", timeout=MINUTE)
    before = len(desk.runs("fast"))
    eventually(lambda: len(desk.runs("fast")) > before, MINUTE)
    told = desk.lockstep("status")
    assert "what beat and workers read before goes on" in told.stdout
    assert "SyntaxError" in told.stdout
    assert told.returncode == 2

    # Mended, with times that a person sets, and a pause.
    desk.write("task('fast').run_every(hours=4).schedule()", "task('long').run_every(seconds=1).schedule()")
    assert desk.lockstep("schedule", "set", "fast", "--every", "1s").returncode == 0
    before = len(desk.runs("fast"))
    eventually(lambda: len(desk.runs("fast")) >= before + 3, MINUTE)
    assert desk.lockstep("pause", "long", "--why", "moving").returncode == 0
    eventually(lambda: desk.runs("long") and desk.runs("long")[0].status == "succeeded", MINUTE)
    rested = len(desk.runs("long"))
    stays(lambda: len(desk.runs("long")) <= rested + 1, 4, "it is not paused")
    listed = desk.lockstep("schedule").stdout
    assert "paused by" in listed
    assert "set by" in listed
    rested = len(desk.runs("long"))
    assert desk.lockstep("resume", "long").returncode == 0
    eventually(lambda: len(desk.runs("long")) > rested, MINUTE)

    for name in ("fast", "long", "new", "once", "gone"):
        messages = Counter(run.message_id for run in desk.runs(name))
        assert messages.most_common(1)[0][1] == 1
        assert {run.status for run in desk.runs(name)} <= {"succeeded", "running"}
    assert worker.running
    assert beat.running
    for process in (worker, beat):
        assert "was thrown away" not in process.log.read_text()
        assert "Traceback" not in process.log.read_text()
