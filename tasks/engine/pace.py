"""How many pairs are under way with a side at once."""

from __future__ import annotations

#: Pairs for each write that a side takes at once: while some are with the side, the journal keeps what the others need.
LEAST, MOST = 2, 8
#: Seconds that a pair may take with so many others beside it. What was read of it must not be old when it is written.
QUICK = 0.1


class Pace:
    """More pairs share a transaction of the journal where a side answers at once; elsewhere they would only wait."""

    def __init__(self, concurrency: int) -> None:
        """`concurrency` is how many writes the side takes at once."""
        self._least, self._most = LEAST * max(1, concurrency), MOST * max(1, concurrency)
        #: How many pairs may be under way now.
        self.allowed = self._least

    def took(self, seconds: float) -> None:
        """Note how long a pair took from its begin to its end."""
        step = 1 if seconds < QUICK else -1
        self.allowed = min(max(self.allowed + step, self._least), self._most)
