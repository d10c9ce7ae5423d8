"""The data of the merge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, TypeAlias

from tasks.merge.united import Own
from tasks.sides.ends import ID, UNLABELLED, End, Labels

Values: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Name:
    """What people call an object by. Its repr shows no content."""

    #: Empty where it has none, or none is known.
    title: str = field(default="", repr=False)
    #: Where a person finds it.
    address: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.title or self.address)


NAMELESS = Name()


@dataclass(frozen=True, slots=True)
class Record:
    """One object as its side shows it."""

    id: ID
    #: By the name that the attribute has on both sides of the merge.
    values: Values
    #: Equal for records of both sides that are the same thing.
    hash: str = ""
    #: Last edit, with a zone; `None` where the side does not say.
    edited: datetime | None = None
    #: The attributes that its side leaves empty, of those for which a new object across gets a default.
    blank: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All records of a side at one moment."""

    side: End
    records: Mapping[ID, Record]
    #: Why records may be missing; `None` when these are all.
    partial: str | None = None
    #: Objects that are there but could not be read, with the reason.
    unreadable: Mapping[ID, str] = field(default_factory=dict)
    #: The hashes of those of them of which that much is known.
    unreadable_hashes: Mapping[ID, frozenset[str]] = field(default_factory=dict)
    #: Objects that are not listed, of which the side does not say that they are gone.
    elsewhere: frozenset[ID] = frozenset()
    #: Those of them of which the side says plainly that they are there.
    moved: frozenset[ID] = frozenset()
    #: Objects that are listed, but that the task's filters leave out …
    outside: frozenset[ID] = frozenset()
    #: … or its window of time.
    out_of_window: frozenset[ID] = frozenset()
    #: Whether all was listed; a listing of changes may lack objects that were new before and could not be linked.
    full: bool = True

    def has(self, record_id: ID) -> bool:
        """Whether an object is there, readable or not."""
        return record_id in self.records or record_id in self.unreadable


@dataclass(frozen=True, slots=True)
class Link:
    """A pair of records that are the same thing, and what both showed when they agreed last."""

    left_id: ID
    right_id: ID
    #: The base: by attribute, as each side showed it.
    left: Values
    right: Values
    #: The sides on which the record is known to be out of the task's sight.
    parked: frozenset[End] = frozenset()
    #: Whether the pair is synced no more while one is out of sight: the other one goes its own way, and the pair is
    #: only remembered so that neither is made again.
    apart: bool = False

    def __post_init__(self) -> None:
        """Journals keep that a pair went apart beside the sides on which it is out of sight.

        Raises:
            ValueError: such a pair is in sight on both.
        """
        if self.apart and not self.parked:
            raise ValueError(f"{self.left_id} and {self.right_id} apart, yet in sight")

    def id_on(self, side: End) -> ID:
        """The id of the pair's record on a side."""
        return self.left_id if side is End.LEFT else self.right_id

    def base_on(self, side: End) -> Values:
        """The base as a side showed it."""
        return self.left if side is End.LEFT else self.right


