"""How often Python looks for garbage that refers to itself."""

from __future__ import annotations

import gc

#: By generation. Python's own numbers make it walk through all that was imported, over and over, while more is.
SELDOM = (50_000, 20, 50)


def collect_seldom() -> None:
    """Let the collector of this process walk less often: a sixth of the time of a start, for no memory to speak of."""
    gc.set_threshold(*SELDOM)
