"""Tasks that are defined anew while beat, workers and web process run.

The files in which tasks are defined are watched. When they change they are first read in a process of their own, which
disturbs nothing here. If all is well there they are read in this one: new tasks in the place of the old, whose runs go
on with what they began with. If anything is wrong, nothing of it counts: the old ones go on, and it is told.
"""

from __future__ import annotations

from worker.reload.files import watched
from worker.reload.watch import News, Watch

__all__ = ["News", "Watch", "watched"]
