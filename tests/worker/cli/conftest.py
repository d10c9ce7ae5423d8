from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from config import get_settings
from tasks import all_tasks
from tasks.registry import _declared
from tests.harness import starting
from tests.harness.stores import new_store
from worker.cli.app import app
from worker.store import Store

Lockstep = Callable[..., "subprocess.CompletedProcess[str]"]

#: A task between two JSON files, so that a run really reads and writes something.
TASK_MODULE = """
import asyncio, json, os, time, uuid
from datetime import datetime, timezone
from pathlib import Path
from tasks import SyncTask
from tasks.errors import SideError

class Files(SyncTask):
    def read(self, side):
        path = Path(f"{self.name}-{side}.json")
        if path.with_suffix(".down").exists():
            raise SideError(f"{side} cannot be reached: start it")
        return json.loads(path.read_text()) if path.exists() else []
    def write(self, side, objects):
        Path(f"{self.name}-{side}.json").write_text(json.dumps(objects))
    async def get_notion_objects(self):
        await asyncio.sleep(float(os.environ.get("LIST_SECONDS", "0")))
        return self.read("notion")
    def get_other_objects(self):
        return self.read("other")
    def notion_id(self, obj): return obj["id"]
    def other_id(self, obj): return obj["id"]
    def notion_hash(self, obj): return obj["title"]
    def other_hash(self, obj): return obj["title"]
    def notion_timestamp(self, obj): return datetime.fromtimestamp(obj["edited"], timezone.utc)
    def other_timestamp(self, obj): return datetime.fromtimestamp(obj["edited"], timezone.utc)
    def notion_to_dict(self, obj): return {"Title": obj["title"]}
    def other_to_dict(self, obj): return {"title": obj["title"]}
    def create(self, side, title):
        obj = {"id": uuid.uuid4().hex, "title": title, "edited": time.time()}
        self.write(side, [*self.read(side), obj])
        return obj
    def notion_create_obj(self, **values): return self.create("notion", values["Title"])
    def other_create_obj(self, **values): return self.create("other", values["title"])
    def update(self, side, obj, value):
        new = {**obj, "title": value, "edited": time.time()}
        self.write(side, [new if each["id"] == obj["id"] else each for each in self.read(side)])
        return new
    def notion_update_obj(self, obj, attr, value): return self.update("notion", obj, value)
    def other_update_obj(self, obj, attr, value): return self.update("other", obj, value)
    def delete(self, side, obj):
        self.write(side, [each for each in self.read(side) if each["id"] != obj["id"]])
    def notion_delete_obj(self, obj): self.delete("notion", obj)
    def other_delete_obj(self, obj): self.delete("other", obj)

Files("to-dos", {"Title": "title"}).run_every(minutes=5).schedule()
Files("strict", {"Title": "title"}, conflict_mode="error").run_every(hours=1).schedule()
Files("single", {"Title": "title"}).run_once().schedule()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with tasks in it, where nothing has run."""
    (tmp_path / "file_tasks.py").write_text(TASK_MODULE)
    (tmp_path / "lockstep.toml").write_text('tasks = ["file_tasks"]\n')
    (tmp_path / "to-dos-notion.json").write_text('[{"id": "n1", "title": "Milk", "edited": 1700000000}]')
    (tmp_path / "to-dos-other.json").write_text('[{"id": "o1", "title": "Bread", "edited": 1700000000}]')
    return tmp_path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A process's environment without any setting of ours."""
    ours = ("LOCKSTEP_", "REDIS_URL", "DATABASE_URL", "NOTION_", "SENTRY_", "FLOWER_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**clean, "HOME": str(tmp_path), "COLUMNS": "200", "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"}


@pytest.fixture
def command() -> list[str]:
    """How `lockstep` is started."""
    return [sys.executable, "-c", "from worker.cli import main; main()"]


@pytest.fixture
def lockstep(project: Path, environment: dict[str, str], command: list[str]) -> Lockstep:
    """Run `lockstep` in a process of its own and wait for its end."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        root = str(Path(__file__).parents[3])
        return starting.run(
            [*command, *arguments], cwd=project, env={**environment, "PYTHONPATH": root, **variables}
        )

    return run


class Here:
    """The command line in a project, in this process, as a start costs a second."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.toml = project / "lockstep.toml"

    def invoke(self, *arguments: str) -> Result:
        """How it ended, and what it said where."""
        get_settings.cache_clear()
        all_tasks.clear()
        _declared.clear()
        sys.modules.pop("file_tasks", None)
        return CliRunner().invoke(app, arguments)

    def __call__(self, *arguments: str, fails: bool = False) -> str:
        done = self.invoke(*arguments)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            if not fails:
                raise done.exception
            return str(done.exception)
        assert (done.exit_code != 0) is fails, done.output
        return done.output

    @property
    def store(self) -> Store:
        """The project's database; the caller closes it."""
        return new_store(self.project / ".lockstep" / "lockstep.db")


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("LOCKSTEP_TASKS", "REDIS_URL", "DATABASE_URL", "LOCKSTEP_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    yield Here(project)
    get_settings.cache_clear()
    all_tasks.clear()
    _declared.clear()
    sys.modules.pop("file_tasks", None)
