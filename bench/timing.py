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
