"""Faults that wait for requests, whatever each of them does to one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Befalling(Protocol):
    """A fault, as far as it says which requests it befalls."""

    @property
    def skip(self) -> int:
        """So many matching requests are let through first."""

    @property
    def times(self) -> int:
        """So many are hit."""

    @property
    def share(self) -> float:
        """Which share of the matching requests is hit, at random."""

    @property
    def seed(self) -> int:
        """What the chance of `share` begins with."""

    def matches(self, method: str, path: str) -> bool:
        """Whether it is about such a request."""


F = TypeVar("F", bound=Befalling)


@dataclass
class Waiting(Generic[F]):
    """A fault that has not hit as often as it is to."""

    fault: F
    skip: int
    times: int
    chance: random.Random


class FaultQueue(Generic[F]):
    """The faults that wait; the first one that matches a request hits it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[Waiting[F]] = []

    def add(self, fault: F) -> None:
        """Wait for requests."""
        chance = random.Random(fault.seed)  # noqa: S311 - which request is hit, is no secret
        with self._lock:
            self._waiting.append(Waiting(fault, fault.skip, fault.times, chance))

    def clear(self) -> None:
        """Let everything through."""
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> F | None:
        """The fault that hits this request."""
        with self._lock:
            for waiting in self._waiting:
                if not waiting.fault.matches(method, path):
                    continue
                if waiting.skip > 0:
                    waiting.skip -= 1
                    continue
                if waiting.fault.share < 1 and waiting.chance.random() >= waiting.fault.share:
                    continue
                waiting.times -= 1
                if waiting.times <= 0:
                    self._waiting.remove(waiting)
                return waiting.fault
        return None
