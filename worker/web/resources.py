"""What the routes of the web process work with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from celery import Celery
from redis import Redis

from config import Settings, shards
from config.celery import celery_settings
from tasks.registry import load_anew, load_tasks
from tasks.scheduled import Scheduled
from worker.broker import transport
from worker.redis_client import connect
from worker.reload import News, Watch, watched
from worker.schedule.definitions import definitions
from worker.schedule.entries import celery_name
from worker.store import Store

log = logging.getLogger(__name__)

#: A message is sent at once or later again: nobody waits for a broker that is away.
PUBLISH_RETRIES = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}

#: Asks a worker to run a task: its name, the message's id, seconds after which the message is void.
Send = Callable[[str, str, float], None]


@dataclass
class Resources:
    """Connections and definitions that all routes share; safe to use from several threads.

    Settings and tasks are others when what is defined has changed: ask for them each time that they are needed.
    """

    settings: Settings
    redis: Redis
    store: Store
    #: All scheduled tasks by name.
    tasks: Mapping[str, Scheduled]
    send: Send
    #: Of further Redis servers, where tasks are divided among several; `redis` then is of that which all share.
    further: Sequence[Redis] = ()

    @property
    def clients(self) -> Sequence[Redis]:
        """Of all Redis servers, by their numbers."""
        return (self.redis, *self.further)

    def shard_of(self, task: str) -> int:
        """The number of the Redis server to which a task belongs."""
        return shards.shard_of(task, len(self.clients))

    @classmethod
    def of(cls, settings: Settings) -> Resources:
        """Those that the settings name. Connects to nothing yet.

        Raises:
            SettingsError: no Redis is configured, or an address is wrong.
            TaskDefinitionError: the tasks cannot be loaded.
            StoreError: the database's address cannot be used.
        """
        transport.install()
        places = shards.all_of(settings)
        senders = [Celery("worker") for _ in places]
        for celery, place in zip(senders, places, strict=True):
            celery.conf.update(celery_settings(place))

        def send(task: str, message_id: str, expires: float) -> None:
            senders[shards.shard_of(task, len(senders))].send_task(
                celery_name(task), task_id=message_id, expires=expires, retry_policy=PUBLISH_RETRIES
            )

        client, *further = map(connect, places)
        return cls(settings, client, Store(settings.sql_url()), load_tasks(settings), send, further)

    def watch(self) -> Watch:
        """A watch of the files in which the tasks are defined; call it right after they were read."""
        return Watch(self.settings, self._read_anew, watched(self.settings.tasks), on_news=_tell)

    def _read_anew(self, settings: Settings) -> News:
        tasks = load_anew(settings)
        self.settings, self.tasks = settings, tasks
        return News(list(tasks.values()), definitions(tasks.values(), settings))

    def close(self) -> None:
        """Close all connections; safe to repeat."""
        for client in self.clients:
            client.close()
        self.store.close()


def _tell(news: News) -> None:
    names = ", ".join(sorted(news.definitions)) or "none"
    log.info("The tasks were defined anew; what is served from now on knows these: %s.", names)
