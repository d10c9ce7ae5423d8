"""A plan, line by line, as a page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.engine.naming import names_in, tell
from tasks.merge import (
    Action,
    Adopt,
    Conflict,
    Create,
    Delete,
    Labels,
    Mark,
    Name,
    Park,
    Plan,
    Restore,
    Skip,
    Spare,
    Update,
    Withdraw,
)
from worker.standing.doings import Changed
from worker.telling.done import heading

#: Lines that a page shows; the command line shows all.
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One action."""

    #: What is done, in a word.
    verb: str
    #: Where.
    side: str
    name: Name
    #: What stands for an object without a title.
    known: str
    changes: Sequence[Changed]
    reason: str


def lines_of(plan: Plan) -> list[Line]:
    """The first lines of a plan, in the order in which they would be done."""
    names = names_in(plan)
    return [_line(action, plan.labels, tell(action.reason, names)) for action in plan.actions[:LONGEST]]


def _line(action: Action, labels: Labels, reason: str) -> Line:
    side, known, changes = "both sides", "an object without a title", list[Changed]()
    match action:
        case Create() | Restore():
            side, changes = heading(labels[action.side]), _coming(action.values)
            known = str(next(iter(action.values.values()), "")) or known
        case Update():
            side = heading(labels[action.side])
            changes = [Changed(name, change.old, change.new) for name, change in action.changes.items()]
        case Delete() | Withdraw():
            side, changes = heading(labels[action.side]), _going(action.values)
            known = str(next(iter(action.values.values()), "")) or known
        case Mark():
            side, changes = heading(labels[action.side]), [Changed(action.attribute, None, action.value)]
        case Park():
            side = ", ".join(heading(labels[end]) for end in sorted(action.sides)) or side
        case Conflict():
            stays = labels[action.winner] if action.winner else "neither"
            side = f"{heading(stays)} stays"
            changes = [Changed(action.attribute or "the object", action.left, action.right)]
        case Skip() | Spare():
            side = heading(labels[action.side])
    verb = "link" if isinstance(action, Adopt) else type(action).__name__.lower()
    return Line(verb, side, action.name, known, changes, reason)


def _coming(values: Mapping[str, Any]) -> list[Changed]:
    return [Changed(name, None, value) for name, value in values.items() if value not in (None, "", ())]


def _going(values: Mapping[str, Any]) -> list[Changed]:
    return [Changed(name, value, None) for name, value in values.items() if value not in (None, "", ())]
