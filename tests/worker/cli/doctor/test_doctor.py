"""`lockstep doctor` with real parts: what is well, what is not, and that one that hangs holds up nobody."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from config import get_settings
from sandbox.github import GitHub
from sandbox.notion import Sandbox
from tasks.registry import load_tasks
from tests.worker.cli.doctor.conftest import Doctor
from tests.worker.cli.setup.conftest import TOKEN, Notion
from worker.cli import main
from worker.cli.doctor.finding import State
from worker.machine.redis_server import RedisServer, free_port
from worker.redis_client import connect_url
from worker.schedule.definitions import definitions
from worker.signs import SCHEDULER, WORKER
from worker.signs.life import Life
from worker.store import Store
from worker.store.migrating import versions


@pytest.fixture
def redis_here(shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with connect_url(shared_redis.url) as client:
        client.flushdb()
        monkeypatch.setenv("REDIS_URL", shared_redis.url)
        yield shared_redis.url
        client.flushdb()


def states(found: dict[str, list[dict[str, str]]]) -> dict[str, set[str]]:
    return {check: {one["state"] for one in each} for check, each in found.items()}


def run_once(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0


def asked_of(notion: Notion) -> set[str]:
    """The endpoints of Notion that were asked since the last look."""
    counters = f"{notion.url}/_sandbox/counters"
    found = httpx.get(counters, timeout=30)
    httpx.delete(counters, timeout=30)
    return set(re.findall(r"(?:GET|POST|PATCH|DELETE) /?v1/[\w/{}-]+", found.text)) or {found.text}


def test_all_is_well(
    set_up: Path, redis_here: str, notion: Notion, doctor: Doctor, capsys: pytest.CaptureFixture[str]
) -> None:
    run_once("run", "to-dos")
    written = {path.name: path.read_bytes() for path in (set_up / "notes").iterdir()}
    read = definitions(load_tasks(get_settings()).values(), get_settings())
    with connect_url(redis_here) as client:
        for kind in (SCHEDULER, WORKER):
            Life(kind, client, tasks=read, tell=lambda: {"concurrency": 4}).give()
    asked_of(notion)
    code, found = doctor()
    assert {state for each in states(found).values() for state in each} == {State.OK}, found
    assert code == 0
    assert set(found) == {
        *(
            "tasks",
            "files",
            "disk",
            "redis",
            "redis-writes",
            "redis-eviction",
            "redis-persistence",
            "database",
        ),
        *("database-writes", "scheduler", "workers", "queue", "entries", "flower", "web", "metrics"),
        *("side-left", "side-right", "mapping", "clock"),
    }
    asked = asked_of(notion)
    assert asked
    assert not [one for one in asked if "query" in one or "PATCH" in one], "nothing is listed or written"
    assert {path.name: path.read_bytes() for path in (set_up / "notes").iterdir()} == written
    run_once("doctor")
    shown = capsys.readouterr().out
    assert "all is well" in shown
    assert "Water the plants" not in shown


@pytest.mark.usefixtures("set_up")
def test_before_anything_has_run(here: Path, doctor: Doctor) -> None:
    code, found = doctor()
    assert code == 0
    assert {check for check, each in states(found).items() if each != {State.OK}} == {"processes"}
    assert not (here / ".lockstep/lockstep.db").exists(), "looking makes no database"


def test_what_is_wrong_hides_nothing_else(
    set_up: Path, doctor: Doctor, notion: Notion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No Redis, a mapping that does not fit, a folder that is gone, and a file that everybody reads."""
    monkeypatch.setenv("REDIS_URL", f"redis://:a-secret@127.0.0.1:{free_port()}/0")
    table = (set_up / "lockstep.toml").read_text()
    other = table.replace('"to-dos"', '"other"')
    with (set_up / "lockstep.toml").open("a") as file:
        file.write(other + '\n[sync.map]\nNam = "title"\n')
        file.write(other.replace('"other"', '"gone"').replace('"notes"', '"nowhere"'))
    (set_up / ".env").chmod(0o644)
    Store(get_settings().sql_url()).migrate()
    code, found = doctor()
    assert code == 5
    assert "a-secret" not in str(found)
    (redis_away,) = found["redis"]
    assert redis_away["state"] == State.FAILED
    assert states(found)["processes"] == {State.UNKNOWN}
    bad, _ = found["files"]
    assert (bad["state"], bad["mend"]) == (State.FAILED, "chmod go-rwx .env")
    (wrong,) = (one for one in found["mapping"] if one["state"] == State.FAILED)
    assert (wrong["subject"], "'Nam'" in wrong["text"]) == ("Task other", True)
    (gone,) = (one for one in found["side-right"] if one["state"] == State.FAILED)
    assert (gone["subject"], "nowhere" in gone["text"]) == ("Task gone", True)
    assert states(found)["side-left"] == {State.OK}
    assert {one["subject"] for one in found["mapping"] if one["state"] == State.OK} == {"Task to-dos"}


