"""The Celery application."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import click
from celery import Celery, signals
from click.core import ParameterSource

from config import Settings, get_settings
from config.celery import celery_settings, flower_environment, prefork_settings
from config.logging import configure_logging
from config.sentry import init_sentry
from tasks.registry import load_tasks
from tasks.scheduled import PRUNE
from worker.broker import transport
from worker.broker.lost_connections import shorten
from worker.schedule.definitions import definitions
from worker.schedule.entries import beat_schedule, unmonitored
from worker.session.celery_tasks import Workplace, add_sync_tasks
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

    @cached_property
    def Worker(self) -> Any:  # noqa: N802  Celery's name
        """The class of the worker."""
        from worker.pool.soft_shutdown import PromptWorker

        return self.subclass_with_self(PromptWorker, name="Worker")


def make_app(settings: Settings) -> Application:
    """An application with a Celery task and a beat entry for every scheduled task. Connects to nothing.

    Raises:
        SettingsError: no Redis is configured.
        TaskDefinitionError: the tasks cannot be loaded.
    """
    transport.install()
    celery = Application("worker")
    celery.conf.update(celery_settings(settings))
    tasks = [*load_tasks(settings).values(), pruning_of(settings)]
    celery.conf.beat_schedule = beat_schedule(tasks, retry_seconds=settings.retry_seconds)
    celery.definitions = definitions(tasks, settings)
    workplace = Workplace(celery, settings)
    add_sync_tasks(celery, tasks, workplace)

    def leave(**_: Any) -> None:
        workplace.leave()

    # Celery keeps receivers weakly; these live as long as the process.
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
    configure_logging(get_settings(), level=loglevel if given else None).addFilter(shorten)


@signals.celeryd_init.connect
@signals.beat_init.connect
def _start_sentry(**_: Any) -> None:
    settings = get_settings()
    init_sentry(settings, unmonitored=[*unmonitored(load_tasks(settings).values()), PRUNE])


@signals.worker_init.connect
def _update_tables(**_: Any) -> None:
    """Bring the database up to this version before the first run, and before processes are forked."""
    with refusing():
        store = Store(get_settings().sql_url())
        try:
            store.migrate()
            app.installation = installation_of(store)
        finally:
            store.close()


app = _prepare()
