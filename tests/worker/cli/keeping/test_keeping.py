"""What is kept under which name, and for how long: `rename`, `prune`, and what `undo` and `status` say then."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.worker.cli.test_mending import halt, read, titles
from worker.lock import RedisSyncLock
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url
from worker.schedule.claims import KEY

pytestmark = pytest.mark.processes


def give_name(project: Path, old: str, new: str) -> None:
    """Name a task anew in its module, and let its two files have the new name as well."""
    module = project / "file_tasks.py"
    module.write_text(module.read_text().replace(f'Files("{old}"', f'Files("{new}"'))
    for side in ("notion", "other"):
        for path in project.glob(f"{old}-{side}.json"):
            path.rename(project / f"{new}-{side}.json")


def age(project: Path, days: int) -> None:
    """Let everything that is stored be so many days older."""
    with sqlite3.connect(project / ".lockstep" / "lockstep.db") as database:
        for table, columns in {
            "run": ("started_at", "finished_at"), "effect": ("at",), "conflict": ("at",), "plan": ("at", "applied_at"),
        }.items():  # fmt: skip
            for column in columns:
                found = database.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL")
                for row, text in found.fetchall():
                    older = datetime.fromisoformat(text) - timedelta(days=days)
                    database.execute(
                        f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (older.isoformat(" "), row)
                    )


def test_a_renamed_task_keeps_its_links(lockstep: Any, project: Path) -> None:
    assert lockstep("run", "to-dos").returncode == 0
    early = lockstep("rename", "to-dos", "errands")
    assert (early.returncode, "give the task its new name where it is defined" in early.stderr) == (2, True)
    give_name(project, "to-dos", "errands")
    still = lockstep("rename", "single", "errands")
    assert (still.returncode, "task 'single' is defined still" in still.stderr) == (2, True)
    mistyped = lockstep("rename", "todos", "errands")
    assert (mistyped.returncode, mistyped.stderr) == (
        2,
        "lockstep: nothing is kept of a task 'todos': did you mean 'to-dos'?\n",
    )
    shown = lockstep("status").stdout
    assert "Not defined any more, with runs in the history: to-dos (2 links)" in shown
    assert "lockstep rename OLD NEW" in shown
    for verb, code in (("plan", 3), ("run", 3)):
        done = lockstep(verb, "errands")
        assert (done.returncode, "lockstep rename to-dos errands" in done.stdout) == (code, True)
    foreseen = lockstep("rename", "to-dos", "errands", "--dry-run")
    assert (foreseen.returncode, "2 rows of link" in foreseen.stdout) == (0, True)
    assert foreseen.stdout.startswith("to-dos would be errands and keep ")
    assert lockstep("run", "errands").returncode == 3
    renamed = json.loads(lockstep("rename", "to-dos", "errands", "--json").stdout)
    assert renamed["kept"]["link"] == 2
    done = lockstep("run", "errands")
    assert (done.returncode, "in step 2" in done.stdout) == (0, True)
    assert "linked" not in done.stdout
    assert len(json.loads(lockstep("history", "errands", "--json").stdout)["items"]) == 4
    again = lockstep("rename", "to-dos", "errands")
    assert (again.returncode, "nothing is kept of a task 'to-dos'" in again.stderr) == (2, True)


def test_a_task_that_runs_or_has_links_is_not_renamed(
    lockstep: Any, project: Path, shared_redis: RedisServer
) -> None:
    with connect_url(shared_redis.url) as client:
        client.flushall()
        assert lockstep("run", "to-dos", REDIS_URL=shared_redis.url).returncode == 0
        give_name(project, "to-dos", "errands")
        client.hset(
            KEY, "to-dos", json.dumps({"claim": 7, "last": 1, "pending": 0, "by": "", "finished": -1})
        )
        lock = RedisSyncLock(client)
        try:
            for name in ("to-dos", "errands"):
                held = lock.acquire(name)
                busy = lockstep("rename", "to-dos", "errands", REDIS_URL=shared_redis.url)
                assert (busy.returncode, "try again when it has ended" in busy.stderr) == (4, True)
                assert client.hexists(KEY, "to-dos")
                lock.release(held, "done")
            assert lockstep("rename", "to-dos", "errands", REDIS_URL=shared_redis.url).returncode == 0
            assert json.loads(client.hget(KEY, "errands") or "")["claim"] == 7
            assert not client.hexists(KEY, "to-dos")
            assert lock.holders() == []
        finally:
            lock.close()
        assert lockstep("run", "errands", REDIS_URL=shared_redis.url).returncode == 0


def test_state_in_files_goes_along(lockstep: Any, project: Path, environment: dict[str, str]) -> None:
    script = project / "alone.py"
    script.write_text(
        "import asyncio\nimport file_tasks\nfrom tasks.local import run_once\nfrom tasks import all_tasks\n"
        "asyncio.run(run_once(next(task for task in all_tasks if task.name == 'to-dos')))\n"
    )
    root = str(Path(__file__).parents[4])
    subprocess.run(
        [sys.executable, str(script)], cwd=project, env={**environment, "PYTHONPATH": root}, check=True
    )
    state = json.loads((project / ".lockstep" / "to-dos.json").read_text())
    assert len(state["ids"]) == 2
    give_name(project, "to-dos", "errands")
    assert lockstep("rename", "to-dos", "errands", "--dry-run").returncode == 0
    assert (project / ".lockstep" / "to-dos.json").exists()
    renamed = lockstep("rename", "to-dos", "errands")
    assert renamed.returncode == 0, renamed.stderr
    assert not (project / ".lockstep" / "to-dos.json").exists()
    done = lockstep("run", "errands")
    assert (done.returncode, "in step 2" in done.stdout) == (0, True)
    assert "linked" not in done.stdout


def test_old_things_are_pruned_and_undo_says_so(lockstep: Any, project: Path) -> None:
    plan_id = halt(lockstep, project)
    assert lockstep("apply", plan_id).returncode == 0
    runs = json.loads(lockstep("history", "to-dos", "--json").stdout)["items"]
    objects = read(project, "to-dos", "notion")
    objects[0] |= {"title": "edited", "edited": time.time()}
    (project / "to-dos-notion.json").write_text(json.dumps(objects))
    last = json.loads(lockstep("run", "to-dos", "--json").stdout)["run_id"]
    assert "Would be pruned: nothing." in lockstep("prune", "--dry-run").stdout
    age(project, 40)
    foreseen = lockstep("prune", "--dry-run")
    assert foreseen.returncode == 0, foreseen.stderr
    assert "Would be pruned: 3 runs, 2 runs' undo data, 1 plan." in foreseen.stdout
    assert "3 runs" not in lockstep("prune", "--dry-run", LOCKSTEP_KEEP_RUNS_DAYS="60").stdout
    done = lockstep("prune")
    assert (done.returncode, done.stdout) == (0, foreseen.stdout.replace("Would be pruned", "Pruned"))
    assert "Pruned: nothing." in lockstep("prune").stdout
    assert "lockstep.prune" in lockstep("prune", "--json").stdout
    state = lockstep("status")
    assert "Pruned last" in state.stdout
    assert "lockstep.prune" not in state.stdout
    assert "undo 2" in lockstep("history", "lockstep.prune").stdout
    gone = lockstep("undo", last[:8])
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "cannot be undone: what it replaced was pruned 20" in gone.stderr
    assert "LOCKSTEP_KEEP_UNDO_DAYS is 30" in gone.stderr
    older = lockstep("undo", runs[0]["run_id"][:8])
    assert (older.returncode, "there is no run" in older.stderr) == (2, True)
    assert "for 30 days" in older.stderr
    assert (empty := lockstep("undo", "")).returncode == 2
    assert "id is empty" in empty.stderr
    assert lockstep("run", "to-dos").returncode == 0  # links are as they were
    assert len(titles(project, "to-dos", "other")) == 2


def test_no_task_may_have_the_name_of_the_run_that_prunes(lockstep: Any, project: Path) -> None:
    give_name(project, "single", "lockstep.prune")
    refused = lockstep("tasks")
    assert (refused.returncode, "the run that prunes the database has it" in refused.stderr) == (2, True)


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "for ever", "99999999"])
def test_a_time_that_does_not_fit_is_told(lockstep: Any, value: str) -> None:
    refused = lockstep("status", LOCKSTEP_KEEP_UNDO_DAYS=value)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"lockstep: LOCKSTEP_KEEP_UNDO_DAYS is '{value}': use ")
