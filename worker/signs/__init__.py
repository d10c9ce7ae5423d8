"""Signs of life: what schedulers and workers tell of themselves every few seconds, and who reads it.

They lie in Redis, since they may be lost, and are timed by its clock alone. A *sign* says who gives it, since when
it runs, what it runs now, and which tasks it has read, so that others can see where their own file says something
else. The last sign of a process that ended stays for a while: then it can be said since when nobody is there.
"""

from __future__ import annotations

from worker.signs.board import Board
from worker.signs.life import Life
from worker.signs.record import SCHEDULER, WORKER, Definition, Running, Sign, Signs

__all__ = ["SCHEDULER", "WORKER", "Board", "Definition", "Life", "Running", "Sign", "Signs"]
