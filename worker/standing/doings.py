"""What a run did, write by write, as pages and the command line show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.merge import Effect
from tasks.sides import Labels
from worker.store import RAN, RunRecord
from worker.telling.done import done_in_words, heading
from worker.telling.numbers import some

#: Runs that a person asked for, by their kind.
ORDERED = {"apply": "An approved plan", "undo": "An undo", "restore": "A value brought back"}
_VERBS = {"create": "created", "update": "updated", "delete": "deleted"}
_NOTHING = (None, "", ())


@dataclass(frozen=True, slots=True)
class Changed:
    """One attribute, with what it was and what it becomes."""

    attribute: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Written:
    """One write."""

    effect: Effect
    #: What was done, in a word.
    verb: str
    #: Where, as it stands by itself.
    side: str
    changes: Sequence[Changed]

    @property
    def pair(self) -> tuple[str, str]:
        """The ids of its object on the left and on the right side; empty where the object is not there."""
        return pair_of_effect(self.effect)


def written(effect: Effect, sides: Labels) -> Written:
    """One write, by the names of the sides."""
    verb = _VERBS.get(effect.kind, effect.kind)
    return Written(effect, verb, heading(sides[effect.side]), changes_of(effect))


def changes_of(effect: Effect) -> list[Changed]:
    """The attributes of a write; what is nothing before and after is left out."""
    names = dict.fromkeys([*effect.before, *effect.after])
    pairs = [Changed(name, effect.before.get(name), effect.after.get(name)) for name in names]
    return [one for one in pairs if one.old not in _NOTHING or one.new not in _NOTHING]


def pair_of_effect(effect: Effect) -> tuple[str, str]:
    """The ids of the object of a write on both sides, the left one's first."""
    ids = effect.target_id or "", effect.source_id or ""
    return ids if effect.side.value == "left" else (ids[1], ids[0])


def notes_of(run: RunRecord) -> list[str]:
    """What a run left, with the reasons, but for what its own reason says."""
    return [note for note in run.notes if not run.reason.startswith(note)]


def done(run: RunRecord, sides: Labels) -> str:
    """What a run did, in words: by the names of the sides."""
    told = done_in_words({kind: number for kind, number in run.counts.items() if kind != "in_step"}, sides)
    if run.status not in RAN:
        return told
    pairs = run.counts.get("in_step") or 0
    step = f"{some(pairs, 'pair')} in step" if pairs else ""
    return "; ".join(part for part in (told or ("nothing to write" if step else ""), step) if part)
