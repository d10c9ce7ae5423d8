"""Every scheduled sync as a Celery task of its own, so that Flower and Sentry show it by name."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from typing import Any

import redis
from celery import Celery, Task
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from celery.worker.request import Request

from config import Settings, shards
from config.redaction import redacted
from tasks.errors import TaskError
from tasks.scheduled import Scheduled
from worker import rate_limit
from worker.alarms.judging import came_to_its_end
from worker.alarms.logins import Logins
from worker.alarms.pings import PINGER
from worker.errors import StoreError
from worker.lock import RedisSyncLock, SessionRecord
from worker.pool import event_loop, holds
from worker.redis_client import connect, impatient
from worker.schedule.entries import celery_name
from worker.session.monitored import monitored, traced
from worker.session.progress import ProgressPublisher
from worker.session.run import run_session
from worker.store import RunRecord, Store
from worker.telling.outages import LASTING, Outage

log = logging.getLogger(__name__)

#: How a run ends that Celery shall show as failed.
FAILED = frozenset({"failed", "halted", "abandoned"})
#: How the result of a run begins that was skipped.
SKIPPED = "skipped: "

#: Seconds after which a task that knows of no login is seen to again: another process may have kept one.
FORGET_LOGINS = 60.0
#: Seconds that a run waits at its end for another Redis than that of its own lock and queue.
SHARED_PATIENCE = 1.0


class SyncRunFailed(Exception):  # noqa: N818  Flower and Sentry show this name
    """A run did not do what it was to do; the message is its reason."""


class Workplace:
    """What the runs of one worker process share: the database, the lock, the progress.

    It is made in the process that makes the runs, so that nothing of it is carried over a fork: when that begins to
    take messages, and at its first run if it was not told.
    """

    def __init__(self, app: Celery, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._guard = threading.Lock()
        self._pid: int | None = None
        #: Tasks of which no login is kept, and until when that need not be seen to again.
        self._without_logins: dict[str, float] = {}
        #: While no run can be entered in the history or take its lock: that is in no history.
        self.outage = Outage("Runs cannot be entered, so they are not made or not recorded")

    @property
    def time_limit(self) -> float:
        """Seconds after which a run is given up."""
        return self._settings.time_limit

    def refusal(self, task: str) -> str:
        """Why messages of a task are not for this process; empty where they are."""
        settings = self._settings
        number = shards.shard_of(task, shards.count(settings))
        if shards.number_of(settings) in (None, number):
            return ""
        return f"the task belongs to shard {number}, and this worker serves {settings.shard}"

    def enter(self) -> None:
        """Make it, if this process does not have it yet.

        Raises:
            StoreError: the database cannot be used.
        """
        with self._guard:
            if self._pid == os.getpid():
                return
            self.store = Store(self._settings.sql_url())
            #: Of the server that this process serves, and of that which holds what all share.
            self._client: redis.Redis = connect(shards.served(self._settings))
            self._shared = self._client
            if shards.number_of(self._settings):
                self._shared = impatient(connect(self._settings), SHARED_PATIENCE)
            self.lock = RedisSyncLock(
                self._client, lease_seconds=self._settings.lease_seconds, on_abandoned=self._abandon
            )
            self.progress = ProgressPublisher(self._app)
            rate_limit.share(self._shared, rate=self._settings.notion_rate)
            holds.share(self._client)
            self.lock.ready()
            self._pid = os.getpid()

    def leave(self) -> None:
        """Close it, if this process has it."""
        with self._guard:
            if self._pid == os.getpid():
                self._pid = None
                PINGER.flush(1.0)
                self.lock.close()
                rate_limit.unshare()
                holds.unshare()
                self._client.close()
                self._shared.close()
                self.store.close()

    def keep_logins(self, record: RunRecord) -> None:
        """Keep when the logins of a task expire; a run that did not come to its end tells nothing of that."""
        if not came_to_its_end(record):
            return
        now = time.monotonic()
        if not record.expires and now < self._without_logins.get(record.task, now):
            return
        try:
            Logins(self._shared).keep(record.task, record.expires)
            self._without_logins.pop(record.task, None)
            if not record.expires:
                self._without_logins[record.task] = now + FORGET_LOGINS
        except redis.RedisError as error:
            log.debug("Task %r: when its logins expire is not kept: %s", record.task, error)

    def give_up(self, task: str, message_id: str) -> None:
        """Enter a run as failed that did not end when it was cancelled, in whatever process this is known.

        With prefork that is the parent of the process that is about to be killed. A store of its own is opened and
        closed right here, so that the next fork gets nothing of it.
        """
        reason = (
            f"given up at its time limit of {self._settings.time_limit:g} s: it was cancelled after "
            f"{self._settings.soft_time_limit:g} s and did not end, as code does that blocks without end"
        )
        store = Store(self._settings.sql_url())
        try:
            store.runs.give_up(message_id, reason)
        except StoreError as error:
            log.error("Task %r: a run that was given up is not in the history: %s", task, error)  # noqa: TRY400
        finally:
            store.close()

    def _abandon(self, session: SessionRecord) -> None:
        self.store.runs.abandon(session.session_id, f"its worker on {session.host} was lost")


class RunRequest(Request):
    """One message at work, as the worker sees it."""

    def send_event(self, type: str, **fields: Any) -> None:
        """Let Flower show a run that was skipped as that; Celery knows of success and failure only."""
        if type == "task-succeeded" and str(fields.get("result")).lstrip("'\"").startswith(SKIPPED):
            type = "task-skipped"
        super().send_event(type, **fields)


class RunTask(Task[Any, Any]):
    """The Celery task of a sync; at the hard limit it is asked outside of the thread or process of its run."""

    Request = f"{__name__}:RunRequest"

    scheduled: Scheduled
    workplace: Workplace
    #: Whether the task is not defined any more; one of its messages may be in the queue still.
    gone = False

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Note a run that Celery gives up; every other one enters its end itself."""
        if isinstance(exc, TimeLimitExceeded):
            self.workplace.give_up(self.scheduled.name, task_id)


