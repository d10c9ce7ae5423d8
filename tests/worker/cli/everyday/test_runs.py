"""`lockstep runs show` and `lockstep history` with what it can leave out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from tasks.merge import Name
from tests.worker.cli.conftest import Here
from worker.cli.runs.run import _show
from worker.store import RunRecord, Store, schema

NOW = datetime.now(UTC)


def enter(store: Store, run_id: str, status: str, days: float, task: str = "to-dos") -> None:
    at = NOW - timedelta(days=days)
    store.runs.enter(RunRecord(run_id=run_id, task=task, status=status, started_at=at, finished_at=at))


def run_ids(here: Here, *arguments: str) -> list[str]:
    return [run["run_id"] for run in json.loads(here("history", *arguments, "--json"))["items"]]


def test_a_run_is_shown_with_every_write(here: Here) -> None:
    here("run", "to-dos")
    notion = here.project / "to-dos-notion.json"
    objects = json.loads(notion.read_text())
    milk = next(each for each in objects if each["title"] == "Milk")
    milk |= {"title": "Oat milk\x1b[31m", "edited": 1900000000}
    notion.write_text(json.dumps(objects))
    here("run", "to-dos")
    edited, first = run_ids(here, "to-dos")
    told = here("runs", "show", first[:6])
    assert told.splitlines()[0].split() == ["Run", first, "of", "to-dos"]
    rows = [" ".join(line.split()) for line in told.splitlines()]
    assert "created Bread Notion Title - Bread" in rows
    assert "created Milk Other side Title - Milk" in rows
    told = here("runs", "show", edited)
    (row,) = (" ".join(line.split()) for line in told.splitlines() if line.startswith("updated"))
    assert row == "updated Oat milk [31m Other side Title Milk Oat milk [31m"
    assert "\x1b" not in told
    data = json.loads(here("runs", "show", edited, "--json"))
    (write,) = data["writes"]
    assert (write["write"], write["side"], write["left_id"]) == ("update", "right", "n1")
    assert (write["before"], write["after"]) == ({"Title": "Milk"}, {"Title": "Oat milk\x1b[31m"})
    assert "n1" in here("runs", "show", edited, "--ids")


def test_a_run_by_hand_speaks_of_objects_by_title(capsys: pytest.CaptureFixture[str]) -> None:
    names = {("Notion", "9b1bc45f-4b4c"): Name("Milk")}
    why = "Notion 9b1bc45f-4b4c: deleted in the other side"
    notes = ["create in Notion for n9: late"]
    _show(RunRecord(run_id="r", task="to-dos", status="failed", reason=why, notes=notes, names=names))
    told = " ".join(capsys.readouterr().out.split())
    assert told.endswith("Notion “Milk”: deleted in the other side create in Notion for n9: late")


def test_a_run_without_writes_says_why(here: Here) -> None:
    store = here.store
    enter(store, "idle", "succeeded", 1)
    notes = ["down", "n1: late"]
    at = NOW - timedelta(days=40)
    store.runs.enter(
        RunRecord(run_id="old", task="to-dos", status="failed", reason="down", notes=notes, started_at=at)
    )
    with store.write() as connection:
        connection.execute(update(schema.run).where(schema.run.c.id == "old").values(undo_pruned_at=NOW))
    store.close()
    assert "It wrote nothing to either side." in here("runs", "show", "idle")
    told = here("runs", "show", "old")
    assert "What it wrote is not kept any more: it was pruned" in told
    assert "n1: late" in told
    assert told.count("down") == 1  # the reason, which is also the first note
    assert "there is no run 'nix'" in here("runs", "show", "nix", fails=True)


def test_the_history_is_narrowed(here: Here) -> None:
    store = here.store
    for number, (status, days) in enumerate(
        [("failed", 0.5), ("succeeded", 1), ("halted", 3), ("failed", 9)]
    ):
        enter(store, f"r{number}", status, days)
    enter(store, "other", "failed", 0.1, task="strict")
    store.close()
    assert run_ids(here, "to-dos") == ["r0", "r1", "r2", "r3"]
    assert run_ids(here, "to-dos", "--since", "2d") == ["r0", "r1"]
    assert run_ids(here, "to-dos", "--status", "failed, Halted") == ["r0", "r2", "r3"]
    assert run_ids(here, "--all", "--status", "failed", "--since", "1d") == ["other", "r0"]
    told = here("history", "--all", "--status", "failed", "--limit", "1")
    assert "strict" in told
    assert "The newest 1 of 3 are listed" in told
    assert here("history", "to-dos", "--status", "cancelled") == "to-dos has no such run.\n"
    assert here("history", "single") == "single has not run yet.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["to-dos", "--status", "faild"], "there is no status 'faild': did you mean 'failed'?"),
        (["to-dos", "--since", "soon"], "--since 'soon': give a period such as"),
        (["--all", "to-dos"], "give the name of one task, or --all"),
        ([], "give the name of one task, or --all"),
    ],
)
def test_a_slip_is_told(here: Here, arguments: list[str], message: str) -> None:
    assert message in " ".join(here("history", *arguments, fails=True).replace("│", "").split())
