"""Titles are people's own: they are in the database and on the operator's screen, and nowhere else."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from config import get_settings, load_settings
from config.sentry import init_sentry
from tasks.errors import ItemError
from tests.harness.stores import new_store
from tests.tasks.boards import Boards, Row
from worker.lock import RedisSyncLock
from worker.session.run import run_session
from worker.store import RunRecord, Store

DSN = "https://publickey@sentry.invalid/42"
TITLE = "Flowers for Anna"


class Titled(Boards):
    unreadable = ""

    def notion_to_dict(self, obj: Row) -> dict[str, Any]:
        if obj.id == self.unreadable:
            raise ItemError("it has a form that is not known")
        return super().notion_to_dict(obj)

    def notion_obj_title(self, obj: Row) -> str:
        return TITLE

    def notion_obj_address(self, obj: Row) -> str:
        return f"https://notes.example.org/{TITLE.replace(' ', '-')}"

    def notion_id(self, obj: Row) -> str:
        return f"page-000{obj.id}"


class Recording(Transport):
    def __init__(self) -> None:
        super().__init__({"dsn": DSN})
        self.sent: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent += [item.get_bytes().decode() for item in envelope.items]


@pytest.fixture
def sentry() -> Iterator[Recording]:
    transport = Recording()
    init_sentry(load_settings(sentry_dsn=DSN), transport=transport)
    yield transport
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_isolation_scope().clear()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("LOCKSTEP_STATE_DIR", str(tmp_path / "state"))
    get_settings.cache_clear()
    store = new_store(tmp_path / "lockstep.db")
    yield store
    store.close()
    get_settings.cache_clear()


def in_redis(client: redis.Redis) -> str:
    """All that Redis holds."""
    found: list[Any] = []
    for key in client.keys("*"):
        kind = client.type(key)
        found.append((key, client.hgetall(key) if kind in (b"hash", "hash") else client.dump(key)))
    return str(found)


async def test_a_title_goes_to_no_log_no_queue_and_not_to_sentry(
    store: Store, client: redis.Redis, sentry: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    task, lock = Titled().run_every(hours=1), RedisSyncLock(client)
    task.notion.add(A="bad", B="")
    task.other.refused = {"bad"}
    try:
        records: list[RunRecord] = [await run_session(task, store=store, lock=lock) for _ in range(3)]
        task.notion.remove("n1")
        task.unreadable = task.notion.add(A="odd", B="")
        records.append(await run_session(task, store=store, lock=lock))
    finally:
        lock.close()
    assert f"“{TITLE}”" in records[0].told().reason
    assert records[0].status == "failed"
    assert [held.name.title for held in store.memories.held()] == [TITLE]
    assert records[-1].status == "incomplete"
    assert f"“{TITLE}”" in records[-1].told().reason
    logging.getLogger("worker").error("Task %r: %s", task.name, records[0].reason)
    sentry_sdk.flush()
    outside = [
        caplog.text,
        *(str(record.args) for record in caplog.records),
        in_redis(client),
        *sentry.sent,
        json.dumps([record.to_json() for record in records], default=str),
        repr(records),
    ]
    assert "page-000n1" in caplog.text  # who looks into a log finds it by its id
    assert sentry.sent
    for text in outside:
        assert TITLE not in text
        assert TITLE.replace(" ", "-") not in text
