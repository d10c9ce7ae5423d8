"""What a person does after a run: let a plan through, undo, bring a value back, try again."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.merge import Plan
from worker.store import Store

pytestmark = pytest.mark.processes


def write(project: Path, task: str, side: str, *titles: str) -> None:
    """Replace a side's objects by ones with these titles, their ids being numbers."""
    objects = [{"id": f"{side[0]}{title}", "title": title, "edited": time.time()} for title in titles]
    (project / f"{task}-{side}.json").write_text(json.dumps(objects))


def read(project: Path, task: str, side: str) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = json.loads((project / f"{task}-{side}.json").read_text())
    return objects


def titles(project: Path, task: str, side: str) -> list[str]:
    return sorted(each["title"] for each in read(project, task, side))


NUMBERS = [str(number) for number in range(12)]


def halt(lockstep: Any, project: Path) -> str:
    """Let a guard halt the task and return the plan's id."""
    for side in ("notion", "other"):
        write(project, "to-dos", side, *NUMBERS)
    assert lockstep("run", "to-dos").returncode == 0
    write(project, "to-dos", "notion", "0", "1")
    done = lockstep("run", "to-dos")
    assert done.returncode == 3
    return re.search(r"lockstep apply ([0-9a-f]{12})", done.stdout).group(1)  # type: ignore[union-attr]


def test_a_halted_plan_is_shown_and_let_through(lockstep: Any, project: Path) -> None:
    for side in ("notion", "other"):
        write(project, "to-dos", side, *NUMBERS)
    assert "No plan is kept" in lockstep("plans").stdout
    assert lockstep("run", "to-dos").returncode == 0
    write(project, "to-dos", "notion", "0", "1")
    done = lockstep("run", "to-dos")
    assert done.returncode == 3
    plan_id = re.search(r"lockstep apply ([0-9a-f]{12})", done.stdout).group(1)  # type: ignore[union-attr]
    listed = lockstep("plans").stdout
    assert plan_id in listed
    assert "waits" in listed
    shown = lockstep("plans", plan_id[:6]).stdout
    assert shown.count("delete ") >= 10
    assert "would delete 10 of 12 linked objects" in shown
    (data,) = json.loads(lockstep("plans", plan_id, "--json").stdout)["items"]
    assert data["plan"]["counts"] == {"delete": 10}
    write(project, "to-dos", "notion", "0")  # meanwhile one more is deleted
    refused = lockstep("apply", plan_id)
    assert refused.returncode == 3
    assert f"a side has moved since plan {plan_id}" in refused.stdout
    assert len(titles(project, "to-dos", "other")) == 12
    fresh = re.search(r"lockstep apply ([0-9a-f]{12})", refused.stdout).group(1)  # type: ignore[union-attr]
    assert fresh != plan_id
    applied = lockstep("apply", fresh)
    assert applied.returncode == 0, applied.stdout
    assert titles(project, "to-dos", "other") == ["0"]
    by = json.loads(lockstep("history", "to-dos", "--json").stdout)["items"][0]["run_id"]
    assert re.search(rf"applied [-\d]+ [:\d]+ \S+ by {by[:8]}", lockstep("plans").stdout)
    whole = lockstep("plans", fresh).stdout
    assert f"UTC by run {by[:8]}" in whole
    assert "Nothing was written" not in whole
    (data,) = json.loads(lockstep("plans", fresh, "--json").stdout)["items"]
    assert data["applied_by"] == by


def test_an_applied_plan_is_done(lockstep: Any, project: Path) -> None:
    plan_id = halt(lockstep, project)
    assert lockstep("apply", plan_id).returncode == 0
    plans = lockstep("plans", "--json").stdout
    for _ in range(2):
        again = lockstep("apply", plan_id)
        assert (again.returncode, again.stdout) == (4, "")
        assert re.fullmatch(
            rf"lockstep: plan {plan_id} of 'to-dos' was applied \S+ \S+ UTC by run [0-9a-f]{{8}}: there is nothing "
            r"more to let through\n",
            again.stderr,
        )
    assert lockstep("plans", "--json").stdout == plans
    (state,) = [
        row for row in json.loads(lockstep("status", "--json").stdout)["tasks"] if row["task"] == "to-dos"
    ]
    assert state["last_run"]["status"] == "succeeded"