@dataclass(frozen=True, slots=True)
class Intent:
    """A create or an update that was begun and whose outcome is not known yet."""

    #: The same for every attempt at this write.
    key: str
    #: The side that was to be written.
    side: End
    #: The object of the opposite side from which the values came.
    source_id: ID
    #: What was to be written.
    values: Values
    #: The object that was to be updated; `None` for a create.
    target_id: ID | None = None
    #: Whether the service took the write, and only what it shows since is not known.
    answered: bool = False
    #: When a create was begun, and the hash that its source had then.
    begun_at: datetime | None = field(default=None, compare=False)
    hash: str = ""
    #: The object that a create made, by the word of its side; `None` where the side does not say. It is not kept.
    made_id: ID | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a write replaces, kept before it is sent, so that it can be undone."""

    #: `create`, `update` or `delete`.
    kind: str
    #: The side that is written.
    side: End
    #: The object that is written; `None` for a create.
    target_id: ID | None
    #: Its counterpart on the opposite side; `None` where there is none.
    source_id: ID | None
    #: The values that go, and those that come, of the attributes that are written.
    before: Values
    after: Values
    #: What people call it.
    name: Name = field(default=NAMELESS, compare=False)


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute's old and new value on the side that is written."""

    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One line of a plan."""

    #: Why, in words for a person.
    reason: str
    #: What people call the object that it is about; it decides nothing.
    name: Name = field(default=NAMELESS, compare=False)

    def named(self, name: Name) -> Self:
        """The same with a name, as `replace` gives it in more than twice the time; plans have very many actions."""
        other = object.__new__(type(self))
        for each in self.__dataclass_fields__:
            object.__setattr__(other, each, getattr(self, each))
        object.__setattr__(other, "name", name)
        return other


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt(Action):
    """Link two records that are there already; only the attributes on which they agree become base."""

    left_id: ID
    right_id: ID
    #: The base of the new link: by attribute, what each side shows.
    left: Values
    right: Values
    #: The create that this settles, if it was one.
    intent: str | None = None
    #: The link that it replaces, where a deleted object was made again.
    instead_of: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Action):
    """Make a new object on `side` as counterpart of `source_id` on the opposite one."""

    side: End
    source_id: ID
    values: Values
    #: What the opposite side shows, where that is not the same thing; its base.
    source: Values = field(default_factory=dict)
    #: The counterpart that was there before, where a deleted object is made again.
    instead_of: ID | None = None
    #: The attributes of which it gets the default, as its source leaves them empty.
    defaults: tuple[str, ...] = ()
    #: What it is made without, as it cannot be read though it should be; empty where all can.
    odd: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Action):
    """Write the changed attributes of a linked record on `side`."""

    side: End
    left_id: ID
    right_id: ID
    changes: Mapping[str, Change]
    #: What the opposite side shows for these attributes; with the written values the new base.
    source: Values
    #: The updates of earlier runs that this settles.
    intents: tuple[str, ...] = ()
    #: Of files, what this side did by itself: it stays, and is carried across by the next run.
    own: Mapping[str, Own] = field(default_factory=dict)

    @property
    def target_id(self) -> ID:
        """The id of the record that is written."""
        return self.left_id if self.side is End.LEFT else self.right_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Agree(Action):
    """Both sides came to the same values by themselves: nothing to write but the base."""

    left_id: ID
    right_id: ID
    left: Values
    right: Values
    #: The updates of earlier runs that this settles.
    intents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Action):
    """Delete a record on `side`, whose counterpart was deleted."""

    side: End
    left_id: ID
    right_id: ID
    #: What it shows, and is lost.
    values: Values = field(default_factory=dict)
    #: Whether its counterpart is there, and only left what the task takes.
    left_scope: bool = False

    @property
    def target_id(self) -> ID:
        """The id of the record that is deleted."""
        return self.left_id if self.side is End.LEFT else self.right_id

    @property
    def missing_id(self) -> ID:
        """The id of the record that is not there any more."""
        return self.right_id if self.side is End.LEFT else self.left_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlink(Action):
    """Forget a link whose records are gone."""

    left_id: ID
    right_id: ID
    #: The sides that are asked whether that is so.
    missing: frozenset[End] = frozenset(End)


@dataclass(frozen=True, slots=True, kw_only=True)
class Park(Action):
    """Note on which sides a link's records are out of sight; on none of them, again."""

    left_id: ID
    right_id: ID
    sides: frozenset[End]
    #: Whether the pair is synced no more for as long.
    apart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark(Action):
    """Set an attribute of a record on `side` whose counterpart was deleted; the pair is synced no more."""

    side: End
    left_id: ID
    right_id: ID
    #: By the side's own name, and as the side takes it.
    attribute: str
    value: Any
    #: What the merge calls the attribute, where it is one of those that are kept in step.
    synced_as: str | None = None

    @property
    def target_id(self) -> ID:
        """The id of the record that is marked."""
        return self.left_id if self.side is End.LEFT else self.right_id

    @property
    def missing_id(self) -> ID:
        """The id of the record that is not there any more."""
        return self.right_id if self.side is End.LEFT else self.left_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict(Action):
    """Both sides changed the same thing; the value that lost, or both, go to the ledger.

    `winner` is `None` where neither side may be written (`ConflictMode.ERROR`), and where both are: with a
    third value that a resolver gave, or with what the task's own method decides.
    """

    left_id: ID
    right_id: ID
    #: `None` for a deletion on one side against an edit on the other.
    attribute: str | None
    base: Any
    left: Any
    right: Any
    left_edited: datetime | None
    right_edited: datetime | None
    winner: End | None
    #: The rule that decided: `newer`, `tie`, `left`, `right`, `error`, `resolver`, `method`,
    #: `edit beats delete`, `delete beats edit`, `made again` where an object took the place of a deleted one,
    #: `retried` where an earlier write of this value may have arrived and been edited since, `one way` where it
    #: was edited at the only end to which it goes, or `kept` where it stays so there until its source changes.
    rule: str

    @property
    def unresolved(self) -> bool:
        """Whether neither side is written, so that a person has to decide."""
        return self.winner is None and self.rule not in {"resolver", "method"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore(Action):
    """Bring an object on `side` back that an earlier run deleted: out of the trash, else made anew of its values."""

    side: End
    #: The id that it had.
    former_id: ID
    values: Values
    #: What it was linked with, if that is there without a counterpart; else it is new to the next run.
    counterpart: ID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Action):
    """Delete on `side` what an earlier run created there; its counterpart stays, and is left alone."""

    side: End
    left_id: ID
    right_id: ID
    values: Values

    @property
    def target_id(self) -> ID:
        """The id of the record that is deleted."""
        return self.left_id if self.side is End.LEFT else self.right_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip(Action):
    """Left as it is in this run."""

    side: End
    id: ID
    #: Whether it was left because it failed before and its time has not come yet.
    failing: bool = False
    #: Both ids, where a pair is left.
    pair: tuple[ID, ID] | None = None
    #: Whether it was left because a value cannot be read that should be readable.
    odd: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spare(Action):
    """Let an object of `side` be without a counterpart: it was there before the first sync. Writes nothing."""

    side: End
    id: ID


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do, in the order in which it would be done."""

    actions: tuple[Action, ...] = ()
    #: How many linked pairs are equal already.
    in_step: int = 0
    #: How many records each side listed.
    listed: Mapping[End, int] = field(default_factory=dict)
    #: Keys of intents that did nothing, as complete listings show.
    void: tuple[str, ...] = ()
    #: What people call the sides.
    labels: Labels = field(default=UNLABELLED, compare=False)
    #: What becomes of values on their way across, in a sentence for each attribute that is converted.
    told: tuple[str, ...] = field(default=(), compare=False)

    def of(self, *kinds: type[Action]) -> list[Any]:
        """The actions of these kinds, in order."""
        return [action for action in self.actions if isinstance(action, kinds)]

    @property
    def writes(self) -> list[Create | Update | Delete | Mark | Restore | Withdraw]:
        """The actions that change a service."""
        return self.of(Create, Update, Delete, Mark, Restore, Withdraw)

    def counts(self) -> dict[str, int]:
        """How many actions of each kind, by the kind's name in lower case."""
        return dict(Counter(type(action).__name__.lower() for action in self.actions))
