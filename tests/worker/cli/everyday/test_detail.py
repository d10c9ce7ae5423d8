"""`lockstep status NAME` and `lockstep status --watch`."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.journal.contract import Memory
from tasks.merge import Delete, End, Held, Name, Plan
from tests.harness.process import hear_interrupts
from tests.tasks.ledger_entries import SIDES, entry
from tests.worker.cli.conftest import Here
from worker.store import RunRecord
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.memory import Memories

NOW = datetime.now(UTC)


def test_a_task_is_shown_in_detail(here: Here) -> None:
    here("run", "to-dos")
    here("pause", "to-dos", "--why", "moving")
    waits = Held(
        ("n1", "o9"), "the other side o9: locked", "c", 2, NOW, NOW + timedelta(hours=1), Name("Milk")
    )
    plan = Plan(
        (Delete(side=End.LEFT, left_id="n1", right_id="o1", reason="gone", values={}),),
        0,
        {},
        labels=SIDES,
    )
    store = here.store
    with store.write() as connection:
        Conflicts.keep(connection, "to-dos", entry(), "r")
        Memories.remember(connection, "to-dos", Memory(held=[waits]))
    store.runs.enter(
        RunRecord(run_id="later", task="to-dos", status="halted", reason="too much", started_at=NOW + timedelta(1),
                  finished_at=NOW + timedelta(1))
    )  # fmt: skip
    plan_id = store.plans.keep("to-dos", plan, "too much", "later")
    store.close()
    told = here("status", "to-dos", fails=True)
    rows = [" ".join(line.split()) for line in told.splitlines()]
    for row in (
        "Task to-dos",
        "State paused",
        "Schedule every 5 min",
        "Next run paused",
        "Links 2, after 2 runs",
        "Conflicts 1: lockstep conflicts to-dos",
        "Held 1: lockstep held to-dos",
        f"Halted too much lockstep plans {plan_id}",
        "Trouble to-dos: halted, too much",
    ):
        assert row in rows, told
    assert re.search(r"Last success +[-\d]+ [:\d]+ \S+, (now|.+ ago)", told)
    assert re.search(r"Lag +\d+ s: every edit older", told)
    assert re.search(r"Paused +paused by \S+ since .* moving. lockstep resume to-dos", told)
    assert "Milk the other side “Milk”: locked" in "\n".join(rows)
    assert [row.split()[0] for row in rows if " succeeded " in row or " halted " in row] == [
        "later",
        rows[-1].split()[0],
    ]
    data = json.loads(here("status", "to-dos", "--json", fails=True))
    assert (data["state"], data["exit_code"], data["held_objects"][0]["title"]) == ("paused", 3, "Milk")
    assert [run["status"] for run in data["last_runs"]] == ["halted", "succeeded"]
    assert [one["plan_id"] for one in data["halted_plans"]] == [plan_id]
    assert here("status", "strict").splitlines()[1].split() == ["State", "never", "ran"]  # that one is well


def test_a_slip_is_told(here: Here) -> None:
    assert "did you mean 'to-dos'?" in here("status", "todos", fails=True)
    assert "is about all tasks" in here("status", "to-dos", "--check", fails=True)
    assert "is for eyes" in here("status", "--watch", "--json", fails=True)
    assert "--watch needs a terminal" in here("status", "--watch", fails=True)


@pytest.mark.processes
def test_it_is_watched_until_ctrl_c(
    here: Here, project: Path, environment: dict[str, str], command: list[str]
) -> None:
    ours, theirs = pty.openpty()
    root = str(Path(__file__).parents[4])
    watching = subprocess.Popen(
        [*command, "status", "--watch"],
        cwd=project,
        env={**environment, "PYTHONPATH": root, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=hear_interrupts,  # noqa: PLW1509  there are no threads here
    )
    os.close(theirs)
    try:
        assert "never ran" in read_until(ours, "never ran")
        here("run", "to-dos")
        assert "synced" in read_until(ours, "synced")
        kept = project / ".lockstep" / "lockstep.db"
        kept.rename(kept.with_suffix(".away"))
        kept.write_text("no database at all, " * 100)
        assert "cannot be used" in read_until(ours, "cannot be used")  # told, and looked at again
        kept.with_suffix(".away").replace(kept)
        assert "synced" in read_until(ours, "synced")
        watching.send_signal(signal.SIGINT)
        read_until(ours, "", ended=watching)
        assert watching.stderr is not None
        assert (watching.wait(20), watching.stderr.read()) == (0, b"")
    finally:
        watching.kill()
        watching.wait()
        os.close(ours)


def read_until(terminal: int, word: str, ended: subprocess.Popen[bytes] | None = None) -> str:
    """What the terminal shows until there is a word, or a process has ended."""
    shown, give_up_at = "", time.monotonic() + 60
    while time.monotonic() < give_up_at and (word not in shown if word else True):
        if ended is not None and ended.poll() is not None:
            break
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 65536).decode(errors="replace")
            except OSError:  # the other end is closed
                break
    return shown
