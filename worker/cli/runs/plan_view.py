"""A plan as a table for a person and as data for a script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from tasks.engine.naming import names_in, tell
from tasks.merge import (
    Action,
    Adopt,
    Agree,
    Conflict,
    Create,
    Delete,
    Labels,
    Mark,
    Park,
    Plan,
    Restore,
    Skip,
    Spare,
    Unlink,
    Update,
    Withdraw,
    pair_of,
)
from tasks.values.canonical import is_empty
from worker.cli.called import IDS, Called, ids_of, labels
from worker.telling.done import heading
from worker.telling.numbers import some
from worker.telling.screen import short
from worker.telling.tables import Rows, table

#: Columns of the table.
COLUMNS = ("Action", "Object", "Side", "What", "Why", "Address")


def plan_table(plan: Plan, *, ids: bool = False) -> Rows:
    """One row for each action, in the order in which they would be done."""
    shown = [_row(action, plan.labels) for action in plan.actions]
    objects = [
        Called(pair_of(action), action.name, row[1]) for action, row in zip(plan.actions, shown, strict=True)
    ]
    names = names_in(plan)
    rows: list[tuple[str | Text, ...]] = [
        (
            kind,
            label,
            side,
            what,
            action.reason if ids else tell(action.reason, names),
            action.name.address or "-",
            *(ids_of(one) if ids else ()),
        )
        for (kind, _, side, what), label, action, one in zip(
            shown, labels(objects), plan.actions, objects, strict=True
        )
    ]
    columns = (*COLUMNS, *(IDS if ids else ()))
    spare = () if ids else ("Address",)
    return table(columns, rows, folded=("Object", "What", "Why", "Address"), spare=spare, heads=2)


def plan_summary(plan: Plan, applied: str = "") -> str:
    """The plan in one sentence, and whether it was carried out, in words where it was."""
    in_step = f"{some(plan.in_step, 'pair is', 'pairs are')} in step"
    if not plan.actions:
        return f"Nothing to do: {in_step}."
    counts = ", ".join(f"{number} {kind}" for kind, number in plan.counts().items())
    end = f"It {applied}." if applied else "Nothing was written."
    return f"{counts}; {in_step}. {end}"


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan in JSON's own types, but for values, which are as the sides gave them."""
    return {
        "actions": [_data(action) for action in plan.actions],
        "counts": plan.counts(),
        "in_step": plan.in_step,
        "listed": {side.value: number for side, number in plan.listed.items()},
        "labels": {"left": plan.labels.left, "right": plan.labels.right},
        "told": list(plan.told),
    }


def _row(action: Action, labels_of: Labels) -> tuple[str, str, str, str]:
    """Its kind, what stands for an object without a title, the side, and what is done."""
    side, thing, what = "", "", ""
    match action:
        case Create():
            side, thing, what = heading(labels_of[action.side]), _name(action.values), _values(action.values)
        case Update():
            side, thing = heading(labels_of[action.side]), action.target_id
            what = "; ".join(
                f"{name}: {short(change.old, 30)!r} → {short(change.new, 30)!r}"
                for name, change in action.changes.items()
            )
        case Delete() | Withdraw():
            side, thing, what = heading(labels_of[action.side]), action.target_id, _values(action.values)
        case Restore():
            side, thing, what = heading(labels_of[action.side]), _name(action.values), _values(action.values)
        case Mark():
            side, thing = heading(labels_of[action.side]), action.target_id
            what = f"{action.attribute}: {short(action.value, 30)!r}"
        case Park():
            side = ", ".join(heading(labels_of[end]) for end in sorted(action.sides)) or "both"
            thing = action.left_id
        case Adopt():
            side, thing = "both", action.left_id
            what = "link both" if action.name.title else f"link with {action.right_id}"
        case Agree() | Unlink():
            side, thing = "both", action.left_id
        case Conflict():
            side, thing = "both", action.left_id
            winner = labels_of[action.winner] if action.winner else "neither"
            what = (
                f"{action.attribute or 'object'}: {labels_of.left} {short(action.left, 30)!r}, "
                f"{labels_of.right} {short(action.right, 30)!r}; {winner} stays ({action.rule})"
            )
        case Skip() | Spare():
            side, thing = heading(labels_of[action.side]), action.id
    return type(action).__name__.lower(), thing, side, what


def _data(action: Action) -> dict[str, Any]:
    fields = {
        name: getattr(action, name)
        for kind in type(action).__mro__
        for name in getattr(kind, "__slots__", ())
    }
    name = fields.pop("name")
    fields |= {"title": name.title or None, "address": name.address or None}
    changes = fields.get("changes")
    if changes is not None:
        fields["changes"] = {name: {"old": change.old, "new": change.new} for name, change in changes.items()}
    return {"action": type(action).__name__.lower(), **fields}


def _name(values: Mapping[str, Any]) -> str:
    """The first value, which is what people call an object by in most tables."""
    return short(next(iter(values.values()), ""), 40)


def _values(values: Mapping[str, Any]) -> str:
    given = {name: value for name, value in values.items() if not is_empty(value)}
    return "; ".join(f"{name}: {short(value, 30)}" for name, value in given.items())
