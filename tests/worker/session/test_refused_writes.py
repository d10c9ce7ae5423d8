"""A database that can be read and takes no writes: runs are made by nobody, so somebody has to hear of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.harness import ProbeSpec, Stack, eventually
from tests.harness.refusing import REASON, refusing_writes
from tests.worker.test_sentry import SentryServer, sentry

pytestmark = pytest.mark.processes

__all__ = ["sentry"]

TOLD = "Runs cannot be entered"


def test_runs_that_cannot_be_entered_are_told_once(sentry: SentryServer, tmp_path: Path) -> None:
    with Stack(tmp_path, ProbeSpec(every=1), env={"SENTRY_DSN": sentry.dsn}) as stack:
        worker = stack.worker("--without-mingle")
        stack.beat()
        eventually(lambda: stack.history() and stack.history()[0].status == "succeeded")
        with refusing_writes(stack.state_dir / "lockstep.db"):
            worker.wait_for_line(rf"ERROR.*{TOLD}.*task '(probe|lockstep.prune)': the database .*{REASON}")
            seen = len(worker.output())
            for _ in range(2):  # more of them, without more words
                seen = worker.wait_for_line(r"SyncRunFailed", after=seen).end()
            status = stack.lockstep("status", "--json", name="status")
            assert status.wait_exit() == 5, status.tail()
            assert REASON in status.output()
            run = stack.lockstep("run", "probe", name="run")
            assert run.wait_exit() == 5, run.tail()
        assert worker.output().count(TOLD) == 1
        worker.wait_for_line(rf"Over after .*{TOLD}", after=seen)
        newest = stack.history()[0].run_id
        eventually(lambda: stack.history()[0].run_id != newest)
        # Of the worker, and of the single run.
        events = eventually(lambda: len(found := sentry.of("event")) > 1 and found)
        heard = [json.dumps(event) for event in events]
        assert len(heard) == 2, heard
        assert all(REASON in event for event in heard)
        # Whichever the worker took first: the task, or the daily run that beat sends along.
        first = ('"task": "sync.probe"', '"task": "sync.lockstep.prune"')
        assert any(task in event for event in heard for task in first)
        well = stack.lockstep("status", name="well")
        assert well.wait_exit() == 0, well.tail()
