"""The heartbeat: one thread that renews the leases of all sessions of a lock object."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable

from tasks.errors import LockLostError
from worker.errors import RedisUnavailableError
from worker.lock.held import HeldSession
from worker.lock.store import LockStore

log = logging.getLogger(__name__)

#: Share of the lease between two beats, and before a beat that failed is sent again.
BEAT_SHARE = 1 / 3
RETRY_SHARE = 1 / 10
#: Seconds of waiting at a time: a wait does not count what a suspended machine sleeps, a lease does.
LONGEST_WAIT = 1.0
#: Seconds for which the thread still looks by itself after the last session began, so that the next one need not
#: wake it: that takes as long as Redis takes to answer.
LINGER = 10.0

TAKEN = "Redis names another session or none, because the lease ran out or Redis lost its data"


class Keeper:
    """Beats for its sessions until they are removed, and tells those that are lost.

    The thread starts when told to, or else with the first session, and sleeps while there is none. Callbacks run in it.
    """

    def __init__(self, store: LockStore, *, lease_seconds: float, clock: Callable[[], float]) -> None:
        self._store = store
        self._lease = lease_seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._sessions: dict[str, HeldSession] = {}
        self._next_beat = 0.0
        #: When the last session was added.
        self._used_at = 0.0
        #: Until when the thread sleeps, if nobody wakes it; before any time while it is awake.
        self._wakes_at = -math.inf
        self._thread: threading.Thread | None = None
        self._closed = False

    def get(self, session_id: str) -> HeldSession | None:
        """The session of that id, held or lost, if it was not removed."""
        return self._sessions.get(session_id)

    def newest_of(self, node_id: str) -> HeldSession | None:
        """The session that was added last for the node."""
        with self._changed:
            return next((s for s in reversed(self._sessions.values()) if s.node_id == node_id), None)

    def start(self) -> None:
        """Start the thread now, so that the first session need not wait for it; safe to repeat."""
        with self._changed:
            self._start()

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="lock-keeper", daemon=True)
            self._thread.start()

    def add(self, session: HeldSession) -> None:
        """Beat for `session` from now on."""
        with self._changed:
            self._used_at = self._clock()
            if not self._sessions:
                self._next_beat = self._used_at + BEAT_SHARE * self._lease
            self._sessions[session.session_id] = session
            self._start()
            if min(self._next_beat, session.deadline) < self._wakes_at:
                self._changed.notify()

    def remove(self, session_id: str) -> HeldSession | None:
        """Beat no longer for it; `None` when it was not there."""
        with self._changed:
            return self._sessions.pop(session_id, None)

    def on_lost(self, session: HeldSession, callback: Callable[[], None]) -> None:
        """Call `callback` in the keeper's thread when `session` is lost, or at once if it is already."""
        with self._changed:
            session.callbacks.append(callback)
            if session.lost:
                self._changed.notify()

    def wake(self) -> None:
        """Look at the sessions now: one may have been found lost."""
        with self._changed:
            self._changed.notify()

    def close(self) -> None:
        """End the thread; sessions that are still there are lost."""
        with self._changed:
            self._closed = True
            for session in self._sessions.values():
                session.lose("the lock was closed while the session ran")
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        for session in list(self._sessions.values()):
            session.announce()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                held, lost, pause = self._look()
                if not lost and pause != 0:
                    self._sleep(pause)
                    continue
            for session in lost:
                session.announce()
            if pause == 0:
                self._beat(held)

    def _sleep(self, pause: float | None) -> None:
        """Wait so long or until news, with the condition held."""
        now = self._clock()
        if pause is None and now < self._used_at + LINGER:
            pause = LONGEST_WAIT
        seconds = None if pause is None else min(pause, LONGEST_WAIT)
        self._wakes_at = math.inf if seconds is None else now + seconds
        self._changed.wait(seconds)
        self._wakes_at = -math.inf

    def _look(self) -> tuple[list[HeldSession], list[HeldSession], float | None]:
        """Sessions to beat for, lost ones to tell, and seconds to wait (0: beat now; None: until news)."""
        now = self._clock()
        for session in self._sessions.values():
            if not session.lost:
                _find_out(session, now)
        held = [session for session in self._sessions.values() if not session.lost]
        lost = [session for session in self._sessions.values() if session.lost and session.callbacks]
        if not held:
            return held, lost, None
        wake_at = min(self._next_beat, *(session.deadline for session in held))
        return held, lost, max(0.0, wake_at - now)

    def _beat(self, sessions: list[HeldSession]) -> None:
        asked_at = self._clock()
        self._next_beat = asked_at + BEAT_SHARE * self._lease
        try:
            answers = self._store.beat([session.beat() for session in sessions])
        except RedisUnavailableError as error:
            self._next_beat = self._clock() + RETRY_SHARE * self._lease
            log.warning("Heartbeat of %d sessions failed: %s", len(sessions), error)
            return
        except Exception:
            # The thread must live: sessions whose beats keep failing are lost by their deadline.
            self._next_beat = self._clock() + RETRY_SHARE * self._lease
            log.exception("Heartbeat of %d sessions failed.", len(sessions))
            return
        with self._changed:
            for session, answer in zip(sessions, answers, strict=True):
                if session.session_id not in self._sessions:
                    continue  # released while the beat was under way
                if answer:
                    session.proved(asked_at)
                else:
                    session.lose(TAKEN)


def _find_out(session: HeldSession, now: float) -> None:
    try:
        session.check(now)
    except LockLostError as error:
        log.warning("%s.", error)
