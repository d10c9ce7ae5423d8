"""Which of Celery's pools can run syncs."""

from __future__ import annotations

from celery.concurrency import get_implementation, prefork, thread

from worker.pool.task_pool import TaskPool
from worker.telling.failures import CommandError


def usable(pool: type | str, *, autoscale: object = None) -> type:
    """The pool to take where `pool` is asked for: ours for Celery's threads, which know no time limits.

    Raises:
        CommandError: it would drop the time limits in silence, or cannot grow as it is asked to.
    """
    found: type = get_implementation(pool)
    if issubclass(found, thread.TaskPool):
        found = found if issubclass(found, TaskPool) else TaskPool
    elif not issubclass(found, prefork.TaskPool):
        raise CommandError(
            f"--pool: {found.__module__.rpartition('.')[2]} knows no time limits, so a run could hold its node "
            "for ever: leave --pool out (for one run at a time with --concurrency=1), or use --pool prefork"
        )
    if autoscale and issubclass(found, TaskPool):
        raise CommandError(
            "--autoscale is for --pool prefork: the default pool takes as many runs at once as --concurrency says"
        )
    return found
