from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness.process import hear_interrupts
from worker.machine.redis_server import RedisServer

pytestmark = pytest.mark.processes


def titles(project: Path, task: str, side: str) -> list[str]:
    return sorted(each["title"] for each in json.loads((project / f"{task}-{side}.json").read_text()))


def edit(project: Path, task: str, side: str, **titles: str) -> None:
    """Rename objects by their present title."""
    path = project / f"{task}-{side}.json"
    objects = json.loads(path.read_text())
    for each in objects:
        if each["title"] in titles:
            each |= {"title": titles[each["title"]], "edited": time.time()}
    path.write_text(json.dumps(objects))


def test_a_run_brings_both_sides_together_and_is_in_the_history(lockstep: Any, project: Path) -> None:
    done = lockstep("run", "to-dos")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert re.match(r"to-dos: succeeded in \d+\.\d s: ", done.stdout)
    assert "created in Notion 1" in done.stdout
    assert titles(project, "to-dos", "notion") == titles(project, "to-dos", "other") == ["Bread", "Milk"]
    again = json.loads(lockstep("run", "to-dos", "--json").stdout)
    assert again["status"] == "succeeded"
    assert again["counts"] == {"in_step": 2}
    runs = json.loads(lockstep("history", "to-dos", "--json").stdout)["items"]
    assert runs[0]["run_id"] == again["run_id"]
    assert len(json.loads(lockstep("history", "to-dos", "--json", "--limit", "1").stdout)["items"]) == 1


def test_a_plan_writes_nothing_and_says_why(lockstep: Any, project: Path) -> None:
    before = {path: path.read_text() for path in project.glob("to-dos-*.json")}
    done = lockstep("plan", "to-dos")
    assert done.returncode == 0, done.stderr
    assert re.search(r"create +Milk +Other side +Title: Milk +new in Notion", done.stdout)
    assert "2 create; 0 pairs are in step. Nothing was written." in done.stdout
    data = json.loads(lockstep("plan", "to-dos", "--json").stdout)
    assert data["status"] == "planned"
    assert {(each["action"], each["side"], each["reason"]) for each in data["plan"]["actions"]} == {
        ("create", "right", "new in Notion"),
        ("create", "left", "new in the other side"),
    }
    assert before == {path: path.read_text() for path in project.glob("to-dos-*.json")}
    assert json.loads(lockstep("history", "to-dos", "--json").stdout)["items"] == []


def test_a_plan_shows_changes_and_conflicts(lockstep: Any, project: Path) -> None:
    lockstep("run", "to-dos")
    edit(project, "to-dos", "notion", Milk="Oat milk\x1b[2J", Bread="Rye bread")
    edit(project, "to-dos", "other", Bread="White bread")
    done = lockstep("plan", "to-dos")
    assert "'Milk' → 'Oat milk [2J'" in done.stdout
    assert "\x1b" not in done.stdout
    assert re.search(
        r"conflict +Rye bread +both .*Notion 'Rye bread', the other side 'White bread'", done.stdout
    )
    actions = json.loads(lockstep("plan", "to-dos", "--json").stdout)["plan"]["actions"]
    update = next(each for each in actions if each["action"] == "update" and "Milk" in str(each["changes"]))
    assert update["changes"]["Title"]["old"] == "Milk"


def test_a_plan_that_would_halt_says_so(lockstep: Any, project: Path) -> None:
    lockstep("run", "to-dos")
    (project / "to-dos-notion.json").write_text("[]")
    plan = lockstep("plan", "to-dos")
    assert plan.returncode == 3
    assert "A run would halt: Notion lists no object at all" in plan.stdout
    run = lockstep("run", "to-dos")
    assert run.returncode == 3
    assert "to-dos: halted" in run.stdout
    assert titles(project, "to-dos", "other") == ["Bread", "Milk"]


def test_conflicts_left_for_a_person(lockstep: Any, project: Path) -> None:
    for side in ("notion", "other"):
        (project / f"strict-{side}.json").write_text('[{"id": "1", "title": "A", "edited": 1700000000}]')
    assert lockstep("run", "strict").returncode == 0
    edit(project, "strict", "notion", A="B")
    edit(project, "strict", "other", A="C")
    done = lockstep("run", "strict")
    assert done.returncode == 3
    assert "strict: conflicts" in done.stdout
    (row,) = (
        row for row in json.loads(lockstep("status", "--json").stdout)["tasks"] if row["task"] == "strict"
    )
    assert row["conflicts"] == 1


