from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.tasks.ledger_entries import entry
from worker.cli.app import app
from worker.store import RunRecord, Store
from worker.store.tables.conflicts import Conflicts

runner = CliRunner()


def test_help_names_commands_and_exit_codes() -> None:
    shown = runner.invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    for word in ("up", "run", "plan", "status", "history", "tasks", "sandbox", "demo", "Exit codes: 0 done"):
        assert word in shown


def test_version() -> None:
    assert runner.invoke(app, ["--version"]).output.startswith("lockstep ")


@pytest.mark.parametrize(
    "arguments", [["fly"], ["run"], ["history", "x", "--limit", "0"], ["up", "--flower-port", "x"]]
)
def test_a_wrong_command_line(arguments: list[str]) -> None:
    assert runner.invoke(app, arguments).exit_code == 2


@pytest.mark.processes
def test_help_imports_nothing_slow() -> None:
    code = "import sys; sys.argv[1:] = ['--help']; from worker.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "print([name for name in ('celery', 'sqlalchemy', 'redis', 'httpx') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.processes
def test_tasks(lockstep: Any) -> None:
    shown = lockstep("tasks").stdout
    assert "every 5 min" in shown
    found = {task["task"]: task for task in json.loads(lockstep("tasks", "--json").stdout)["items"]}
    assert found["to-dos"]["every_seconds"] == 300
    assert found["single"]["total"] == 1
    assert found["strict"]["conflict_mode"] == "error"


@pytest.mark.processes
def test_no_task_at_all(lockstep: Any, project: Path) -> None:
    (project / "lockstep.toml").unlink()
    for verb in ("tasks", "status"):
        done = lockstep(verb)
        assert done.returncode == 0
        assert "No task is defined: write a table [[sync]] in lockstep.toml" in done.stdout


@pytest.mark.processes
def test_status_before_and_after_a_run(lockstep: Any, project: Path) -> None:
    assert "never ran" in lockstep("status").stdout
    lockstep("run", "to-dos")
    (row,) = (
        row for row in json.loads(lockstep("status", "--json").stdout)["tasks"] if row["task"] == "to-dos"
    )
    assert row["last_run"]["status"] == "succeeded"
    assert row["links"] == 2
    assert (row["next_run"], row["no_next_run"]) == (None, "no scheduler")
    (project / "lockstep.toml").unlink()
    gone = json.loads(lockstep("status", "--json").stdout)
    assert gone["not_defined_any_more"] == ["to-dos"]
    assert lockstep("history", "to-dos").returncode == 0


@pytest.mark.processes
@pytest.mark.parametrize(
    "verb",
    ["run", "plan", "history", "held", "conflicts", "retry", "verify", "plans --task", "rename to-dos"],
)
def test_an_unknown_name(lockstep: Any, verb: str) -> None:
    """Nothing can be said about it, least of all that all is well."""
    done = lockstep(*verb.split(), "todos")
    if verb.startswith("rename"):
        assert (done.returncode, "did you mean 'to-dos'?" in done.stderr) == (2, True)
        return
    assert (done.returncode, done.stderr) == (
        2,
        "lockstep: there is no task 'todos': did you mean 'to-dos'?\n",
    )


@pytest.mark.processes
def test_a_list_says_what_it_leaves_out(lockstep: Any, project: Path) -> None:
    assert lockstep("run", "to-dos").returncode == 0
    store = Store(f"sqlite:///{project / '.lockstep' / 'lockstep.db'}")
    with store.write() as connection:
        for number in range(60):
            Conflicts.keep(connection, "to-dos", entry(left_id=f"n{number}"), "run")
    for number in range(30):
        store.runs.enter(RunRecord(run_id=f"run {number}", task="to-dos", status="skipped"))
    store.close()
    assert "The newest 50 of 60 are listed: --limit 60 shows all." in lockstep("conflicts").stdout
    assert "The newest 5 of 60 are listed" in lockstep("conflicts", "to-dos", "--limit", "5").stdout
    assert "are listed" not in lockstep("conflicts", "--limit", "60").stdout
    assert "The newest 20 of 31 are listed" in lockstep("history", "to-dos").stdout
    assert lockstep("held", "to-dos").stdout == "No object is held.\n"


@pytest.mark.processes
def test_the_path_of_a_database_is_named(lockstep: Any, project: Path) -> None:
    (project / "broken.db").write_text("this is no database at all, " * 100)
    done = lockstep("status", DATABASE_URL=f"sqlite:///{project / 'broken.db'}")
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert f"the database sqlite:///{project / 'broken.db'} cannot be used" in done.stderr


@pytest.mark.processes
@pytest.mark.parametrize(
    ("variables", "code", "line"),
    [
        (
            {"LOCKSTEP_LOG_LEVEL": "LOUD"},
            2,
            "LOCKSTEP_LOG_LEVEL is 'LOUD': use one of DEBUG, INFO, WARNING, ERROR",
        ),
        (
            {"REDIS_URL": "http://:pass1234@x"},
            2,
            "REDIS_URL begins with http://: use redis:// or rediss:// or unix:// or sentinel://",
        ),
        (
            {"LOCKSTEP_TASKS": "no_such_module"},
            2,
            "LOCKSTEP_TASKS names 'no_such_module', but there is no such module",
        ),
        ({"DATABASE_URL": "postgresql://u:pass1234@127.0.0.1:1/x"}, 5, "the database "),
        (
            {"LOCKSTEP_STATE_DIR": "lockstep.toml"},
            2,
            "LOCKSTEP_STATE_DIR (lockstep.toml) is a file: name a directory",
        ),
    ],
)
def test_a_foreseeable_error_is_one_line(
    lockstep: Any, variables: dict[str, str], code: int, line: str
) -> None:
    done = lockstep("status", **variables)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith(f"lockstep: {line}")
    assert len(done.stderr.splitlines()) == 1
    assert "pass1234" not in done.stderr


@pytest.mark.processes
def test_several_wrong_settings_are_told_together(lockstep: Any) -> None:
    done = lockstep("tasks", LOCKSTEP_LOG_LEVEL="LOUD", LOCKSTEP_TIME_LIMIT="1")
    assert done.returncode == 2
    assert [line.split()[1] for line in done.stderr.splitlines()] == ["LOCKSTEP_LOG_LEVEL"]
    both = lockstep("tasks", LOCKSTEP_LOG_LEVEL="LOUD", LOCKSTEP_TIME_LIMIT="0")
    assert [line.split()[1] for line in both.stderr.splitlines()] == [
        "LOCKSTEP_LOG_LEVEL",
        "LOCKSTEP_TIME_LIMIT",
    ]


@pytest.mark.processes
def test_a_state_directory_that_cannot_be_made(lockstep: Any) -> None:
    done = lockstep("status", LOCKSTEP_STATE_DIR="lockstep.toml/inner")
    assert done.returncode in {2, 5}
    assert len(done.stderr.splitlines()) == 1
    assert "lockstep.toml/inner" in done.stderr
