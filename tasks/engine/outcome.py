"""What came of a plan, object by object."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tasks.merge import (
    Action,
    Create,
    Delete,
    Mark,
    Name,
    Park,
    Restore,
    Skip,
    Spare,
    Update,
    Values,
    Withdraw,
    pair_of,
)
from tasks.sides import ID, End, Labels
from tasks.values.canonical import is_empty, same


@dataclass(slots=True)
class Outcome:
    """What came of a plan."""

    counts: Counter[str] = field(default_factory=Counter)
    #: Object and what went wrong with it.
    failures: list[str] = field(default_factory=list)
    #: Object and why it was left as it is.
    skipped: list[str] = field(default_factory=list)
    #: What a side did not show, so that nothing could be done about it.
    missed: list[str] = field(default_factory=list)
    #: What a person should know of that was done: values that a side keeps otherwise than they were written.
    notes: list[str] = field(default_factory=list)
    #: The pairs behind `failures`, with the reason.
    failed: dict[tuple[ID, ID], str] = field(default_factory=dict)
    #: The pairs behind `skipped` and behind unresolved conflicts, with the reason.
    left: dict[tuple[ID, ID], str] = field(default_factory=dict)
    #: Those of them of which a side does not say whether an object is deleted.
    unclear: set[tuple[ID, ID]] = field(default_factory=set)
    #: How many were left because they failed before.
    held: int = 0
    conflicts: int = 0
    #: Conflicts of which neither side was written.
    unresolved: int = 0
    #: What people call the objects of the plan, and those that were made, by what their side is called and id.
    names: dict[tuple[str, ID], Name] = field(default_factory=dict)

    def add(self, part: Outcome) -> None:
        """Count in what came of a part."""
        self.counts += part.counts
        self.failures += part.failures
        self.skipped += part.skipped
        self.missed += part.missed
        self.notes += part.notes
        self.failed |= part.failed
        self.left |= part.left
        self.unclear |= part.unclear
        self.conflicts += part.conflicts
        self.unresolved += part.unresolved
        self.held += part.held
        self.names |= part.names


def kept_otherwise(here: str, across: str, obj_id: ID, written: Values, shown: Values) -> list[str]:
    """A line on the values that a side keeps otherwise than they were written, if there are any.

    What it shows is its base, so the value across stays as it is, and neither is written again for that.
    """
    names = [
        name
        for name, value in written.items()
        if name in shown and not same(shown[name], value) and not (is_empty(shown[name]) and is_empty(value))
    ]
    if not names:
        return []
    return [
        f"{here} {obj_id}: {', '.join(names)} {'is' if len(names) == 1 else 'are'} kept otherwise than written "
        f"(cut, dropped or changed by the service); in {across} nothing changes for that"
    ]


def apart(action: Park | Mark, labels: Labels) -> list[str]:
    """What a person should know of a pair that is synced no more."""
    if isinstance(action, Mark):
        side, obj_id = action.side, action.target_id
    else:
        side = next((end for end in End if end not in action.sides), End.LEFT)
        obj_id = action.left_id if side is End.LEFT else action.right_id
    return [f"{labels[side]} {obj_id}: {action.reason}, where it is synced no more"]


def describe(action: Action, labels: Labels) -> str:
    """An action in a few words, with the ids it touches."""
    match action:
        case Create(side=side, source_id=source):
            return f"create in {labels[side]} for {source}"
        case Update(side=side) | Delete(side=side) | Mark(side=side) | Withdraw(side=side):
            return f"{type(action).__name__.lower()} {action.target_id} in {labels[side]}"
        case Restore(side=side):
            return f"restore {action.former_id} in {labels[side]}"
        case Skip(side=side, id=skipped) | Spare(side=side, id=skipped):
            return f"leave {skipped} in {labels[side]}"
    left, right = pair_of(action)
    return f"{type(action).__name__.lower()} {left} and {right}"
