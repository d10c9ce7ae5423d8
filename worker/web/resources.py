"""What the routes of the web process work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import redis
from celery import Celery

from config import Settings
from config.celery import celery_settings
from tasks.registry import load_tasks
from tasks.scheduled import Scheduled
from worker.broker import transport
from worker.redis_client import connect
from worker.schedule.entries import celery_name
from worker.store import Store

#: A message is sent at once or later again: nobody waits for a broker that is away.
PUBLISH_RETRIES = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}

#: Asks a worker to run a task: its name, the message's id, seconds after which the message is void.
Send = Callable[[str, str, float], None]


@dataclass(frozen=True)
class Resources:
    """Connections and definitions that all routes share; safe to use from several threads."""

    settings: Settings
    redis: redis.Redis
    store: Store
    #: All scheduled tasks by name.
    tasks: Mapping[str, Scheduled]
    send: Send

    @classmethod
    def of(cls, settings: Settings) -> Resources:
        """Those that the settings name. Connects to nothing yet.

        Raises:
            SettingsError: no Redis is configured, or an address is wrong.
            TaskDefinitionError: the tasks cannot be loaded.
            StoreError: the database's address cannot be used.
        """
        transport.install()
        celery = Celery("worker")
        celery.conf.update(celery_settings(settings))

        def send(task: str, message_id: str, expires: float) -> None:
            celery.send_task(
                celery_name(task), task_id=message_id, expires=expires, retry_policy=PUBLISH_RETRIES
            )

        client = connect(settings)
        return cls(settings, client, Store(settings.sql_url()), load_tasks(settings), send)

    def close(self) -> None:
        """Close all connections; safe to repeat."""
        self.redis.close()
        self.store.close()
