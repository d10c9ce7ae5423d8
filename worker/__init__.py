"""How tasks run: `celery -A worker worker`, `celery -A worker beat`, `celery -A worker flower`.

One package for each thing around a run: its schedule, its messages, its pool, its locked session, its store, its
pages and commands. None of them decides what is synced, and none knows a service but where it is about just that one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.shadowed import refuse_shadowed

if TYPE_CHECKING:
    from worker.celery import app

__all__ = ["app"]

# Before any other import: Celery looks into the current directory first.
refuse_shadowed()


def __getattr__(name: str) -> Any:
    """Make `app` when it is asked for, so that importing a part of this package stays cheap.

    Raises:
        SystemExit: a setting or a task is wrong; standard error has one line about it.
    """
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from worker.machine.collector import collect_seldom
    from worker.telling.startup import refusing

    collect_seldom()
    with refusing():
        from worker.celery import app
    return app
