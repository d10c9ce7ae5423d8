"""A shorter history that breaks the same thing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from tasks.testing.histories.history import History, Run

#: How many histories are tried at most to find a shorter one.
TRIES = 400


async def shrink(history: History, breaks: Callable[[History], Awaitable[bool]]) -> History:
    """The shortest history found by leaving out parts while it still breaks.

    Args:
        history: one that breaks.
        breaks: whether a history breaks in the same way.
    """
    tries = 0
    found = True
    while found and tries < TRIES:
        found = False
        for shorter in _shorter(history):
            tries += 1
            if tries > TRIES:
                break
            if await breaks(shorter):
                history, found = shorter, True
                break
    return history


def _shorter(history: History) -> Iterator[History]:
    """Candidates with less in them, those that leave out most first."""
    steps = history.steps
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield replace(history, steps=steps[:start] + steps[start + size :])
        size //= 2
    if history.refused is not None:
        yield replace(history, refused=None)
    for place, step in enumerate(steps):
        if isinstance(step, Run):
            for simpler in _simpler(step):
                yield replace(history, steps=(*steps[:place], simpler, *steps[place + 1 :]))


def _simpler(run: Run) -> Iterator[Run]:
    if not run.clean:
        yield Run(soon=run.soon)
    for fault in run.faults:
        yield replace(run, faults=tuple(one for one in run.faults if one != fault))
    for hidden in run.hidden:
        yield replace(run, hidden=tuple(one for one in run.hidden if one != hidden))
    if run.soon:
        yield replace(run, soon=False)
