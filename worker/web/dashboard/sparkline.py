"""The last runs of a task as a small picture: a bar each, as high as the run was long. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from worker.store import RunRecord
from worker.telling.numbers import some
from worker.telling.spans import span
from worker.web.dashboard.wording import counted, tone

#: In the picture's own units.
BAR, GAP, HEIGHT, LOWEST = 5, 2, 28, 4


@dataclass(frozen=True, slots=True)
class Bar:
    """One run."""

    x: int
    y: float
    height: float
    tone: str
    #: What it stands for.
    title: str


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The picture."""

    bars: Sequence[Bar]
    width: int
    height: int
    #: The same in words, for who does not see it.
    label: str


def sparkline(runs: Sequence[RunRecord], places: int) -> Sparkline:
    """The picture of these runs, given the newest first; the newest stands on the right.

    Lengths are compared by their logarithms, as they differ by orders of magnitude. A run that went wrong is as high as
    the picture, whatever it took.
    """
    shown = list(reversed(runs[:places]))
    longest = max((run.seconds or 0 for run in shown), default=0)
    bars = []
    for place, run in enumerate(shown, start=places - len(shown)):
        share = math.log1p(run.seconds or 0) / math.log1p(longest) if longest else 0
        colour = tone(run.status)
        height = HEIGHT if colour == "bad" else round(LOWEST + (HEIGHT - LOWEST) * 0.8 * share, 1)
        took = f" in {span(run.seconds)}" if run.seconds is not None else ""
        bars.append(
            Bar(place * (BAR + GAP), round(HEIGHT - height, 1), height, colour, f"{run.status}{took}")
        )
    label = (
        f"The last {some(len(shown), 'run')}: {counted(run.status for run in shown)}"
        if shown
        else "No runs yet"
    )
    return Sparkline(bars, places * (BAR + GAP) - GAP, HEIGHT, label)
