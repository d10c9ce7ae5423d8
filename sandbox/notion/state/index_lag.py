"""An index that lags: queries and searches know the workspace as it was some seconds ago."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from sandbox.notion.state.clock import Clock
from sandbox.notion.state.store import Store
from sandbox.notion.state.stored import Change, Past, Stored


@dataclass(frozen=True)
class _Write:
    at: int
    number: int
    before: tuple[str, Stored | None]


class LaggingIndex:
    """Serves the state of `seconds` ago by the workspace's clock, of the time since the lag was set."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seconds = 0.0
        self._writes: deque[_Write] = deque()
        self._number = 0

    @property
    def seconds(self) -> float:
        """How far behind the index is; 0 for an index that knows everything at once."""
        return self._seconds

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"an index cannot be {seconds} s behind; 0 or more")
        with self._store.transaction():
            if seconds and not self._seconds:
                self._store.watch(self._note)
            elif self._seconds and not seconds:
                self._store.unwatch(self._note)
                self._writes.clear()
            self._seconds = seconds

    def _note(self, changes: list[Change]) -> None:
        now = self._clock.now()
        for change in changes:
            obj = change.before or change.after
            if obj is not None and obj.kind != "user":
                self._number += 1
                self._writes.append(_Write(now, self._number, (obj.id, change.before)))

    def past(self) -> Past | None:
        """What the index does not know yet, as it was; None when it knows everything."""
        since = self._clock.now() - self._seconds * 1000
        while self._writes and self._writes[0].at <= since:
            self._writes.popleft()
        if not self._writes:
            return None
        # The oldest write of an object tells what the index has of it.
        objects = dict(write.before for write in reversed(self._writes))
        return Past(objects, self._writes[0].number * 1_000_000_007 + self._number)
