from __future__ import annotations

import base64
import json

import pytest
import redis
from celery import Celery

from config import load_settings
from config.celery import celery_settings
from tests.harness import eventually
from worker.machine.redis_server import RedisServer

pytestmark = pytest.mark.processes


def test_what_flower_is_told_holds_no_secret(shared_redis: RedisServer, client: redis.Redis) -> None:
    app = Celery("test", set_as_current=False, events="worker.broker.events:Events")
    app.conf.update(celery_settings(load_settings(redis_url=shared_redis.url)))
    with (
        client.pubsub(ignore_subscribe_messages=True) as heard,
        app.events.default_dispatcher() as dispatcher,
    ):
        heard.psubscribe("*celeryev*")
        eventually(lambda: client.pubsub_numpat() == 1)
        dispatcher.send(
            "task-failed",
            uuid="1",
            exception="SideError('Bearer abcdefgh12')",
            traceback="at redis://:geheim99@host",
            args=("ntn_0123456789abcdef",),
        )
        message = eventually(lambda: heard.get_message(timeout=1))
    assert message
    told = json.loads(base64.b64decode(json.loads(message["data"])["body"]))
    assert (told["type"], told["uuid"]) == ("task-failed", "1")
    assert told["exception"] == "SideError('Bearer ***')"
    assert told["traceback"] == "at redis://:***@host"
    assert told["args"] == "('***',)"
