"""The processes of a prefork pool, each replaced between two of its messages.

Where tasks have changed, this process has read them; its children have what they were forked with. Celery's own
`pool_restart` lets an idle child run one more message before it ends, and does not know new tasks until then. Here a
child is sent what Celery sends it at the worker's end. It reads its pipe in order, so it makes the run that it has,
takes no other one, and ends; the pool forks another one in its place, of this process as it is now.
"""

from __future__ import annotations

from typing import Any

from celery.concurrency.asynpool import AsynPool

#: What ends a child that reads it.
END = None


def can_be_replaced(pool: Any) -> bool:
    """Whether the pool has children that take messages through a pipe of their own."""
    return isinstance(getattr(pool, "_pool", None), AsynPool)


def replace(pool: Any) -> bool:
    """Let all children that there are end after the run that they have; call it in the main loop, which feeds them.

    Returns:
        Whether all do. If not, one is about to start or a message is half written: call it again.
    """
    processes: Any = pool._pool  # Celery has no other way to them
    if processes._waiting_to_start or processes._active_writes:
        return False
    for child in tuple(processes._pool):
        pipe = child.inqW_fd
        if pipe not in processes._all_inqueues:
            continue  # it ends already
        try:
            child.inq.put(END)
        except BlockingIOError:
            return False
        processes._all_inqueues.discard(pipe)
        # Not to be counted as busy among those that take messages: else the pool passes for full.
        processes._busy_workers.discard(pipe)
    return True
