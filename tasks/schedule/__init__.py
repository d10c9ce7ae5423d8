"""When tasks run: data and pure functions. A *turn* is one start that a schedule says, whoever takes it."""

from __future__ import annotations

from tasks.schedule.period import describe, read_period
from tasks.schedule.schedule import CATCH_UPS, TIMING, Schedule, spell
from tasks.schedule.turns import MISSED, Turn, checked, next_turn

__all__ = [
    "CATCH_UPS",
    "MISSED",
    "TIMING",
    "Schedule",
    "Turn",
    "checked",
    "describe",
    "next_turn",
    "read_period",
    "spell",
]
