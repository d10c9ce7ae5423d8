"""Probe tasks whose process kills itself right before or after one of its effects.

Effects are the writes to both sides, the entries in the journal and in the history, and the taking and
releasing of the lock. `CRASH_AT` is the effect's number, from 0, and `CRASH_WHEN` is `before` or `after`;
-1 is none of them. A worker loads this module as
`LOCKSTEP_TASKS=tests.worker.session.crash_probe`, with `PROBE_TASKS=[]`.
"""

from __future__ import annotations

import functools
import inspect
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.harness.probe_tasks import ProbeTask
from tests.harness.sides import ProbeSpec, Row
from worker.lock import RedisSyncLock
from worker.store import SqlJournal
from worker.store.tables.runs import Runs

#: Where the effects of a run are, besides the sides.
PLACES: dict[type, tuple[str, ...]] = {
    SqlJournal: ("begin", "confirm", "keep_conflict", "remember"),
    Runs: ("begin", "finish"),
    RedisSyncLock: ("acquire", "release"),
}


class Effects:
    """Counts the effects of this process, and ends it at one of them."""

    def __init__(self, at: int = -1, when: str = "") -> None:
        self.at, self.when = at, when
        self.names: list[str] = []
        self._guard = threading.Lock()

    @contextmanager
    def effect(self, name: str) -> Iterator[None]:
        with self._guard:
            number = len(self.names)
            self.names.append(name)
        if (number, "before") == (self.at, self.when):
            os.kill(os.getpid(), signal.SIGKILL)
        yield
        if (number, "after") == (self.at, self.when):
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function as an effect."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def later(*args: Any, **kwargs: Any) -> Any:
                with self.effect(name):
                    return await function(*args, **kwargs)

            return later

        @functools.wraps(function)
        def now(*args: Any, **kwargs: Any) -> Any:
            with self.effect(name):
                return function(*args, **kwargs)

        return now

    def install(self) -> None:
        """Count what this process does to the store and to the lock."""
        for owner, names in PLACES.items():
            for name in names:
                setattr(owner, name, self.around(f"{owner.__name__}.{name}", getattr(owner, name)))


class CrashTask(ProbeTask):
    """A probe that writes an object once, and counts that."""

    def __init__(self, spec: ProbeSpec, directory: Path, effects: Effects) -> None:
        super().__init__(spec, directory)
        self.effects = effects

    async def _write(self, side: Any, op: str, *args: str, **attrs: Any) -> Any:
        with self.effects.effect(f"{side.path.stem} {op}"):
            return await super()._write(side, op, *args, **attrs)

    async def notion_update_attrs(self, obj: Row, changes: dict[str, Any]) -> Row:
        return await self._write(self.sides.notion, "update", obj.id, **changes)

    async def other_update_attrs(self, obj: Row, changes: dict[str, Any]) -> Row:
        return await self._write(self.sides.other, "update", obj.id, **changes)


if "CRASH_WHEN" in os.environ:
    counted = Effects(int(os.environ["CRASH_AT"]), os.environ["CRASH_WHEN"])
    counted.install()
    CrashTask(ProbeSpec(), Path(os.environ["PROBE_DIR"]), counted).run_every(seconds=1).schedule()
