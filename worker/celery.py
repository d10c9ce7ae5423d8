"""The Celery application."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
from celery import Celery, signals
from click.core import ParameterSource

from config import Settings, get_settings, shards
from config.celery import celery_settings, flower_environment, prefork_settings
from config.logging import configure_logging
from config.sentry import init_sentry
from tasks.registry import load_anew, load_tasks
from tasks.scheduled import Scheduled
from worker.alarms.heartbeat import heartbeat
from worker.alarms.watch import Watch as AlarmWatch
from worker.broker import transport
from worker.broker.lost_connections import shorten, without_result
from worker.broker.queue import queue_of
from worker.errors import BrokerUnavailableError
from worker.pool.task_pool import TaskPool
from worker.redis_client import connect
from worker.reload import News, Watch, watched
from worker.schedule.definitions import definitions
from worker.schedule.entries import beat_schedule
from worker.session.celery_tasks import Workplace, add_sync_tasks, change_sync_tasks
from worker.session.pruning import pruning_of
from worker.signs import Definition
from worker.store import Store
from worker.store.tables.installation import installation_of
from worker.telling.startup import refusing


class Application(Celery):
    """Celery with a worker that shuts down as soon as its runs have ended, and with events without secrets."""

    events_cls = "worker.broker.events:Events"

    #: The installation that a worker is of; known when it starts.
    installation: int | None = None
    #: The tasks as this process has read them, by name.
    definitions: Mapping[str, Definition] = MappingProxyType({})

    #: The tasks themselves, without those of Lockstep's own.
    known: Mapping[str, Scheduled] = MappingProxyType({})

    #: What its runs share, and with which settings it was made; known once it is.
    workplace: Workplace
    settings: Settings
    #: The files from which its tasks were read, as they were then.
    read_from: Mapping[Path, str]

    def watch(self, on_news: Callable[[News], None] | None = None) -> Watch:
        """A watch of the files in which its tasks are defined."""
        return Watch(self.settings, self._read_anew, self.read_from, on_news=on_news)

    def _read_anew(self, settings: Settings) -> News:
        self.known = load_anew(settings)
        tasks = [*self.known.values(), pruning_of(settings)]
        return News(tasks, definitions(tasks, settings))

    def change_tasks(self, news: News) -> None:
        """Run these tasks from now on, in a worker that runs them in its own process."""
        change_sync_tasks(self, news.tasks, self.workplace)
        self.definitions = news.definitions

    @cached_property
    def Worker(self) -> Any:  # noqa: N802  Celery's name
        """The class of the worker."""
        from worker.pool.soft_shutdown import PromptWorker

        return self.subclass_with_self(PromptWorker, name="Worker")


def make_app(settings: Settings) -> Application:
    """An application with a Celery task and a beat entry for every scheduled task. Connects to nothing.

    Raises:
        SettingsError: no Redis is configured, or not said which of several this process serves.
        TaskDefinitionError: the tasks cannot be loaded.
    """
    transport.install()
    celery = Application("worker")
    celery.conf.update(celery_settings(shards.served(settings)))
    celery.known = load_tasks(settings)
    tasks = [*celery.known.values(), pruning_of(settings)]
    read_from = watched(settings.tasks)
    celery.conf.beat_schedule = beat_schedule(
        shards.own(settings, tasks), retry_seconds=settings.retry_seconds
    )
    celery.settings, celery.read_from = settings, read_from
    celery.definitions = definitions(tasks, settings)
    workplace = celery.workplace = Workplace(celery, settings)
    add_sync_tasks(celery, tasks, workplace)

    def enter(**_: Any) -> None:
        workplace.enter()

    def enter_here(sender: Any, **_: Any) -> None:
        if isinstance(sender.pool, TaskPool):  # else runs are made in children, each of which enters itself
            workplace.enter()

    def leave(**_: Any) -> None:
        workplace.leave()

    # Celery keeps receivers weakly; these live as long as the process.
    signals.worker_ready.connect(enter_here, weak=False)
    signals.worker_process_init.connect(enter, weak=False)
    signals.worker_shutdown.connect(leave, weak=False)
    signals.worker_process_shutdown.connect(leave, weak=False)
    return celery


def _asks_for_prefork(arguments: list[str]) -> bool:
    """Whether `--pool prefork`, or its other name, is on the command line.

    Celery takes the configured pool then, because it cannot tell the option from its default.
    """
    pools = [second for first, second in pairwise(arguments) if first in {"-P", "--pool"}]
    pools += [word.removeprefix("--pool=").removeprefix("-P") for word in arguments]
    return not {"prefork", "processes"}.isdisjoint(pools)


def _prepare() -> Application:
    settings = get_settings()
    if "flower" in sys.argv:
        from worker.web.flower.guard import guard

        guard(settings)
    for name, value in flower_environment(settings).items():
        os.environ.setdefault(name, value)
    celery = make_app(settings)
    if _asks_for_prefork(sys.argv):
        celery.conf.update(prefork_settings(settings))
    return celery


@signals.setup_logging.connect
def _set_up_logging(loglevel: int, **_: Any) -> None:
    """Log as the settings say; a level on the command line comes first, Celery's default level does not."""
    context = click.get_current_context(silent=True)
    given = context is not None and context.get_parameter_source("loglevel") is ParameterSource.COMMANDLINE
    handler = configure_logging(get_settings(), level=loglevel if given else None)
    handler.addFilter(shorten)
    handler.addFilter(without_result)


@signals.celeryd_init.connect
@signals.beat_init.connect
def _start_sentry(**_: Any) -> None:
    init_sentry(get_settings())


@signals.worker_ready.connect
def _look_for_alarms(**_: Any) -> None:
    """Look for states that a person must hear of, off the main loop; those who look take turns."""
    AlarmWatch(get_settings(), lambda: app.known).start()


@signals.beat_init.connect
def _look_and_ping(**_: Any) -> None:
    """The same, and ping for the whole."""
    settings = get_settings()
    ping = None if settings.ping is None else heartbeat(settings.ping.get_secret_value(), settings=settings)
    AlarmWatch(settings, lambda: app.known, also=ping).start()


@signals.worker_init.connect
def _update_tables(**_: Any) -> None:
    """Bring the database up to this version before the first run, and before processes are forked.

    A broker that refuses us is told before it is waited for.
    """
    with refusing():
        settings = get_settings()
        store = Store(settings.sql_url())
        try:
            store.migrate()
            app.installation = installation_of(store)
        finally:
            store.close()
        with (
            connect(shards.served(settings)) as client,
            closing(queue_of(settings, client)) as queue,
            suppress(BrokerUnavailableError),
        ):
            queue.claim(app.installation)


app = _prepare()
