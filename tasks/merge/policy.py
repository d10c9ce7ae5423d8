"""How the sides are brought together: who wins, what counts as equal, how much a run may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.merge.deletion import PROPAGATE, Deletion
from tasks.merge.model import Link, Snapshot
from tasks.merge.scope import Window
from tasks.sides.ends import ID, UNLABELLED, End, Labels
from tasks.values.canonical import same
from tasks.values.lossy import Lossy
from tasks.values.references import References


@dataclass(frozen=True, slots=True)
class Dispute:
    """One attribute that both sides changed to different values, for a resolver to decide."""

    left_id: ID
    right_id: ID
    attribute: str
    #: What both agreed on last; `None` also where they never did.
    base: Any
    left: Any
    right: Any
    left_edited: datetime | None
    right_edited: datetime | None


class _Unresolved:
    def __repr__(self) -> str:
        return "UNRESOLVED"


#: What a resolver returns to leave both sides as they are, for a person to decide.
UNRESOLVED = _Unresolved()


@dataclass(frozen=True, slots=True)
class Policy:
    """How the sides are brought together."""

    #: The attributes that are kept in step.
    attributes: tuple[str, ...]
    #: `newer`, `left`, `right` or `error`.
    mode: str = "newer"
    #: Edits closer than this are simultaneous.
    granularity: timedelta = timedelta(minutes=1)
    #: The modes of single attributes, where they differ from `mode`.
    modes: Mapping[str, str] = field(default_factory=dict)
    #: Decides before any mode does: gives the value that stays, or `UNRESOLVED`.
    resolver: Callable[[Dispute], Any] | None = None
    #: Whether the task settles conflicts by a method of its own, as the plan is carried out.
    by_method: bool = False
    #: Whether an object that was edited on one side survives its deletion on the other.
    edit_beats_delete: bool = True
    #: What a deletion does to the object across, by the end at which that one is; else it is deleted as well.
    deletions: Mapping[End, Deletion] = field(default_factory=dict)
    #: What one side cannot show in full, by attribute.
    lossy: Mapping[str, Lossy] = field(default_factory=dict)
    #: The only end to which an attribute goes, where it does not go both ways; the other end is never written.
    only_to: Mapping[str, End] = field(default_factory=dict)
    #: By end, what new objects there get where their source leaves an attribute empty. It is no edit: each side's base
    #: is what it shows.
    defaults: Mapping[End, Mapping[str, Any]] = field(default_factory=dict)
    #: The only end that is ever written, where the task is a mirror of the other one.
    mirror_to: End | None = None
    #: Whether what people edit or delete in a mirror stays so until its source changes; else it is written over.
    keeps_target_edits: bool = False
    #: What becomes of a pair of which a record leaves what the task takes, by the end of that record: `keep`, `unlink`
    #: or `delete`, which is for the other record.
    leaves: Mapping[End, str] = field(default_factory=dict)
    #: Whether somebody said so. By default it is done where an object is listed and left out; one that is not listed,
    #: and not deleted either, may only be hidden by a listing that lags.
    leave_said: bool = True
    #: How far from now the time of what the task takes may be.
    window: Window | None = None
    #: Whether objects are paired by match keys, of which none is ever guessed.
    plainly: bool = False
    #: The ends at which new objects are made.
    creates: frozenset[End] = frozenset(End)
    #: The ends of which nothing is made across that was there before the first sync …
    spares: frozenset[End] = frozenset()
    #: … and what was there; none of an end of which that is not known yet: all counts as there before.
    there_before: Mapping[End, frozenset[ID]] = field(default_factory=dict)
    #: Whether that of an end was known which is not spared any more: something is to be made of it now.
    spared_before: bool = False
    #: Whether each of these objects is named in the plan, also when they are known.
    names_spared: bool = False
    #: How long an object must have been left alone before anything is done with it.
    settle: timedelta = timedelta(0)
    #: The ends at which an attribute refers to one object at most.
    single: Mapping[str, frozenset[End]] = field(default_factory=dict)
    #: The attributes that refer to objects which the task itself keeps in step.
    inward: frozenset[str] = frozenset()
    #: Whether the listings are of another scope than those of the last run: what is missing was not deleted.
    scope_changed: bool = False
    #: A run may delete this share of the linked objects …
    delete_share: float = 0.5
    #: … and overwrite or blank one attribute on this share …
    change_share: float = 0.5
    #: … and so many in any case: a handful in a short list is everyday work.
    handful: int = 5
    #: What people call the sides.
    labels: Labels = UNLABELLED
    #: What a person should know of these rules before a plan is carried out, in a sentence each.
    told: tuple[str, ...] = ()

    def deletion_in(self, side: End) -> Deletion:
        """What becomes of an object on a side when the one across is deleted."""
        return self.deletions.get(side, PROPAGATE)

    def leave_of(self, side: End) -> str:
        """What becomes of a pair whose record on a side leaves what the task takes."""
        return self.leaves.get(side, "keep")

    def leave_unlisted(self, side: End) -> str:
        """The same where the record is just not listed, though its side says that it is there."""
        return self.leave_of(side) if self.leave_said else "keep"

    def mode_of(self, attribute: str) -> str:
        """The mode of one attribute."""
        return self.modes.get(attribute, self.mode)

    def goes_to(self, attribute: str, side: End) -> bool:
        """Whether an attribute is ever written on a side."""
        return self.only_to.get(attribute, side) is side

    def writes(self, side: End) -> bool:
        """Whether objects of a side are written, made or deleted at all."""
        return self.mirror_to in (None, side)

    def makes(self, side: End) -> bool:
        """Whether new objects are made on a side."""
        return self.writes(side) and side in self.creates

    @property
    def wants_all(self) -> bool:
        """Whether a listing of changes does not do: what is spared is looked for, told, or not spared any more."""
        return self.is_first or self.names_spared or self.spared_before

    @property
    def is_first(self) -> bool:
        """Whether it is not known yet what was there before the first sync."""
        return not self.spares <= self.there_before.keys()

    def is_spared(self, side: End, record_id: ID) -> bool:
        """Whether nothing is made across of an object, as it was there before the first sync."""
        known = self.there_before.get(side)
        return side in self.spares and (known is None or record_id in known)

    def may_stay_alone(self, side: End) -> bool:
        """Whether there may be objects on a side that have no counterpart, and are left so."""
        return side.opposite not in self.creates or (
            side in self.spares and self.there_before.get(side) != frozenset()
        )

    def shown(self, attribute: str, value: Any, side: End) -> Any:
        """What a side shows of a value of the opposite side."""
        lossy = self.lossy.get(attribute)
        if lossy is not None and lossy.side == side:
            value = _declared(attribute, lossy.show, value)
        return value.carried if isinstance(value, References) else value

    def agree(self, attribute: str, left: Any, right: Any, link: Link | None = None) -> bool:
        """Whether two values are equal, as far as the coarser side can show them; `link` is their pair, if known."""
        lossy = self.lossy.get(attribute)
        if lossy is None or same(left, right):
            return same(left, right)
        full, shown = (left, right) if lossy.side == End.RIGHT else (right, left)
        base = None if link is None else link.base_on(End(lossy.side)).get(attribute)
        return bool(_declared(attribute, lossy.agrees, full, shown, base))

    def carried(self, attribute: str, source: Any, target: Any, side: End, base: Any = None) -> Any:
        """What is to be written on `side`, which shows `target`, so that it agrees with `source`.

        Args:
            attribute: its name.
            source: what the opposite side shows.
            target: what `side` shows.
            side: where it is to be written.
            base: what the opposite side showed when both agreed last; `None` where that is not known.
        """
        lossy = self.lossy.get(attribute)
        if lossy is None:
            return self.shown(attribute, source, side)
        if lossy.side == side.opposite:
            return _declared(attribute, lossy.widened, source, target, base)
        return _declared(attribute, lossy.narrowed, source, target)


def _declared(attribute: str, function: Callable[..., Any], *values: Any) -> Any:
    """What a function of a declaration gives.

    Raises:
        TaskDefinitionError: it fails on the values that are there.
    """
    try:
        return function(*values)
    except Exception as error:  # a person's code may raise anything
        raise TaskDefinitionError(
            f"what is declared lossy of attribute {attribute!r} fails on its values "
            f"({type(error).__name__}: {error}); nothing was written"
        ) from error


def in_window(snapshot: Snapshot, policy: Policy, now: datetime) -> Snapshot:
    """The snapshot with those of its records named that the task's window of time leaves out now."""
    window = policy.window
    if window is None:
        return snapshot
    out = (record.id for record in snapshot.records.values() if not window.holds(record.values, now))
    return replace(snapshot, out_of_window=frozenset(out))