def test_a_failed_run_is_one_line_and_in_the_history(lockstep: Any, project: Path) -> None:
    (project / "to-dos-other.down").touch()
    done = lockstep("run", "to-dos")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1] == "  other cannot be reached: start it"
    assert done.stderr == ""
    assert json.loads(lockstep("history", "to-dos", "--json").stdout)["items"][0]["status"] == "failed"
    plan = lockstep("plan", "to-dos")
    assert (plan.returncode, plan.stderr) == (1, "lockstep: other cannot be reached: start it\n")


def test_an_unforeseen_error_keeps_its_traceback(lockstep: Any, project: Path) -> None:
    (project / "to-dos-other.json").write_text("{broken")
    done = lockstep("run", "to-dos")
    assert done.returncode == 1
    assert "JSONDecodeError" in done.stdout
    assert "Traceback" in done.stderr


def test_a_schedule_that_has_ended(lockstep: Any) -> None:
    assert lockstep("run", "single").returncode == 0
    done = lockstep("run", "single")
    assert done.returncode == 4
    assert "single: skipped" in done.stdout
    (row,) = (
        row for row in json.loads(lockstep("status", "--json").stdout)["tasks"] if row["task"] == "single"
    )
    assert row["next_run"] is None


def start_slow_run(project: Path, environment: dict[str, str], command: list[str], **variables: str) -> Any:
    root = str(Path(__file__).parents[4])
    return subprocess.Popen(
        [*command, "run", "to-dos"],
        cwd=project,
        env={**environment, "PYTHONPATH": root, "LIST_SECONDS": "150", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,  # noqa: PLW1509  there are no threads here
    )


def wait_until_running(lockstep: Any, **variables: str) -> None:
    for _ in range(40):
        runs = json.loads(lockstep("history", "to-dos", "--json", **variables).stdout or '{"items": []}')[
            "items"
        ]
        if runs and runs[0]["status"] == "running":
            return
        time.sleep(0.1)
    raise AssertionError("the slow run did not start")


@pytest.mark.parametrize("with_redis", [False, True])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_busy_node_and_an_interrupted_run(
    lockstep: Any,
    project: Path,
    environment: dict[str, str],
    command: list[str],
    with_redis: bool,
    how: signal.Signals,
) -> None:
    server = RedisServer(project / "redis")
    variables = {"REDIS_URL": server.start().url} if with_redis else {}
    slow = start_slow_run(project, environment, command, **variables)
    try:
        wait_until_running(lockstep, **variables)
        busy = lockstep("run", "to-dos", **variables)
        assert busy.returncode == 4
        assert "busy" in busy.stdout + busy.stderr
        if with_redis:
            rows = json.loads(lockstep("status", "--json", **variables).stdout)["tasks"]
            (session,) = (row["running"] for row in rows if row["task"] == "to-dos")
            assert session["pid"] == slow.pid
        assert lockstep("run", "strict", **variables).returncode == 0
        slow.send_signal(how)
        _, errors = slow.communicate(timeout=40)
    finally:
        slow.kill()
        slow.wait()
        server.stop()
    assert slow.returncode == 130
    assert errors == "lockstep: interrupted; what was done until then is kept\n"
    assert json.loads(lockstep("history", "to-dos", "--json").stdout)["items"][-1]["status"] == "cancelled"


def test_redis_that_does_not_answer(lockstep: Any, project: Path) -> None:
    server = RedisServer(project / "redis").start()
    url = server.url.replace("redis://", "redis://:private-pass@")
    server.stop()
    done = lockstep("run", "to-dos", REDIS_URL=url)
    assert done.returncode == 5
    assert len(done.stderr.splitlines()) == 1
    assert "Redis" in done.stderr
    assert "private-pass" not in done.stderr
    status = lockstep("status", REDIS_URL=url)
    assert status.returncode == 5
    assert "to-dos" in status.stdout
    assert status.stderr.endswith(": who is there and what runs now is not known\n")
