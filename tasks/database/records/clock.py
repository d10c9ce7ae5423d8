"""A clock that says which of two edits is newer, whoever made them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from tasks.database.exceptions import ClockDriftError, InvalidParameterError
from tasks.database.records.record import STAMP_MAX

COUNTER_BITS = 16

#: Stamps are reserved so far ahead, in milliseconds: a clock writes its bound once in this time at most.
RESERVED_MS = 10_000


class ClockBound(Protocol):
    """Where the stamp is kept above which none was given out."""

    def get_clock_bound(self) -> int:
        """The bound; 0 where there is none."""
        ...

    def save_clock_bound(self, bound: int) -> None:
        """Keep a bound; it only ever grows."""
        ...


def wall_ms() -> int:
    """Milliseconds since 1970 by the machine's clock."""
    return time.time_ns() // 1_000_000


class HybridLogicalClock:
    """Gives 64-bit stamps: milliseconds << 16 | counter. They grow strictly, whatever the wall clock does.

    Args:
        wall: milliseconds since 1970.
        bound: keeps an upper bound, so that stamps go on growing after a restart with the wall clock moved back.
        drift_max_ms: how far ahead of the wall clock a stamp may be that `receive` takes; `None`: any.
    """

    def __init__(
        self,
        wall: Callable[[], int] = wall_ms,
        bound: ClockBound | None = None,
        *,
        drift_max_ms: int | None = None,
    ) -> None:
        if drift_max_ms is not None and drift_max_ms < 0:
            raise InvalidParameterError(f"drift_max_ms must be non-negative or None, got {drift_max_ms}")
        self._wall = wall
        self._drift_max_ms = drift_max_ms
        self._guard = threading.RLock()
        self._last = 0
        self._reserved = 0
        self._bound: ClockBound | None = None
        if bound is not None:
            self.keep_bound(bound)

    @property
    def has_bound(self) -> bool:
        """Whether the clock survives a restart."""
        return self._bound is not None

    @property
    def bound(self) -> int:
        """No stamp above it was given out."""
        return self._reserved

    def keep_bound(self, bound: ClockBound) -> None:
        """From now on, keep the upper bound there; a bound that is there already is obeyed."""
        with self._guard:
            self._last = max(self._last, bound.get_clock_bound())
            self._reserved = self._last
            self._bound = bound

    def wall(self) -> int:
        """Milliseconds since 1970 by the wall clock."""
        return self._wall()

    def now(self) -> int:
        """A stamp larger than all that this clock gave out or received."""
        with self._guard:
            self._advance(max(self._last + 1, self._wall() << COUNTER_BITS))
            return self._last

    def peek(self) -> int:
        """The stamp that `now` would give, without giving it out."""
        with self._guard:
            return max(self._last + 1, self._wall() << COUNTER_BITS)

    def receive(self, remote: int) -> int:
        """Take note of a peer's stamp, and give one that is larger.

        Raises:
            ClockDriftError: the stamp is too far in the future; the clock stays as it was.
            InvalidParameterError: it is no stamp.
        """
        if isinstance(remote, bool) or not isinstance(remote, int) or not 0 <= remote < STAMP_MAX:
            raise InvalidParameterError(f"a stamp must be from 0 to 2**63 - 2, got {remote!r}")
        wall = self._wall()
        ahead = (remote >> COUNTER_BITS) - wall
        if self._drift_max_ms is not None and ahead > self._drift_max_ms:
            raise ClockDriftError(f"a peer's stamp is {ahead} ms ahead of this node's clock")
        with self._guard:
            self._advance(max(self._last + 1, remote + 1, wall << COUNTER_BITS))
            return self._last

    def follow(self) -> None:
        """Go back with the bound where somebody has set it back: the stamps above it are void (see `restamp`)."""
        with self._guard:
            if self._bound is not None and (bound := self._bound.get_clock_bound()) < self._reserved:
                self._last = self._reserved = bound

    def reserve(self) -> None:
        """Have stamps for some seconds, so that `now` need not write in the middle of a transaction."""
        with self._guard:
            if self._bound is not None and self.peek() + (RESERVED_MS << COUNTER_BITS) // 2 > self._reserved:
                self._keep(self.peek())

    def keep_reserved(self) -> None:
        """Keep the bound once more, where a transaction that was undone has taken it back with all else.

        Else a clock that starts from there could give stamps before those that are known already.
        """
        with self._guard:
            if self._bound is not None and self._bound.get_clock_bound() < self._reserved:
                self._bound.save_clock_bound(self._reserved)

    def _advance(self, stamp: int) -> None:
        if self._bound is not None and stamp > self._reserved:
            self._keep(stamp)
        self._last = stamp

    def _keep(self, stamp: int) -> None:
        reserved = stamp + (RESERVED_MS << COUNTER_BITS)
        assert self._bound is not None  # noqa: S101  both callers have looked
        self._bound.save_clock_bound(reserved)
        self._reserved = reserved
