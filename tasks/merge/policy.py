"""How the sides are brought together: who wins, what counts as equal, how much a run may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tasks.errors import TaskDefinitionError
from tasks.sides.ends import ID, UNLABELLED, End, Labels
from tasks.values.canonical import same
from tasks.values.lossy import Lossy


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
    #: What one side cannot show in full, by attribute.
    lossy: Mapping[str, Lossy] = field(default_factory=dict)
    #: The only end to which an attribute goes, where it does not go both ways; the other end is never written.
    only_to: Mapping[str, End] = field(default_factory=dict)
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

    def mode_of(self, attribute: str) -> str:
        """The mode of one attribute."""
        return self.modes.get(attribute, self.mode)

    def goes_to(self, attribute: str, side: End) -> bool:
        """Whether an attribute is ever written on a side."""
        return self.only_to.get(attribute, side) is side

    def shown(self, attribute: str, value: Any, side: End) -> Any:
        """What a side shows of a value of the opposite side."""
        lossy = self.lossy.get(attribute)
        if lossy is None or lossy.side != side:
            return value
        return _declared(attribute, lossy.show, value)

    def agree(self, attribute: str, left: Any, right: Any) -> bool:
        """Whether two values are equal, as far as the coarser side can show them."""
        return same(left, right) or (
            attribute in self.lossy
            and same(self.shown(attribute, left, End.RIGHT), self.shown(attribute, right, End.LEFT))
        )

    def carried(self, attribute: str, source: Any, target: Any, side: End) -> Any:
        """What is to be written on `side`, which shows `target`, so that it agrees with `source`."""
        lossy = self.lossy.get(attribute)
        if lossy is not None and lossy.side == side.opposite:
            return _declared(attribute, lossy.restore, source, target)
        return self.shown(attribute, source, side)


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
