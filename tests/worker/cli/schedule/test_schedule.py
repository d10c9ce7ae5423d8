"""`lockstep schedule`, `pause`, `resume`, `run --all`, `plan --all`; in this process, as a start costs a second."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.worker.cli.conftest import Here
from worker.cli.app import app

TOML = """\
# The office's list.
tasks = ["file_tasks"]

[[sync]]
name = "shelf"          # in the hall
cron = "0 9 * * mon-fri"
timezone = "Europe/Berlin"
[sync.markdown]
folder = "notes"
[sync.caldav]
calendar = "http://127.0.0.1:1/list/"
[sync.map]
title = "summary"

# The last word.
"""
NEW = """
# Added by Ann.
[[sync]]
name = "cellar"
every = "10m"
[sync.markdown]
folder = "cellar"
[sync.caldav]
calendar = "http://127.0.0.1:1/cellar/"
[sync.map]
title = "summary"
"""


def listed(here: Here) -> dict[str, dict[str, object]]:
    return {row["task"]: row for row in json.loads(here("schedule", "--json"))["items"]}


def test_other_times_are_set_and_taken_back(here: Here) -> None:
    here.toml.write_text(TOML)
    told = here(
        "schedule",
        "set",
        "to-dos",
        "--every",
        "10m",
        "--quiet-hours",
        "22:00-06:00",
        "--timezone",
        "Asia/Tokyo",
    )
    assert "runs every 10 min, not 22:00-06:00 (Asia/Tokyo) from now on, in the place of every 5 min" in told
    here("schedule", "set", "shelf", "--cron", "30 6 * * *")
    rows = listed(here)
    assert rows["to-dos"]["said"] == {"every": "10m", "quiet": ["22:00-06:00"], "timezone": "Asia/Tokyo"}
    assert rows["shelf"]["said"] == {"cron": "30 6 * * *", "timezone": "Europe/Berlin"}
    assert rows["shelf"]["defined"] == {
        "in": "lockstep.toml",
        "said": {"cron": "0 9 * * mon-fri", "timezone": "Europe/Berlin"},
    }
    assert rows["strict"]["set"] is None
    here("schedule", "set", "to-dos", "--quiet-hours", "none")
    assert listed(here)["to-dos"]["said"] == {"every": "10m"}
    assert "runs every 5 min again" in here("schedule", "reset", "to-dos")
    assert listed(here)["to-dos"]["set"] is None
    assert "no times were set for 'to-dos'" in here("schedule", "reset", "to-dos", fails=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("to-dos",), 'say at what times: lockstep schedule set to-dos --every "10m"'),
        (("to-dos", "--every", "soon"), 'every: give a period such as "30s"'),
        (("to-dos", "--cron", "0 9 * *"), "has 4 fields, not 5"),
        (("to-dos", "--cron", "0 9 * * *", "--every", "5m"), "--every and --cron do not go together"),
        (("to-dos", "--timezone", "Mars/Base"), "--timezone goes with --cron or --quiet-hours"),
        (
            ("to-dos", "--cron", "0 9 * * *", "--timezone", "Mars/Base"),
            "timezone: there is no time zone 'Mars/Base'",
        ),
        (("to-dos", "--jitter", "1h"), "jitter: 1 h is longer than the period of 5 min"),
        (
            ("single", "--every", "5m"),
            "'single' runs once, one run after the other: there are no times to set",
        ),
        (("to-do", "--every", "5m"), "there is no task 'to-do': did you mean 'to-dos'?"),
    ],
)
def test_times_that_do_not_fit_are_refused(here: Here, arguments: tuple[str, ...], message: str) -> None:
    assert message in here("schedule", "set", *arguments, fails=True)


def test_a_pause_is_shown_and_ends(here: Here) -> None:
    told = here("pause", "to-dos", "--for", "2h", "--why", "moving")
    assert "paused by" in told
    assert ": moving" in told
    assert listed(here)["to-dos"]["no_next_run"] == "paused"
    status = json.loads(CliRunner().invoke(app, ["status", "--json"]).output)
    (row,) = (row for row in status["tasks"] if row["task"] == "to-dos")
    assert (row["state"], row["paused"]["why"]) == ("paused", "moving")
    assert status["exit_code"] == 0
    by_hand = here("run", "to-dos")
    assert "It is run by hand all the same." in by_hand
    assert "succeeded" in by_hand
    assert "goes on, it was paused by" in here("resume", "to-dos")
    assert "'to-dos' is not paused" in here("resume", "to-dos", fails=True)
    assert "--for 'soon': give a period" in here("pause", "to-dos", "--for", "soon", fails=True)
    assert "did you mean 'to-dos'?" in here("pause", "to-do", fails=True)


def test_a_task_is_added_and_removed_and_comments_stay(here: Here) -> None:
    here.toml.write_text(TOML)
    here.toml.chmod(0o600)
    (here.project / "new.toml").write_text(NEW)
    assert "Added to lockstep.toml: cellar." in here("schedule", "add", "new.toml")
    assert here.toml.read_text() == f"{TOML}\n{NEW}"
    assert here.toml.stat().st_mode & 0o777 == 0o600
    assert set(listed(here)) == {"cellar", "shelf", "single", "strict", "to-dos"}
    assert "two [[sync]] tables are named 'cellar'" in here("schedule", "add", "new.toml", fails=True)
    assert here.toml.read_text() == f"{TOML}\n{NEW}"
    here("schedule", "remove", "shelf")
    left = here.toml.read_text()
    assert "# The office's list." in left
    assert "# Added by Ann." in left
    assert "# The last word." in left
    assert "in the hall" not in left
    assert "shelf" not in left
    assert set(listed(here)) == {"cellar", "single", "strict", "to-dos"}
    assert "'to-dos' is defined in Python" in here("schedule", "remove", "to-dos", fails=True)
    assert list(here.project.glob(".lockstep-*")) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is none"),
        ("[[sync", "new.toml is not valid TOML"),
        ("notion_rate = 3", "only tables [[sync]] and [[node]] can be added, 'notion_rate' is none"),
        (NEW.replace("10m", "10 weeks"), "[[sync]] 'cellar': every: give a period"),
    ],
)
def test_what_cannot_be_added_changes_nothing(here: Here, text: str, message: str) -> None:
    here.toml.write_text(TOML)
    (here.project / "new.toml").write_text(text)
    assert message in here("schedule", "add", "new.toml", fails=True)
    assert here.toml.read_text() == TOML


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("added_end", ["\n", "\r\n"])
def test_the_mark_and_the_ends_of_lines_stay(here: Here, mark: str, end: str, added_end: str) -> None:
    before = (mark + TOML.replace("\n", end)).encode()
    here.toml.write_bytes(before)
    (here.project / "new.toml").write_bytes(("\ufeff" + NEW.replace("\n", added_end)).encode())
    here("schedule", "add", "new.toml")
    assert here.toml.read_bytes() == (mark + f"{TOML}\n{NEW}".replace("\n", end)).encode()
    assert set(listed(here)) == {"cellar", "shelf", "single", "strict", "to-dos"}
    here("schedule", "remove", "cellar")
    left = here.toml.read_bytes()
    assert left == before + f"{end}{end}# Added by Ann.{end}".encode()
    assert set(listed(here)) == {"shelf", "single", "strict", "to-dos"}


def test_the_file_that_is_named_in_its_place_is_the_one_that_changes(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCKSTEP_CONFIG", raising=False)
    before = here.toml.read_text()
    other = here.project / "other.toml"
    other.write_text(TOML)
    (here.project / "new.toml").write_text(NEW)
    assert f"Added to {other}: cellar." in here("--config", "other.toml", "schedule", "add", "new.toml")
    assert f"Taken out of {other}: shelf." in here("--config", "other.toml", "schedule", "remove", "shelf")
    left = other.read_text()
    assert "cellar" in left
    assert "shelf" not in left
    assert here.toml.read_text() == before


@pytest.mark.parametrize(
    ("arrange", "told"),
    [
        (lambda file: None, "new.toml cannot be read: No such file or directory"),
        (lambda file: file.mkdir(), "new.toml cannot be read: Is a directory"),
        (lambda file: file.write_text(NEW, "utf-16"), "new.toml is in UTF-16: save it as UTF-8"),
        (lambda file: file.write_bytes(b"a = '\xfc'"), "new.toml is not UTF-8 from line 1 on"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_name(
    here: Here, arrange: Callable[[Path], None], told: str
) -> None:
    arrange(here.project / "new.toml")
    assert here("schedule", "add", "new.toml", fails=True).startswith(told)


def test_all_tasks_are_planned_and_run(here: Here) -> None:
    told = here("plan", "--all")
    assert [
        line.split(":")[0] for line in told.splitlines() if "to write" in line or ": nothing" in line
    ] or told
    plans = json.loads(here("plan", "--all", "--json"))["items"]
    assert [plan["task"] for plan in plans] == ["single", "strict", "to-dos"]
    runs = json.loads(here("run", "--all", "--json"))["items"]
    assert [(run["task"], run["status"]) for run in runs] == [
        ("single", "succeeded"),
        ("strict", "succeeded"),
        ("to-dos", "succeeded"),
    ]
    (here.project / "strict-other.down").touch()
    again = here("run", "--all", fails=True)
    assert "strict: failed" in again
    assert "to-dos: succeeded" in again
    plans = json.loads(CliRunner().invoke(app, ["plan", "--all", "--json"]).output)["items"]
    assert [plan["status"] for plan in plans].count("failed") == 1


@pytest.mark.parametrize("arguments", [(), ("to-dos", "--all")])
def test_one_task_or_all(here: Here, arguments: tuple[str, ...]) -> None:
    assert "give the name of one task, or --all" in here("run", *arguments, fails=True)
