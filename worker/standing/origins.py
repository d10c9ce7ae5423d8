"""Where the values of an object came from, write by write. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.merge import Effect, End
from tasks.sides import Labels
from tasks.values.canonical import same
from worker.standing.doings import changes_of
from worker.standing.objects import Known
from worker.store import RunRecord
from worker.store.tables.conflicts import ConflictRecord
from worker.store.tables.effects import KeptEffect

#: Where values come from in runs that a person asked for.
_ORDERED = {"undo": "an undo", "restore": "the ledger"}
_DONE = {"create": "created", "update": "", "delete": "deleted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of a value at one moment."""

    at: datetime
    run_id: str
    #: `None` where it is about the object as a whole.
    attribute: str | None
    #: Where the value came from, and where it went, as people call the sides.
    source: str
    target: str
    old: Any
    new: Any
    #: What else there is to say of the write.
    note: str = ""
    #: The side that was written; `None` of a conflict, which by itself writes nothing.
    side: End | None = None
    #: Of a conflict, its line in the ledger.
    conflict: ConflictRecord | None = None


def steps_of(
    effects: Iterable[KeptEffect],
    conflicts: Iterable[ConflictRecord],
    runs: Mapping[str, RunRecord],
    sides: Labels,
) -> list[Step]:
    """What became of the values of an object, the oldest first; a conflict comes before the write that followed.

    Args:
        effects: what was written to it on either side, in order.
        conflicts: its lines in the ledger.
        runs: those that are in the history still, by their ids.
        sides: what people call the sides.
    """
    made = [step for kept in effects for step in _written(kept, runs.get(kept.run_id), sides)]
    fought = [_fought(record) for record in conflicts]
    return sorted([*fought, *made], key=lambda step: step.at)


def _written(kept: KeptEffect, run: RunRecord | None, sides: Labels) -> Iterable[Step]:
    effect = kept.effect
    notes = [_DONE.get(effect.kind, effect.kind)]
    if run is not None and run.status not in ("succeeded", "conflicts", "incomplete"):
        notes.append(f"the run was {run.status}" if run.status == "halted" else f"the run: {run.status}")
    ordered = _ORDERED.get((run.kind if run is not None else None) or "")
    for attribute, old, new in _parts(effect):
        yield Step(
            at=kept.at,
            run_id=kept.run_id,
            attribute=attribute,
            source=ordered or sides[effect.side.opposite],
            target=sides[effect.side],
            old=old,
            new=new,
            note=", ".join(note for note in notes if note),
            side=effect.side,
        )


def _parts(effect: Effect) -> Iterable[tuple[str | None, Any, Any]]:
    """What a write did to each attribute; a deletion is one thing."""
    if effect.kind == "delete":
        return [(None, dict(effect.before), None)]
    return [(one.attribute, one.old, one.new) for one in changes_of(effect)]


def _fought(record: ConflictRecord) -> Step:
    entry = record.entry
    stayed, lost = entry.stayed, entry.lost
    return Step(
        at=record.at,
        run_id=record.run_id,
        attribute=entry.attribute,
        source=" and ".join(version.where for version in stayed) or "a rule",
        target=" and ".join(version.where for version in lost),
        old=lost[0].value if lost else entry.base,
        new=stayed[0].value if len(stayed) == 1 else None,
        note=f"conflict {record.id}: {entry.why or entry.rule}",
        conflict=record,
    )


def attributes_of(known: Known, steps: Sequence[Step]) -> list[str]:
    """All attributes of which there is anything to say: as the base has them, then others that were written once."""
    base = [] if known.link is None else [*known.link.left, *known.link.right]
    return list(dict.fromkeys([*base, *(step.attribute for step in steps if step.attribute is not None)]))


def since_then(step: Step, known: Known) -> str:
    """What there is to say after the last write of a value where the base has another one; else empty."""
    if known.link is None or step.side is None or step.attribute is None:
        return ""
    base = known.link.base_on(step.side).get(step.attribute)
    if same(base, step.new):
        return ""
    if same(base, step.old):
        return f"The write is not proved yet: the next run looks at what {step.target} shows."
    return f"Since then {step.target} came to show what it shows now without a write."
