"""`lockstep reject`, `lockstep unlock`, and names that the shell completes."""

from __future__ import annotations

import fcntl
import json

import pytest

from tasks.errors import LockLostError
from tasks.merge import Delete, End, Plan
from tests.tasks.ledger_entries import SIDES, entry
from tests.worker.cli.conftest import Here
from worker.cli.completion import task_names
from worker.lock import RedisSyncLock
from worker.machine.redis_server import RedisServer
from worker.redis_client import connect_url
from worker.store.tables.conflicts import Conflicts
from worker.store.tables.fences import hold_fence

DELETES = Plan((Delete(side=End.LEFT, left_id="n1", right_id="o1", reason="gone"),), 0, {}, labels=SIDES)


def test_a_plan_is_rejected(here: Here) -> None:
    store = here.store
    plan_id = store.plans.keep("to-dos", DELETES, "too much", "r1")
    assert f"plan {plan_id} is rejected, and nothing of it was written" in here("reject", plan_id[:5])
    assert "rejected" in here("plans")
    (kept,) = json.loads(here("plans", "--json"))["items"]
    assert kept["rejected_at"]
    assert json.loads(here("reject", plan_id, "--json"))["rejected"] is True
    store.plans.take("to-dos", plan_id, "r2")
    assert "was applied" in here("reject", plan_id, fails=True)
    assert "there is no plan 'nix'" in here("reject", "nix", fails=True)
    store.close()


def test_a_conflict_is_marked_as_seen(here: Here) -> None:
    store = here.store
    with store.write() as connection:
        Conflicts.keep(connection, "to-dos", entry(), "r1")
        Conflicts.keep(connection, "to-dos", entry(left_id="p2", winner=None, rule="error"), "r1")

    def counted() -> int:
        (row,) = (row for row in json.loads(here("status", "--json"))["tasks"] if row["task"] == "to-dos")
        return int(row["conflicts"])

    assert counted() == 2
    assert "Seen" not in here("conflicts").splitlines()[0]
    told = here("conflicts", "--done", "1")
    assert told.startswith("Conflict 1 of to-dos is marked as seen, by ")
    assert "runs end with it" not in told
    assert counted() == 1
    assert store.conflicts.count("to-dos") == 2  # the ledger has it still
    assert "Seen" in here("conflicts").splitlines()[0]
    assert " by " in here("conflicts", "--id", "1").split("Seen")[1]
    assert json.loads(here("conflicts", "--done", "2", "--json"))["done_by"]
    assert "is marked already, by " in here("conflicts", "--done", "1", fails=True)
    assert "there is no conflict 7" in here("conflicts", "--done", "7", fails=True)
    assert "stands alone" in here("conflicts", "--done", "1", "--id", "1", fails=True)
    with store.write() as connection:  # met again, it is not open again
        Conflicts.keep(connection, "to-dos", entry(), "r2")
    assert counted() == 0
    store.close()


def test_a_lock_is_released(here: Here, shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", shared_redis.url)
    with connect_url(shared_redis.url) as client:
        client.flushall()
        lock = RedisSyncLock(client)
        try:
            assert "nobody holds 'to-dos'" in here("unlock", "to-dos", fails=True)
            session = lock.acquire("to-dos")
            refused = here("unlock", "to-dos", fails=True)
            assert f"is held by session {session} of " in refused
            assert "its sign of life is fresh" in refused
            assert lock.holder("to-dos") is not None
            assert f"released, it was held by session {session}" in here("unlock", "to-dos", "--force")
            assert lock.holder("to-dos") is None
            assert [ended.status for ended in lock.history("to-dos")] == ["abandoned"]
            here("run", "to-dos")  # which takes a fence above the old one
            store = here.store
            with pytest.raises(LockLostError), store.write() as connection:
                hold_fence(connection, "to-dos", lock.history("to-dos")[-1].fence)
            store.close()
        finally:
            lock.close()


def test_without_redis_there_is_nothing_to_release(here: Here) -> None:
    assert "there is no Redis here" in here("unlock", "to-dos", fails=True)


def test_a_task_forgets_what_it_has_linked(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one side lost since then comes back, which the plan says before anything is forgotten."""
    assert "there is nothing to forget" in here("reset", "to-dos", fails=True)
    here("run", "to-dos")
    path = here.project / "to-dos-notion.json"
    whole = json.loads(path.read_text())
    path.write_text(json.dumps([each for each in whole if each["title"] != "Milk"]))
    told = here("reset", "to-dos", fails=True)
    for text in ("would forget 2 rows of link, 1 row of memory", "comes back", "1 adopt", "1 create"):
        assert text in " ".join(told.split()), told
    assert "Nothing was forgotten: lockstep reset to-dos --yes does it." in told
    store = here.store
    assert store.links.count("to-dos") == 2
    lock_file = sorted((here.project / ".lockstep" / "nodes").glob("*.lock"))[0]
    with lock_file.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "is busy" in here("reset", "to-dos", "--yes", fails=True)
        assert store.links.count("to-dos") == 2
    runs, fence = store.runs.count("to-dos"), store.runs.last_fence("to-dos")
    assert "forgot 2 rows of link, 1 row of memory" in here("reset", "to-dos", "--yes")
    assert (store.links.count("to-dos"), store.is_blank("to-dos")) == (0, True)
    assert store.runs.count("to-dos") == runs
    with pytest.raises(LockLostError), store.write() as connection:  # a run that was frozen meanwhile
        hold_fence(connection, "to-dos", fence)
    store.close()
    done = here("run", "to-dos")
    assert "linked 1" in done
    assert "created in Notion 1" in done
    assert sorted(each["title"] for each in json.loads(path.read_text())) == ["Bread", "Milk"]


def test_names_are_completed(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here("tasks")
    assert task_names("s") == ["single", "strict"]
    for words, found in (("run to", "to-dos"), ("why s", "single strict"), ("plans --task to", "to-dos")):
        monkeypatch.setenv("_LOCKSTEP_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", f"lockstep {words}")
        monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
        assert here().split() == found.split()
    here.toml.write_text("tasks = [")
    monkeypatch.delenv("_LOCKSTEP_COMPLETE")
    here("tasks", fails=True)
    assert task_names("s") == []
