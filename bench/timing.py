"""Timing that two candidates share: they take turns, so that both meet the same weather."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


def in_turns(*candidates: Callable[[], None], rounds: int = 7) -> list[float]:
    """The median seconds of each candidate over some rounds in which all take their turn."""
    seconds: list[list[float]] = [[] for _ in candidates]
    for _ in range(rounds):
        for times, candidate in zip(seconds, candidates, strict=True):
            began = time.perf_counter()
            candidate()
            times.append(time.perf_counter() - began)
    return [median(times) for times in seconds]


def cpu_in_turns(*candidates: Callable[[], None], rounds: int = 7) -> list[float]:
    """The least CPU seconds, user and system, that this process used for each candidate; they take turns.

    Other work on the machine changes these far less than the time.
    """
    seconds: list[list[float]] = [[] for _ in candidates]
    for _ in range(rounds):
        for used, candidate in zip(seconds, candidates, strict=True):
            before = time.process_time()
            candidate()
            used.append(time.process_time() - before)
    return [min(used) for used in seconds]
