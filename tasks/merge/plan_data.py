"""A plan as data that can be stored, compared and read again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from tasks.merge.model import Action, Change, Link, Name, Plan
from tasks.merge.united import Own
from tasks.sides.ends import End, Labels
from tasks.values.canonical import dump
from tasks.values.date_range import DateRange
from tasks.values.opaque import Opaque
from tasks.values.references import References, untitled

_KINDS: Mapping[str, type[Action]] = {kind.__name__.lower(): kind for kind in Action.__subclasses__()}

#: What a plan says to people only.
_TOLD = frozenset({"reason", "name", "odd"})

#: How a field is read again that is not of a type that JSON text keeps (`tasks.values.canonical`).
_READ: Mapping[str, Callable[[Any], Any]] = {
    "side": End,
    "winner": End,
    "sides": lambda sides: frozenset(map(End, sides)),
    "parked": lambda sides: frozenset(map(End, sides)),
    "missing": lambda sides: frozenset(map(End, sides)),
    "changes": lambda changes: {name: Change(**change) for name, change in changes.items()},
    "own": lambda own: {name: Own(**one) for name, one in own.items()},
    "name": lambda name: Name(**name),
    "instead_of": lambda old: Link(**_restored(old)) if isinstance(old, dict) else old,
}


def plan_to_data(plan: Plan) -> dict[str, Any]:
    """The plan in values that `tasks.values.canonical.dump` keeps."""
    return {
        "actions": [
            {"action": type(action).__name__.lower(), **_plain_fields(action)} for action in plan.actions
        ],
        "in_step": plan.in_step,
        "listed": {side.value: number for side, number in plan.listed.items()},
        "void": list(plan.void),
        "labels": _plain_fields(plan.labels),
        "told": list(plan.told),
    }


def plan_from_data(data: Mapping[str, Any]) -> Plan:
    """The plan that `plan_to_data` gave."""
    actions = tuple(
        _KINDS[one["action"]](**_restored({name: one[name] for name in one if name != "action"}))
        for one in data["actions"]
    )
    listed = {End(side): number for side, number in data["listed"].items()}
    return Plan(
        actions, data["in_step"], listed, tuple(data["void"]), Labels(**data["labels"]), tuple(data["told"])
    )


def plan_digest(plan: Plan) -> str:
    """Equal for plans that do the same to the same values, in whatever order: 12 hexadecimal digits.

    Every write carries what it replaces, so a plan whose objects were edited since has another digest. One of
    which a service lists the objects in another order has the same.
    """
    done = sorted(
        dump({name: untitled(value) for name, value in action.items() if name not in _TOLD})
        for action in plan_to_data(plan)["actions"]
        if action["action"] not in ("skip", "spare")
    )
    return hashlib.sha256(dump(done).encode()).hexdigest()[:12]


def _plain_fields(thing: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(thing, field.name)) for field in fields(thing)}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, DateRange | Opaque | References):
        return _plain_fields(value)
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return value


def _restored(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _READ[name](value) if name in _READ and value is not None else value
        for name, value in data.items()
    }
