"""`lockstep status` with real signs in a real Redis: what it says and what it ends with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from tasks.schedule import Schedule
from tests.harness.stores import new_store
from tests.worker.signs.conftest import age
from worker.broker.installation import KEY
from worker.lock import RedisSyncLock
from worker.machine.redis_server import RedisServer, free_port
from worker.redis_client import connect_url
from worker.signs import SCHEDULER, WORKER, Definition, Life
from worker.store import RunRecord, Store

pytestmark = pytest.mark.processes

TASKS = {
    "to-dos": Definition.of(Schedule(timedelta(minutes=5))),
    "strict": Definition.of(Schedule(timedelta(hours=1))),
    "single": Definition.of(Schedule(None, 1)),
}


@pytest.fixture
def client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with connect_url(own_redis.url) as connected:
        yield connected


@pytest.fixture
def store(project: Path) -> Iterator[Store]:
    made = new_store(project / ".lockstep" / "lockstep.db")
    yield made
    made.close()


def scheduler(client: redis.Redis, tasks: dict[str, Definition] = TASKS) -> Life:
    life = Life(SCHEDULER, client, tasks=tasks, name="office", every=0.0)
    life.give()
    return life


def worker(client: redis.Redis, name: str = "celery@office", **more: object) -> Life:
    told = {"pool": "threads", "concurrency": 4, "queues": ["celery"], "takes": True, **more}
    life = Life(WORKER, client, tasks={}, name=name, tell=lambda: told, every=0.0)
    life.give()
    return life


def show(alive: Iterable[Life]) -> None:
    """Give their signs anew: a command may take longer to start than a sign lasts."""
    for life in alive:
        life.give()


def ran(store: Store, task: str, status: str = "succeeded", *, by_hand: bool = False, **ago: float) -> None:
    at = datetime.now(UTC) - timedelta(**ago)
    run = RunRecord(
        run_id=f"{task}{at}", task=task, status=status, started_at=at, finished_at=at,
        message_id=None if by_hand else "m", reason="this" if status != "succeeded" else "",
    )  # fmt: skip
    store.runs.enter(run)


def rows(done: Any) -> dict[str, dict[str, Any]]:
    return {row["task"]: row for row in json.loads(done.stdout)["tasks"]}


def test_where_nothing_was_ever_started_nothing_is_missed(lockstep: Any, store: Store) -> None:
    """By hand and by cron, without Redis: no alarm, however long ago."""
    ran(store, "to-dos", by_hand=True, days=90)
    done = lockstep("status")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("Scheduler and workers: none, `lockstep up` does not run here\n")
    assert "no scheduler" in done.stdout
    checked = lockstep("status", "--check")
    assert checked.returncode == 0
    assert checked.stdout.startswith("LOCKSTEP OK - 3 tasks, no scheduler was ever here | tasks=3 ")
    assert checked.stdout.count("\n") == 1


def test_what_an_up_that_ended_was_to_run_is_overdue(lockstep: Any, store: Store) -> None:
    ran(store, "to-dos", hours=3)
    done = lockstep("status")
    assert done.returncode == 6
    assert re.search(
        r"^to-dos: overdue, it is to run every 5 min and was started last", done.stdout, re.MULTILINE
    )


def test_scheduler_and_workers_are_shown_as_they_are(
    lockstep: Any, own_redis: RedisServer, client: redis.Redis
) -> None:
    alive: list[Life] = []

    def status(*more: str) -> Any:
        show(alive)
        return lockstep("status", *more, REDIS_URL=own_redis.url)

    never = status()
    assert never.returncode == 0
    assert (
        "Scheduler: never seen here, so nothing is started by schedule\nWorkers: never seen here"
        in never.stdout
    )

    beat, one = scheduler(client), worker(client)
    alive += [beat, one, worker(client, "w2@other", takes=False, stopping=True)]
    well = status()
    assert well.returncode == 0, well.stdout
    assert re.search(
        r"^Scheduler: alive \d+ s ago, office \(pid \d+\), since [-\d]+ [:\d]+ \S+$",
        well.stdout,
        re.MULTILINE,
    )
    assert "Workers: 2 alive, " in well.stdout
    assert "w2@other (stopping)" in well.stdout
    assert {row["no_next_run"] for row in rows(status("--json")).values()} == {None}
    told = json.loads(status("--json").stdout)
    assert [each["name"] for each in told["schedulers"]] == ["office"]
    assert {each["name"]: each["takes_messages"] for each in told["workers"]} == {
        "celery@office": True,
        "w2@other": False,
    }
    assert (told["exit_code"], told["troubles"]) == (0, [])

    alive.clear()
    one.end()
    age(client, WORKER, 90)
    age(client, SCHEDULER, 90)
    beat.end()
    age(client, SCHEDULER, 90)
    ill = status()
    assert ill.returncode == 6
    assert re.search(r"^Scheduler: ended [-\d]+ [:\d]+ \S+, office \(pid \d+\)$", ill.stdout, re.MULTILINE)
    assert "no scheduler lives" in ill.stdout
    assert "no worker lives" in ill.stdout
    assert {row["no_next_run"] for row in rows(status("--json")).values()} == {"no scheduler"}
    checked = status("--check")
    assert checked.returncode == 2
    assert checked.stdout.startswith(
        "LOCKSTEP CRITICAL - no scheduler lives, so nothing is started by schedule; "
    )

    alive.append(scheduler(client))
    killed = status()
    assert killed.returncode == 0  # a worker may be about to start
    assert "Workers: " in killed.stdout
    assert {row["no_next_run"] for row in rows(status("--json")).values()} == {"no worker"}


def test_a_silent_one_is_said_to_be_silent(
    lockstep: Any, own_redis: RedisServer, client: redis.Redis
) -> None:
    scheduler(client)
    worker(client, "lost@office")
    age(client, WORKER, 90)
    worker(client, up=999)
    done = lockstep("status", REDIS_URL=own_redis.url)
    assert done.returncode == 0
    assert "Workers: 1 alive, celery@office\nWorker lost@office: not seen since " in done.stdout
    age(client, SCHEDULER, 90)
    done = lockstep("status", REDIS_URL=own_redis.url)
    assert done.returncode == 6
    assert "Scheduler: not seen since " in done.stdout


def test_the_next_run_is_that_of_the_scheduler_and_a_changed_file_is_told(
    lockstep: Any, own_redis: RedisServer, client: redis.Redis, store: Store, project: Path
) -> None:
    ran(store, "to-dos", minutes=1)
    has = {**TASKS, "to-dos": Definition.of(Schedule(timedelta(hours=2))), "gone": TASKS["strict"]}
    del has["strict"]
    alive = [scheduler(client, has), worker(client)]
    done = lockstep("status", "--json", REDIS_URL=own_redis.url)
    found = rows(done)
    due = datetime.fromisoformat(found["to-dos"]["next_run"]) - datetime.now(UTC)
    assert timedelta(minutes=117) < due < timedelta(minutes=119)
    assert (found["strict"]["next_run"], found["strict"]["no_next_run"]) == (None, "not in the schedule")
    show(alive)
    shown = lockstep("status", REDIS_URL=own_redis.url).stdout
    for line in (
        "to-dos: runs every 5 min here, but the scheduler has every 2 h: restart it",
        "strict: the scheduler does not have it: restart it",
        "gone: not defined here, but the scheduler has it: restart it",
        "single, strict, to-dos: not known to worker celery@office: restart it",
    ):
        assert f"{line}\n" in shown
    show(alive)
    checked = lockstep("status", "--check", REDIS_URL=own_redis.url)
    assert checked.returncode == 1
    assert "scheduler or workers have read something else: gone, single, strict, to-dos" in checked.stdout


def test_a_running_one_shows_since_when(
    lockstep: Any, own_redis: RedisServer, client: redis.Redis, store: Store
) -> None:
    lock = RedisSyncLock(client, lease_seconds=30)
    lock.acquire("to-dos", session_id="s")
    lock.update_phase("s", "applying")
    try:
        done = lockstep("status", REDIS_URL=own_redis.url)
    finally:
        lock.release("s", "succeeded", {})
        lock.close()
    assert re.search(r"applying since [-\d]+ [:\d]+ \S+ on \S+ \(\d+\)", done.stdout), done.stdout


@pytest.mark.parametrize(
    ("status", "code", "check"),
    [
        ("succeeded", 0, 0), ("failed", 1, 2), ("incomplete", 1, 1), ("abandoned", 1, 2),
        ("halted", 3, 2), ("conflicts", 3, 1),
    ],
)  # fmt: skip
def test_the_exit_code_is_that_of_the_last_run_that_ended(
    lockstep: Any, store: Store, status: str, code: int, check: int
) -> None:
    ran(store, "to-dos", "failed", by_hand=True, hours=2)
    ran(store, "to-dos", status, by_hand=True, hours=1)
    ran(store, "to-dos", "skipped", by_hand=True, minutes=30)
    ran(store, "to-dos", "running", by_hand=True, minutes=10)
    assert lockstep("status").returncode == code
    checked = lockstep("status", "--check")
    assert checked.returncode == check
    if code:
        assert f"to-dos: {status}, this" in checked.stdout


def test_a_redis_that_is_down_is_one_line_and_the_database_is_shown(lockstep: Any, store: Store) -> None:
    ran(store, "to-dos", minutes=1)
    ran(store, "strict", "failed", minutes=1)
    url = f"redis://:private-pass@127.0.0.1:{free_port()}/0"
    done = lockstep("status", REDIS_URL=url)
    assert done.returncode == 5
    (line,) = done.stderr.splitlines()
    assert line.startswith("Redis at 127.0.0.1:")
    assert line.endswith("who is there and what runs now is not known")
    assert re.search(r"to-dos +every 5 min +synced +\d+ s", done.stdout)
    assert "unknown" in done.stdout
    assert "strict: this" in done.stdout
    assert "private-pass" not in done.stdout + done.stderr
    told = json.loads(lockstep("status", "--json", REDIS_URL=url).stdout)
    assert (told["schedulers"], told["workers"], told["exit_code"]) == (None, None, 5)
    checked = lockstep("status", "--check", REDIS_URL=url)
    assert (checked.returncode, checked.stdout.count("\n")) == (2, 1)
    assert checked.stdout.startswith("LOCKSTEP CRITICAL - Redis at 127.0.0.1:")


def test_the_redis_of_another_installation_is_refused(
    lockstep: Any, own_redis: RedisServer, client: redis.Redis
) -> None:
    client.set(KEY, "17")
    done = lockstep("status", REDIS_URL=own_redis.url)
    assert done.returncode == 2
    assert "REDIS_URL is the Redis of another installation" in done.stderr
    assert client.get(KEY) == "17"


@pytest.mark.parametrize(
    ("variables", "code", "said"),
    [
        ({"LOCKSTEP_LOG_LEVEL": "LOUD"}, 3, "LOCKSTEP UNKNOWN - LOCKSTEP_LOG_LEVEL is 'LOUD'"),
        ({"LOCKSTEP_TASKS": "no_such_module"}, 3, "LOCKSTEP UNKNOWN - LOCKSTEP_TASKS names 'no_such_module'"),
        ({"DATABASE_URL": "postgresql://u:pass1234@127.0.0.1:1/x"}, 2, "LOCKSTEP CRITICAL - the database "),
    ],
)
def test_a_check_that_cannot_be_made_is_a_line_too(
    lockstep: Any, variables: dict[str, str], code: int, said: str
) -> None:
    done = lockstep("status", "--check", **variables)
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (code, 1, "")
    assert done.stdout.startswith(said)
    assert "pass1234" not in done.stdout


def test_a_check_is_no_json(lockstep: Any) -> None:
    assert lockstep("status", "--check", "--json").returncode == 2


@pytest.mark.parametrize("width", [240, 80, 50])
def test_no_line_of_the_table_is_wider_than_the_screen(
    lockstep: Any, own_redis: RedisServer, client: redis.Redis, store: Store, width: int
) -> None:
    scheduler(client)
    worker(client)
    for name in TASKS:
        ran(store, name, days=2)
    done = lockstep("status", REDIS_URL=own_redis.url, COLUMNS=str(width))
    table = done.stdout.split("\n\n", 1)[1].rsplit("\n\n", 1)[0]
    assert max(len(line.rstrip()) for line in table.splitlines()) <= width
    for word in ("every", "5", "min", "synced", "to-dos"):
        assert word in table.split()
    if width == 80:
        heads = " ".join(table.splitlines()[0].split())
        assert heads == "Task Schedule State Lag Last run Next run Runs Links"
