"""Worker processes killed by SIGKILL before and after the effects of a run end where no crash would have.

`LOCKSTEP_KILLS` is how many of the places are tried, spread evenly; `all` for each of them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ProbeSpec, RedisServer, Sides, Stack, eventually
from tests.worker.session.crash_runs import LEASE
from tests.world.figures import report

pytestmark = [pytest.mark.processes, pytest.mark.timeout(3600)]

ROOT = Path(__file__).resolve().parents[3]
KILLS = os.environ.get("LOCKSTEP_KILLS", "16")
WORKER_KILLS = 2 if KILLS != "all" else 12

Place = tuple[int, str]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


def sessions(redis: RedisServer, orders: dict[Path, Place]) -> dict[Path, tuple[int, str, list[str]]]:
    """A session in each directory, killed at its place: signal, how it ended, its effects."""
    told = [{"dir": str(path), "at": at, "when": when} for path, (at, when) in orders.items()]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.worker.session.crash_runs", redis.url],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=1800,
    )
    assert ended.returncode == 0, ended.stderr
    return {path: tuple(end) for path, end in zip(orders, json.loads(ended.stdout), strict=True)}


NEVER: Place = (-1, "")


def prepare(redis: RedisServer, directory: Path) -> None:
    """An installation with linked objects and edits of every kind since."""
    directory.mkdir()
    sides = Sides(directory / "sides")
    rows = [sides.notion.create(Name=f"row {number}", Done=0) for number in range(8)]
    [(_, ended, _)] = sessions(redis, {directory: NEVER}).values()
    assert ended == "succeeded: "
    edit(sides, [row.id for row in rows])


def edit(sides: Sides, ids: list[str]) -> None:
    theirs = {row.attrs["title"]: row.id for row in sides.other.rows()}
    sides.notion.update(ids[0], Done=1)
    sides.other.update(theirs["row 1"], done=1)
    sides.notion.update(ids[2], Done="Notion's")
    sides.other.update(theirs["row 2"], done="the other one's")
    sides.notion.delete(ids[3])
    sides.other.delete(theirs["row 4"])
    sides.other.update(theirs["row 5"], done="kept")
    sides.notion.delete(ids[5])
    sides.notion.delete(ids[6])
    sides.other.delete(theirs["row 6"])
    sides.notion.update(ids[7], Done="same")
    sides.other.update(theirs["row 7"], done="same")
    sides.notion.create(Name="new in Notion", Done=0)
    sides.other.create(title="new over there", done=0)


def shown(directory: Path) -> list[list[dict[str, Any]]]:
    sides = Sides(directory / "sides")
    return [sides.notion.values(), sides.other.values()]


def ledger(database: Path) -> set[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as db:
        return set(db.execute("SELECT attribute, first_value, second_value FROM conflict"))


def count_writes(directory: Path) -> int:
    sides = Sides(directory / "sides")
    return len(sides.notion.writes()) + len(sides.other.writes())


def spread(places: list[Place], kills: str) -> list[Place]:
    """As many of the places as are asked for, from the first to the last."""
    if kills == "all" or int(kills) >= len(places):
        return places
    step = (len(places) - 1) / (int(kills) - 1)
    return [places[round(number * step)] for number in range(int(kills))]


def test_a_process_killed_around_any_effect_ends_where_no_crash_would_have(
    redis: RedisServer, tmp_path: Path
) -> None:
    start, whole = tmp_path / "start", tmp_path / "whole"
    prepare(redis, start)
    shutil.copytree(start, whole)
    [(_, ended, effects)] = sessions(redis, {whole: NEVER}).values()
    assert ended == "succeeded: "
    assert len(effects) > 20, effects
    places = spread([(at, when) for at in range(len(effects)) for when in ("before", "after")], KILLS)
    orders = {tmp_path / f"{at}-{when}": (at, when) for at, when in places}
    for path in orders:
        shutil.copytree(start, path)

    killed = sessions(redis, orders)
    assert {number for number, _, _ in killed.values()} == {signal.SIGKILL}
    time.sleep(1.5 * LEASE)
    again = sessions(redis, dict.fromkeys(orders, NEVER))
    writes = {path: count_writes(path) for path in orders}
    quiet = sessions(redis, dict.fromkeys(orders, NEVER))

    for path in orders:
        assert again[path][:2] == (0, "succeeded: "), (path.name, again[path])
        assert shown(path) == shown(whole), path.name
        assert ledger(path / "lockstep.db") >= ledger(whole / "lockstep.db"), path.name
        assert Sides(path / "sides").other.duplicates("title") == {}, path.name
        assert quiet[path][:2] == (0, "succeeded: "), (path.name, quiet[path])
        assert count_writes(path) == writes[path], path.name
    report("killed processes", effects=len(effects), processes=len(killed), places=2 * len(effects))


@pytest.mark.parametrize("number", range(WORKER_KILLS))
def test_a_worker_killed_at_an_effect_is_made_up_for_by_another(tmp_path: Path, number: int) -> None:
    """The same with real Celery workers and a beat: the first worker kills itself, the second goes on."""
    at, when = (5 + 2 * number, "after") if number % 2 else (4 + 2 * number, "before")
    env = {
        "LOCKSTEP_TASKS": "tests.worker.session.crash_probe",
        "PROBE_TASKS": "[]",
        "CRASH_AT": "-1",
        "CRASH_WHEN": "",
    }
    with Stack(tmp_path, ProbeSpec(every=1), lease_seconds=2, env=env) as stack:
        sides = stack.sides()
        for row in range(4):
            sides.notion.create(Name=f"row {row}", Done=row)
            sides.other.create(title=f"line {row}", done=row)
        first = stack.worker(CRASH_AT=str(at), CRASH_WHEN=when)
        stack.beat()
        assert first.wait_exit(60) == -signal.SIGKILL, first.tail()
        second = stack.worker()
        eventually(lambda: any(run.pid == second.pid and run.closed for run in sides.runs()), 60)
        eventually(sides.equal, 60)
        assert len(sides.notion.rows()) == len(sides.other.rows()) == 8
        assert sides.other.duplicates("title") == sides.notion.duplicates("Name") == {}
    report("killed workers", processes=1)