def run_sync(celery_task: Task[Any, Any], task: Scheduled, workplace: Workplace) -> dict[str, Any] | str:
    """Run `task` for the message that `celery_task` is working on; gives its record.

    A run that was skipped, because its node is busy or its total is reached, is no failure, and no success either:
    what it gives is a text that says so. (Celery's `Ignore` would leave Sentry's check-in open.)

    Raises:
        SyncRunFailed: the run failed, or could not be started.
    """
    with monitored(task, workplace.time_limit) as outcome:
        told = _run_sync(celery_task, task, workplace)
        outcome.skipped = isinstance(told, str)
        return told


def _run_sync(celery_task: Task[Any, Any], task: Scheduled, workplace: Workplace) -> dict[str, Any] | str:
    message_id, hostname = str(celery_task.request.id), str(celery_task.request.hostname)
    try:
        workplace.enter()
        with (
            rate_limit.spending(task.name),
            workplace.progress.of_run(message_id, hostname) as told,
            traced(told) as progress,
        ):
            record: RunRecord = event_loop.run(
                run_session(
                    task,
                    store=workplace.store,
                    lock=workplace.lock,
                    progress=progress,
                    message_id=message_id,
                ),
                name=task.name,
            )
    except SoftTimeLimitExceeded:
        reason = f"cancelled by its time limit of {celery_task.app.conf.task_soft_time_limit:g} s"
        log.error("Task %r: the run was %s.", task.name, reason)  # noqa: TRY400  foreseen
        raise SyncRunFailed(reason) from None
    except LASTING as error:
        workplace.outage.failed(f"task {task.name!r}", error)
        raise SyncRunFailed(redacted(str(error))) from None
    except TaskError as error:
        log.error("Task %r: the run could not be made: %s", task.name, error)  # noqa: TRY400  foreseen
        raise SyncRunFailed(redacted(str(error))) from None
    workplace.outage.over()
    workplace.keep_logins(record)
    if record.status in FAILED:
        raise SyncRunFailed(
            record.reason if record.status == "failed" else f"{record.status}: {record.reason}"
        )
    return f"{SKIPPED}{record.reason}" if record.status == "skipped" else _told(record)


def _told(record: RunRecord) -> dict[str, Any]:
    """What Flower and Celery's log show: the record without what is empty. They take long to write each value down."""
    return {name: value for name, value in record.to_json().items() if value not in (None, "", [], {}, ())}


def add_sync_tasks(app: Celery, tasks: Iterable[Scheduled], workplace: Workplace) -> None:
    """Make a Celery task `sync.<name>` of each task."""
    for task in tasks:
        _add(app, task, workplace)


def change_sync_tasks(app: Celery, tasks: Iterable[Scheduled], workplace: Workplace) -> None:
    """Let runs that begin from now on be of these tasks; those that go on keep the ones that they have.

    The message of a task that is not among them is skipped.
    """
    defined = {celery_name(task.name): task for task in tasks}
    for name, known in tuple(app.tasks.items()):
        if isinstance(known, RunTask):
            known.gone = name not in defined
            known.scheduled = defined.get(name, known.scheduled)
    for name, task in defined.items():
        if name not in app.tasks:
            _add(app, task, workplace)


def _add(app: Celery, task: Scheduled, workplace: Workplace) -> None:
    def run(self: RunTask) -> dict[str, Any] | str:
        if self.gone:
            log.warning(
                "Task %r: a message was skipped, the task is not defined any more.", self.scheduled.name
            )
            return f"{SKIPPED}the task is not defined any more"
        if refusal := self.workplace.refusal(self.scheduled.name):
            log.warning("Task %r: a message was skipped, %s.", self.scheduled.name, refusal)
            return f"{SKIPPED}{refusal}"
        return run_sync(self, self.scheduled, workplace)

    run.__doc__ = f"Keep {task.name} in step, {task.plan_schedule}."
    # A failed run is expected: its reason is logged as one line, by the session.
    app.task(
        name=celery_name(task.name),
        base=RunTask,
        bind=True,
        shared=False,
        throws=(SyncRunFailed,),
        scheduled=task,
        workplace=workplace,
    )(run)
