"""How fast requests go out: writes a second apart, and nothing at all while GitHub asks to wait."""

from __future__ import annotations

import hashlib
import threading

from tasks.clock import boot_seconds

#: Seconds between two writes, as GitHub advises against its secondary limits.
WRITE_SECONDS = 1.0


class Pace:
    """What all users of one login keep to, in this process."""

    def __init__(self, write_seconds: float = WRITE_SECONDS) -> None:
        self._write_seconds = write_seconds
        self._lock = threading.Lock()
        self._next_write = 0.0
        self._paused_until = 0.0

    def turn(self, *, write: bool) -> float:
        """Take the next turn; the seconds until it comes."""
        with self._lock:
            now = boot_seconds()
            at = max(now, self._paused_until)
            if write:
                at = max(at, self._next_write)
                self._next_write = at + self._write_seconds
            return at - now

    def pause(self, seconds: float) -> None:
        """Let nobody send for so long; a longer pause that is under way stays."""
        with self._lock:
            self._paused_until = max(self._paused_until, boot_seconds() + seconds)

    @property
    def pause_left(self) -> float:
        """Seconds until anybody may send again."""
        with self._lock:
            return max(0.0, self._paused_until - boot_seconds())


_shared: dict[str, Pace] = {}
_lock = threading.Lock()


def pace_of(secret: str) -> Pace:
    """The pace that all users of a login in this process share."""
    name = hashlib.sha256(secret.encode()).hexdigest()
    with _lock:
        return _shared.setdefault(name, Pace())