def test_a_plan_that_is_not_there_is_told_with_what_is_meant(lockstep: Any, project: Path) -> None:
    def refused(*arguments: str) -> str:
        done = lockstep("apply", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        return str(done.stderr)

    assert "there is no plan 'nonsense': `lockstep plans` lists those that are kept" in refused("nonsense")
    assert "give a plan's id, not a task's name" in refused("to-dos")
    assert "id is empty" in refused("")
    plan_id = halt(lockstep, project)
    mistyped = plan_id[:5] + ("0" if plan_id[5] != "0" else "1") + plan_id[6:]
    assert f"did you mean '{plan_id}'?" in refused(mistyped)
    assert f"did you mean '{plan_id}'?" in refused("to-dos")
    assert f"plan {plan_id} is of task 'to-dos', not of task 'strict'" in refused(plan_id, "--task", "strict")
    write(project, "to-dos", "notion", *NUMBERS)  # put back
    void = lockstep("apply", plan_id)
    assert void.returncode == 4
    assert f"a side has moved since plan {plan_id} was made" in void.stdout
    assert lockstep("run", "to-dos").returncode == 0
    assert f"plan '{plan_id}' of 'to-dos' is not kept any more: since run" in refused(plan_id)
    assert "No plan is kept" in lockstep("plans").stdout


def test_a_plan_of_two_tasks_is_told_apart_and_one_of_no_task_named(lockstep: Any, project: Path) -> None:
    plan_id = halt(lockstep, project)
    module = (project / "file_tasks.py").read_text()
    with sqlite3.connect(project / ".lockstep" / "lockstep.db") as database:
        columns = "id, run_id, reason, actions, at"
        database.execute(f"INSERT INTO plan (task, {columns}) SELECT 'strict', {columns} FROM plan")
    both = lockstep("apply", plan_id)
    assert both.returncode == 2
    assert "say --task NAME" in both.stderr
    assert f"{plan_id} of strict" in both.stderr
    assert "a side has moved" in lockstep("apply", plan_id, "--task", "strict").stdout
    (project / "file_tasks.py").write_text(module.replace('Files("to-dos"', 'Files("to-do-list"'))
    gone = lockstep("apply", plan_id, "--task", "to-dos")
    assert (gone.returncode, "there is no task 'to-dos'" in gone.stderr) == (2, True)
    assert len(titles(project, "to-dos", "other")) == 12


def test_an_empty_plan_of_an_older_version_is_refused(lockstep: Any, project: Path) -> None:
    assert lockstep("run", "to-dos").returncode == 0
    store = Store(f"sqlite:///{project / '.lockstep' / 'lockstep.db'}")
    plan_id = store.plans.keep("to-dos", Plan(), "", "a run")
    store.close()
    refused = lockstep("apply", plan_id)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "is empty: there is nothing to let through" in refused.stderr


def test_a_run_is_undone(lockstep: Any, project: Path) -> None:
    assert lockstep("run", "to-dos").returncode == 0
    objects = read(project, "to-dos", "notion")
    objects[0] |= {"title": "Butter", "edited": time.time()}
    (project / "to-dos-notion.json").write_text(json.dumps(objects))
    run_id = json.loads(lockstep("run", "to-dos", "--json").stdout)["run_id"]
    assert titles(project, "to-dos", "other") == ["Bread", "Butter"]
    foreseen = lockstep("undo", run_id[:8], "--dry-run")
    assert foreseen.returncode == 0, foreseen.stderr
    assert "Butter" in foreseen.stdout
    assert titles(project, "to-dos", "other") == ["Bread", "Butter"]
    undone = lockstep("undo", run_id[:8])
    assert undone.returncode == 0, undone.stderr
    assert titles(project, "to-dos", "notion") == titles(project, "to-dos", "other") == ["Bread", "Milk"]
    assert "undo:" in lockstep("history", "to-dos").stdout
    nothing = lockstep("undo", "ffffffff")
    assert (nothing.returncode, "there is no run 'ffffffff'" in nothing.stderr) == (2, True)


def test_a_value_of_the_ledger_is_brought_back(lockstep: Any, project: Path) -> None:
    for side in ("notion", "other"):
        write(project, "strict", side, "same")
    assert "The ledger is empty" in lockstep("conflicts").stdout
    assert lockstep("run", "strict").returncode == 0
    for side in ("notion", "other"):
        objects = read(project, "strict", side)
        objects[0] |= {"title": f"edited in {side}", "edited": time.time()}
        (project / f"strict-{side}.json").write_text(json.dumps(objects))
    assert lockstep("run", "strict").returncode == 3
    listed = lockstep("conflicts", "strict").stdout
    assert "edited in notion" in listed
    assert "both: edited in notion (Notion), edited in other (the other side)" in " ".join(listed.split())
    (record,) = json.loads(lockstep("conflicts", "--json").stdout)["items"]
    number = str(record["id"])
    assert "same" in lockstep("conflicts", "--id", number).stdout
    assert lockstep("conflicts", "--take", "notion").returncode == 2
    assert lockstep("conflicts", "--id", "99").returncode == 2
    unknown = lockstep("conflicts", "--id", number, "--take", "caldav")
    assert (unknown.returncode, unknown.stderr) == (
        2,
        f"lockstep: conflict {number}: --take caldav is neither of its sides; say left or notion for what Notion had; "
        "right or other for what the other side had\n",
    )
    assert lockstep("conflicts", "--id", number, "--take", "other", "--dry-run").returncode == 0
    assert titles(project, "strict", "notion") == ["edited in notion"]
    taken = lockstep("conflicts", "--id", number, "--take", "other")
    assert taken.returncode == 0, taken.stdout + taken.stderr
    assert titles(project, "strict", "notion") == titles(project, "strict", "other") == ["edited in other"]
    assert "brought back" in lockstep("conflicts").stdout
    assert lockstep("run", "strict").returncode == 0


def test_held_objects_are_listed_and_tried_again(lockstep: Any, project: Path) -> None:
    module = (project / "file_tasks.py").read_text()
    refusing = module.replace(
        "    def create(self, side, title):\n",
        "    def create(self, side, title):\n        if Path('refuse').exists(): raise ItemError('not today')\n",
    ).replace("import SideError", "import ItemError, SideError")
    (project / "file_tasks.py").write_text(refusing)
    (project / "refuse").touch()
    assert "No object is held" in lockstep("held").stdout
    refused = lockstep("run", "to-dos")
    assert refused.returncode == 1
    assert refused.stdout.count("not today") == 2  # once for each of the two
    assert lockstep("run", "to-dos").returncode == 1
    held = json.loads(lockstep("held", "--json").stdout)["items"]
    assert [(one["failures"], one["reason"]) for one in held] == [(2, "not today")] * 2
    assert "failed 2x" in lockstep("held", "to-dos").stdout
    (project / "refuse").unlink()
    waiting = lockstep("run", "to-dos")
    assert waiting.returncode == 1
    assert "2 objects are left out after failures" in waiting.stdout
    assert lockstep("retry", "to-dos", "nonsense").returncode == 2
    assert "2 objects will be tried again" in lockstep("retry", "to-dos").stdout
    assert lockstep("run", "to-dos").returncode == 0
    assert titles(project, "to-dos", "notion") == titles(project, "to-dos", "other") == ["Bread", "Milk"]
