"""Releases that Redis did not answer: tried again until the lease is over, which frees the node anyway."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from worker.errors import RedisUnavailableError
from worker.lock.store import Beat, LockStore

log = logging.getLogger(__name__)

#: Seconds between two attempts.
PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class LateRelease:
    """A session that is over, for which the store may still hold the node.

    It names session and owner, and does nothing where another session holds the node meanwhile.
    """

    session: Beat
    status: str
    #: A JSON text.
    result: str
    #: When the lease is over, by the local clock.
    until: float


class LateReleases:
    """Tries them in a thread, which is there only while there are some."""

    def __init__(self, store: LockStore, *, lease_seconds: float, clock: Callable[[], float]) -> None:
        """`store` should give up early."""
        self._store = store
        self._lease = lease_seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: dict[str, LateRelease] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, session: Beat, status: str, result: str) -> None:
        """Release it as soon as the store answers."""
        with self._changed:
            self._waiting[session.session_id] = LateRelease(
                session, status, result, self._clock() + self._lease
            )
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="lock-late", daemon=True)
                self._thread.start()

    def settle(self, node_id: str) -> None:
        """Release now what waits for this node, so that nobody of this process meets a lock of its own there.

        Raises:
            RedisUnavailableError: no answer.
        """
        with self._changed:
            waiting = [each for each in self._waiting.values() if each.session.node_id == node_id]
        for each in waiting:
            self._release(each)

    def close(self) -> None:
        """Try once more, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        self._attempt()

    def _work(self) -> None:
        while True:
            with self._changed:
                if self._waiting and not self._closed:
                    self._changed.wait(PAUSE)
                if not self._waiting or self._closed:
                    self._thread = None
                    return
            self._attempt()

    def _attempt(self) -> None:
        """Try all until one is not answered."""
        with self._changed:
            waiting = list(self._waiting.values())
        for each in waiting:
            if self._clock() >= each.until:
                self._forget(each)
                log.warning("Node %r was not released; its lease is over.", each.session.node_id)
                continue
            try:
                self._release(each)
            except RedisUnavailableError as error:
                log.debug("Node %r is not released yet: %s", each.session.node_id, error)
                return
            except Exception:
                # The thread must live, and the others have their turn.
                log.exception("Node %r could not be released.", each.session.node_id)

    def _release(self, late: LateRelease) -> None:
        released = self._store.release(late.session, late.status, late.result)
        self._forget(late)
        if released:
            log.info("Node %r is released, late.", late.session.node_id)

    def _forget(self, late: LateRelease) -> None:
        with self._changed:
            self._waiting.pop(late.session.session_id, None)
