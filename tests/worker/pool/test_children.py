"""Tasks that change under a prefork worker: its children are replaced between two messages, and none is lost."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from config import load_settings
from config.celery import celery_settings
from tests.harness import MakeStack, Process, eventually, stacks

pytestmark = pytest.mark.processes

PATIENCE = 60.0
MODULE = """
import asyncio, os
from pathlib import Path
from tests.tasks.sync_task.seed_style import Services, ToDos

VERSION = {version}

class Noting(ToDos):
    async def get_notion_objects(self):
        began = Path("began-" + self.name)
        began.touch()
        while Path("hold-" + self.name).exists():
            await asyncio.sleep(0.05)
        with Path("noted-" + self.name).open("a") as file:
            file.write(f"{{VERSION}} {{os.getpid()}}\\n")
        return []

for name in {names}:
    Noting(Services(), name).run_every(hours=1).schedule()
"""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    with stacks(tmp_path, lease_seconds=10, LOCKSTEP_TASKS="own_tasks") as make:
        yield make


def test_each_child_is_replaced_between_two_messages(make: MakeStack) -> None:
    stack = make()
    cwd = stack.directory / "cwd"

    def write(version: int, *names: str) -> None:
        (cwd / "own_tasks.py").write_text(MODULE.format(version=version, names=names))

    def noted(name: str) -> list[list[str]]:
        path = cwd / f"noted-{name}"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    write(1, "long", "quick")
    (cwd / "hold-long").touch()
    worker = stack.worker("--without-mingle", "--pool=prefork", "--concurrency=2")
    app = Celery("sender", set_as_current=False)
    app.conf.update(celery_settings(load_settings(redis_url=stack.redis.url)))
    done = threading.Event()

    def keep_sending() -> None:
        while not done.wait(0.1):
            app.send_task("sync.quick")

    try:
        app.send_task("sync.long")
        eventually((cwd / "began-long").exists, PATIENCE)
        sender = threading.Thread(target=keep_sending)
        sender.start()
        eventually(lambda: noted("quick"), PATIENCE)
        write(2, "long", "quick", "new")
        worker.wait_for_line("The tasks were defined anew", timeout=PATIENCE)
        # One child still makes the long run as it began; the place of the other one is taken at once.
        app.send_task("sync.new")
        eventually(lambda: noted("new"), PATIENCE, "a run of the new task beside the long one")
        assert noted("long") == []
        done.set()
        sender.join()
        (cwd / "hold-long").unlink()
        eventually(lambda: noted("long"), PATIENCE)
        app.send_task("sync.long")
        eventually(lambda: len(noted("long")) == 2, PATIENCE)
        received = eventually(lambda: settled(worker), PATIENCE, "each message ends as it should")
    finally:
        done.set()
        app.close()
    assert received > 10
    assert [version for version, _ in noted("long")] == ["1", "2"]
    assert [version for version, _ in noted("new")] == ["2"]
    versions = [version for version, _ in noted("quick")]
    assert versions == sorted(versions)  # never an old one after a new one
    assert set(versions) == {"1", "2"}
    pids = {version: {pid for of, pid in noted("quick") + noted("long") if of == version} for version in "12"}
    assert not pids["1"] & pids["2"]
    assert {run.status for run in stack.history("long")} == {"succeeded"}
    assert "Traceback" not in worker.log.read_text()


def settled(worker: Process) -> int:
    """How many messages were received, once each has succeeded; 0 before."""
    text = worker.log.read_text()
    received, succeeded = (
        re.findall(rf"Task sync\.\w+\[([0-9a-f-]+)\] {word}", text) for word in ("received", "succeeded")
    )
    assert len(set(succeeded)) == len(succeeded)
    return len(received) if set(received) == set(succeeded) else 0
