"""Tasks that are held while what is kept of them is changed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from config import Settings
from worker.lock import NodeBusyError
from worker.machine.state_directory import node_lock
from worker.store import Store
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError


@contextmanager
def locked(store: Store, settings: Settings, *names: str, why: str) -> Iterator[dict[str, int]]:
    """Hold these tasks, so that no run is under way or starts; gives the fence of each.

    Args:
        store: knows how far each has come.
        settings: where the locks are.
        names: of the tasks.
        why: what the sessions of this end as, in a word.

    Raises:
        CommandError: one of them is running.
    """
    fences = {}
    with ExitStack() as held:
        for name in sorted(names):
            lock = held.enter_context(node_lock(settings, name))
            session = uuid.uuid4().hex
            try:
                lock.acquire(name, session_id=session, last_fence=store.runs.last_fence(name))
            except NodeBusyError as busy:
                raise CommandError(f"{busy}; try again when it has ended", ExitCode.SKIPPED) from None
            held.callback(lock.release, session, why)
            fences[name] = lock.fence(session)
        yield fences
