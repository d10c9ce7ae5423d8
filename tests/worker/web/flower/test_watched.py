"""Flower's page of the broker, where sentinels watch it."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery import Celery
from flower.utils import broker  # type: ignore[import-untyped]

from config import load_settings
from config.celery import celery_settings
from tests.harness import free_port
from tests.harness.sentinels import Watched
from worker.broker import transport
from worker.web.flower import watched

pytestmark = pytest.mark.processes


async def test_the_queue_of_the_right_database_is_counted_also_while_a_sentinel_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "RedisSentinel", broker.RedisSentinel)  # put back in the end
    watched.install()
    transport.install()
    with Watched(tmp_path, password="asked-for") as servers:
        nobody = f"127.0.0.1:{free_port()}"
        url = servers.url.replace("127.0.0.1:", f"{nobody},127.0.0.1:", 1).replace("/0?", "/3?")
        app = Celery("sender", set_as_current=False)
        # Results would be let go of some time, when nobody watches any more.
        app.conf.update(celery_settings(load_settings(redis_url=url)) | {"result_backend": None})
        for _ in range(2):
            app.send_task("any")
        with app.connection() as connection:
            place = connection.as_uri(include_password=True)
        options = app.conf.broker_transport_options
        page = broker.Broker(
            place, http_api=None, broker_options=options, broker_use_ssl=app.conf.broker_use_ssl
        )
        assert await page.queues(["celery"]) == [{"name": "celery", "messages": 2}]
        app.close()