def test_a_token_that_notion_does_not_know(
    set_up: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Sandbox(tokens={"another"}) as strict:
        monkeypatch.setenv("NOTION_BASE_URL", strict.url)
        code, found = doctor()
    assert code == 1
    (refused,) = found["side-left"]
    assert (refused["state"], "NOTION_TOKEN" in refused["text"]) == (State.FAILED, True)
    assert states(found)["side-right"] == {State.OK}
    assert "mapping" not in found


def test_settings_and_tasks_that_cannot_be_read(set_up: Path, doctor: Doctor) -> None:
    (set_up / "lockstep.toml").write_text("[[sync]]\nname = 'x'\n")
    code, found = doctor()
    assert (code, found["tasks"][0]["state"]) == (2, State.FAILED)
    assert states(found)["files"] == {State.OK}
    (set_up / "lockstep.toml").write_text("log_levl = 'INFO'\n")
    code, found = doctor()
    assert (code, list(found)) == (2, ["settings"])


HANGING = """
import time
from tasks import TwoWay
from tasks.services.markdown import Folder

class Hanging(Folder):
    def describe(self):
        time.sleep(600)

TwoWay("hanging", Folder("notes"), Hanging("notes"), {"title": "title"}).run_every(minutes=5).schedule()
"""


@pytest.mark.processes
def test_one_that_hangs_holds_up_nobody(set_up: Path) -> None:
    """Also where it is a plain function, which nobody can cancel; the process ends all the same."""
    (set_up / "hanging.py").write_text(HANGING)
    text = (set_up / "lockstep.toml").read_text()
    (set_up / "lockstep.toml").write_text(f'tasks = ["hanging"]\n{text}')
    done = subprocess.run(
        [sys.executable, "-c", "from worker.cli import main; main()", "doctor", "--json", "--timeout", "10"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = {(one["subject"], one["check"]): one["state"] for one in json.loads(done.stdout)["findings"]}
    assert told["Task hanging", "side-right"] == State.UNKNOWN
    assert told["Task hanging", "side-left"] == State.OK
    assert told["Task to-dos", "mapping"] == State.OK
    assert done.returncode == 0, done.stderr


def test_tables_of_another_version_are_left_as_they_are(set_up: Path, doctor: Doctor) -> None:
    store = Store(get_settings().sql_url())
    store.migrate()
    for version, state, code in (("0009", State.WARNING, 0), ("9999", State.FAILED, 5)):
        with store.write() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")
        told, found = doctor()
        assert (told, states(found)["database"]) == (code, {state})
        assert states(found)["processes"] == {State.UNKNOWN}
        with store.read() as connection:
            assert versions(connection) == [version]
    store.close()


def test_init_shows_what_is_not_well(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOTION_TOKEN", TOKEN)
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    (here / "notes").mkdir()
    options = ("--no-input", "--from-place", "To-dos", "--to", "markdown", "--set", "markdown.folder=notes")
    run_once("init", *options, "--no-apply")
    shown = capsys.readouterr().out
    told, plan = shown.split("What is not well here")[1].split("The first run")
    assert "✗ It does not answer at 127.0.0.1" in told
    assert "✓" not in told
    assert "Water the plants" in plan, "the plan is shown all the same"
    monkeypatch.delenv("REDIS_URL")
    get_settings.cache_clear()
    run_once("init", *options, "--no-apply", "--name", "again")
    assert "not well" not in capsys.readouterr().out


def test_a_login_that_ends_soon(set_up: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    with GitHub(tokens=["ghp_right"]) as github:
        github.make_repository("ada/board")
        monkeypatch.setenv("GITHUB_TOKEN", "ghp_right")
        text = (set_up / "lockstep.toml").read_text()
        table = f'[sync.github]\nrepository = "ada/board"\nurl = "{github.url}"\n'
        (set_up / "lockstep.toml").write_text(text.split("[sync.markdown]")[0] + table)
        for days, state in ((100, State.OK), (3, State.WARNING)):
            github.token_expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
            code, found = doctor()
            assert (code, states(found)["login"]) == (0, {state})
            assert f"{github.token_expires:%Y-%m-%d %H:%M} UTC" in found["login"][0]["text"]
        assert len(found["clock"]) == 1, "both services are on one host here"
