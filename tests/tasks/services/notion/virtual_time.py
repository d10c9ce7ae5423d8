"""Time that passes only while somebody waits, so that an hour's waiting takes a moment; and chance that is drawn again
in the same way.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from sandbox.notion import Sandbox

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class VirtualTime:
    """A clock for the Notion client, its throttle, a sandbox and a sync alike."""

    def __init__(self, start: datetime = NOON) -> None:
        self.start = start
        #: Seconds since the start.
        self.passed = 0.0
        self.sandboxes: list[Sandbox] = []

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed)

    def advance(self, seconds: float) -> None:
        self.passed += seconds
        for sandbox in self.sandboxes:
            sandbox.workspace.clock.set(self.now())

    def keep(self, sandbox: Sandbox) -> None:
        """Let a sandbox tell this time."""
        self.sandboxes.append(sandbox)
        self.advance(0)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let a data source live by this clock."""
        clock = _Like(time, time=lambda: self.now().timestamp(), monotonic=lambda: self.passed)
        waiting = _Like(asyncio, sleep=self.sleep)
        for module in ("api.client", "pages.body", "rows.trash"):
            monkeypatch.setattr(f"tasks.services.notion.{module}.time", clock)
        # Of a machine that sleeps: what must not count from it is counted by another clock.
        monkeypatch.setattr("tasks.services.notion.rows.reading.time", _Like(clock, monotonic=lambda: 0.0))
        for module in ("rows.reading", "rows.writing", "api.throttle"):
            monkeypatch.setattr(f"tasks.services.notion.{module}.boot_seconds", lambda: self.passed)
        monkeypatch.setattr("tasks.services.notion.api.client.asyncio", waiting)
        monkeypatch.setattr("tasks.waits.pass_time", self.sleep)

    async def sleep(self, seconds: float) -> None:
        """Wait: others go on first, and what they wait for passes as well."""
        until = self.passed + seconds
        await asyncio.sleep(0)
        if until > self.passed:
            self.advance(until - self.passed)


def draw_from(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ids of a sandbox, and what a client adds to its waiting, follow from a seed: both decide orders."""
    chance = Random(seed)
    ids = _Like(uuid, uuid4=lambda: uuid.UUID(int=chance.getrandbits(128), version=4))
    monkeypatch.setattr("sandbox.notion.state.ids.uuid", ids)
    monkeypatch.setattr("sandbox.notion.state.ids._random", chance)
    monkeypatch.setattr("tasks.services.notion.api.client.random", Random(seed))


class _Like:
    """A module with some functions of its own."""

    def __init__(self, module: Any, **functions: Any) -> None:
        self._module = module
        self.__dict__.update(functions)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)
