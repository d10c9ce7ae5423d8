"""What a process keeps: how many objects there are of each type."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable

#: Times before the first look, which fill what is filled once, and those between the looks.
BEFORE, BETWEEN = 3, 8


def grown(work: Callable[[int], object]) -> dict[str, int]:
    """The types of which there is one more for each time, or nearly so, that work was done; it is given the number."""
    _objects()  # also to look leaves something, once
    for number in range(BEFORE):
        work(number)
    before = _objects()
    for number in range(BEFORE, BEFORE + BETWEEN):
        work(number)
    more = _objects()
    more.subtract(before)
    # What another test left may be going meanwhile.
    return {name: number for name, number in more.items() if number >= BETWEEN / 2}


def _objects() -> Counter[str]:
    gc.collect()
    return Counter(f"{type(one)}" for one in gc.get_objects())
