"""How much of a budget is used, and how long requests wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskUse:
    """What one task drew from a budget in the last minute."""

    requests: float = 0.0
    #: Seconds that its requests waited for their slots, all together.
    waited: float = 0.0

    def plus(self, *, requests: float, waited: float) -> TaskUse:
        """The same with so much more."""
        return TaskUse(self.requests + requests, self.waited + waited)


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The use of one token's budget in the last minute, by all processes together."""

    #: A digest, from which the token cannot be told.
    name: str
    #: Requests per second that may be sent on average.
    rate: float
    #: Seconds for which Notion has asked everybody to stop, from now.
    paused_for: float
    #: How often Notion asked for that since the budget is in use.
    pauses: int
    #: Processes that sent requests in the last minutes.
    processes: int
    #: By the name of the task; "" are requests that no task sent.
    tasks: Mapping[str, TaskUse] = field(default_factory=dict)

    @property
    def requests(self) -> float:
        """Requests of the last sixty seconds; the first part of them is estimated from the minute before."""
        return sum(task.requests for task in self.tasks.values())

    @property
    def waited(self) -> float:
        """Seconds that they waited for their slots, all together."""
        return sum(task.waited for task in self.tasks.values())

    @property
    def share(self) -> float:
        """Requests of the last minute as a share of what the budget allows; a burst may exceed 1."""
        return self.requests / (60 * self.rate)

    def to_json(self) -> dict[str, Any]:
        """The same for scripts and pages."""
        return {
            "name": self.name,
            "rate": round(self.rate, 3),
            "requests": round(self.requests, 1),
            "share": round(self.share, 3),
            "waited": round(self.waited, 3),
            "paused_for": round(self.paused_for, 1),
            "pauses": self.pauses,
            "processes": self.processes,
            "tasks": {
                name: {"requests": round(task.requests, 1), "waited": round(task.waited, 3)}
                for name, task in sorted(self.tasks.items())
            },
        }
