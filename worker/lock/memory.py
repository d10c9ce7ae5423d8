"""The lock's records in this process's memory: for runs without Redis, and for tests."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

from worker.lock.record import ABANDONED, SessionRecord, at
from worker.lock.store import HISTORY_LENGTH, HISTORY_SEARCHED, Beat, Busy, Claim, Ended, Granted


class MemoryLockStore:
    """`LockStore` for the lock objects of one process; it knows nothing of other processes."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since the epoch."""
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, SessionRecord] = {}
        self._came_from: dict[str, SessionRecord] = {}
        self._fences: dict[str, int] = {}
        self._marks: dict[str, str] = {}
        self._history: defaultdict[str, deque[SessionRecord]] = defaultdict(
            lambda: deque(maxlen=HISTORY_LENGTH)
        )

    def claim(self, claim: Claim) -> Granted | Busy | Ended:
        """Take the node if it is free or its session's lease ran out."""
        node = claim.node_id
        with self._lock:
            now = self._clock()
            held = self._held.get(node)
            if held is not None and (held.session_id, held.owner) == (claim.session_id, claim.owner):
                self._held[node] = replace(held, beat_at=at(now * 1000))
                return Granted(held.fence, self._came_from.get(node))
            if any(
                past.session_id == claim.session_id for past in islice(self._history[node], HISTORY_SEARCHED)
            ):
                return Ended()
            if held is not None and held.beat_at.timestamp() > now:
                held = self._held[node] = replace(held, beat_at=at(now * 1000))
            if held is not None and self._is_live(held, now):
                return Busy(replace(held, live=True))
            self._came_from.pop(node, None)
            if held is not None:
                held = replace(held, status=ABANDONED, ended_at=at(now * 1000))
                self._history[node].appendleft(held)
                self._came_from[node] = held
            fence = max(self._fences.get(node, 0) + 1, int(now * 1000), claim.last_fence + 1)
            self._fences[node] = fence
            self._held[node] = SessionRecord(
                session_id=claim.session_id,
                node_id=node,
                owner=claim.owner,
                host=claim.host,
                pid=claim.pid,
                fence=fence,
                phase="",
                started_at=at(now * 1000),
                beat_at=at(now * 1000),
                lease_seconds=claim.lease_seconds,
            )
            return Granted(fence, held)

    def beat(self, beats: Sequence[Beat]) -> list[bool]:
        """Renew leases."""
        with self._lock:
            return [self._renew(beat) for beat in beats]

    def release(self, session: Beat, status: str, result: str) -> bool:
        """End a session; False when it does not hold its node."""
        node = session.node_id
        with self._lock:
            held = self._held.get(node)
            if held is None or (held.session_id, held.owner) != (session.session_id, session.owner):
                return any(
                    (past.session_id, past.owner) == (session.session_id, session.owner)
                    and past.status != ABANDONED
                    for past in islice(self._history[node], HISTORY_SEARCHED)
                )
            ended_at = at(self._clock() * 1000)
            self._history[node].appendleft(
                replace(
                    held, phase=session.phase, status=status, result=json.loads(result), ended_at=ended_at
                )
            )
            del self._held[node]
            return True

    def holder(self, node_id: str) -> SessionRecord | None:
        """The session that holds the node, live or not."""
        with self._lock:
            held = self._held.get(node_id)
            return None if held is None else replace(held, live=self._is_live(held, self._clock()))

    def holders(self) -> list[SessionRecord]:
        """The sessions of all held nodes."""
        with self._lock:
            now = self._clock()
            return [replace(held, live=self._is_live(held, now)) for _, held in sorted(self._held.items())]

    def history(self, node_id: str) -> list[SessionRecord]:
        """Ended sessions of the node, newest first."""
        with self._lock:
            return list(self._history[node_id])

    def mark(self, node_id: str, text: str) -> None:
        """Keep a text for the node."""
        with self._lock:
            self._marks[node_id] = text

    def marked(self, node_id: str) -> str:
        """The text that was kept last."""
        with self._lock:
            return self._marks.get(node_id, "")

    def close(self) -> None:
        """Nothing to give back."""

    def _renew(self, beat: Beat) -> bool:
        held = self._held.get(beat.node_id)
        if held is None or (held.session_id, held.owner) != (beat.session_id, beat.owner):
            return False
        self._held[beat.node_id] = replace(held, beat_at=at(self._clock() * 1000), phase=beat.phase)
        return True

    @staticmethod
    def _is_live(held: SessionRecord, now: float) -> bool:
        return now - held.beat_at.timestamp() <= held.lease_seconds


#: Shared by all memory locks of the process that are not given a store of their own.
PROCESS_STORE = MemoryLockStore()
